"""What may share a table: runs of one protocol, whose features come from the same networks."""

from __future__ import annotations

from collections.abc import Sequence

from vgbench.errors import ProtocolError, RunError
from vgbench.protocol import differing_keys
from vgbench.runs.run import Run
from vgbench.scoring.lookup import find_metric
from vgbench.specs import MetricSpec


def check_comparable(runs: Sequence[Run]) -> None:
    """ProtocolError: two runs differ in their protocol or in a network; RunError: a run is unfinished, damaged, or there is none."""
    if not runs:
        raise RunError("There is no evaluation run to report; `vgbench eval` makes one.")
    for run in runs:
        if run.record["status"] != "done":
            # Given clips are scored in one go: only an evaluation of generators can be resumed.
            is_given = "reference" in (run.record.get("protocol") or {})
            way_out = "run its command again" if is_given else f"finish it with vgbench eval --resume {run.path}"
            raise RunError(f"{run.path} is {run.record['status']}, not done; {way_out}.")
        if not isinstance(run.record.get("protocol"), dict) or not isinstance(run.record.get("rows"), list):
            raise RunError(f"{run.path}/run.json is damaged: it names no protocol or no rows.")
    for run in runs[1:]:
        _check_pair(runs[0], run)


def _check_pair(one: Run, other: Run) -> None:
    first, second = one.record["protocol"], other.record["protocol"]
    if second.get("id") != first.get("id"):
        keys = [line for line in differing_keys(first, second) if not line.startswith(("id:", "name:"))]
        raise ProtocolError(
            f"{one.name} and {other.name} cannot share a table: protocol {first.get('id')} against {second.get('id')}.\n"
            + "\n".join(f"  {line}" for line in keys)
        )
    for what in ("features", "weights"):
        known = one.record.get(what, {}), other.record.get(what, {})
        for metric in known[0].keys() & known[1].keys():
            if known[0][metric] != known[1][metric]:
                raise ProtocolError(
                    f"{one.name} and {other.name} cannot share a column {metric}: its {what} are {known[0][metric]} "
                    f"against {known[1][metric]}."
                )


def common_metrics(runs: Sequence[Run]) -> list[MetricSpec]:
    """The metrics that every run has, in the first one's order.  ProtocolError: there is none."""
    shared = [metric for metric in runs[0].record["metrics"] if all(metric in run.record["metrics"] for run in runs)]
    if not shared:
        raise ProtocolError(
            "These runs have no metric in common: " + "; ".join(f"{run.name}: {run.record['metrics']}" for run in runs) + "."
        )
    return [find_metric(metric).spec for metric in shared]
