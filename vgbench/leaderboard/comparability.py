"""What may share a table: runs of one protocol, whose features come from the same networks."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from vgbench.errors import ProtocolError, RunError
from vgbench.protocol import differing_content, protocol_id
from vgbench.runs.checksums import check_seal
from vgbench.runs.run import EvalRun
from vgbench.scoring.lookup import find_metric
from vgbench.specs import MetricSpec


def check_comparable(runs: Sequence[EvalRun]) -> None:
    """ProtocolError: two runs differ in their protocol or in a network; RunError: a run is unfinished, damaged, or there is none."""
    if not runs:
        raise RunError("There is no evaluation run to report; `vgbench eval` makes one.")
    for run in runs:
        if run.record.status != "done":
            # Older versions did not record what was asked for of given clips.
            way_out = "run its command again" if run.record.asked is None else f"finish it with {_resuming(run)}"
            raise RunError(f"{run.path} is {run.record.status}, not done; {way_out}.")
        _check_id(run)
        check_seal(run)
    for run in runs[1:]:
        _check_pair(runs[0], run)


def _resuming(run: EvalRun) -> str:
    """What finishes a run: its own command, where it was one, with --resume."""
    words = [word for word in run.record.argv[1:] if not word.startswith("--resume=")]
    if words[:1] != ["eval"]:
        return f"the same options and --resume {run.path}"
    if "--resume" in words:
        place = words.index("--resume")
        del words[place : place + 2]
    return shlex.join(["vgbench", *words, "--resume", str(run.path)])


def _check_id(run: EvalRun) -> None:
    """ProtocolError: the run's protocol id is not the hash of the protocol that it names."""
    compared = {key: value for key, value in run.record.protocol.items() if key not in ("id", "name", "fingerprint")}
    fingerprint = run.record.protocol.get("fingerprint")
    if fingerprint is None:  # given clips, whose id is a hash over the references' pixels
        return
    expected = protocol_id(compared, fingerprint)
    if run.record.protocol["id"] != expected:
        raise ProtocolError(
            f"{run.path} says that its protocol has the id {run.record.protocol['id']}, but what it records of it has the id {expected}: "
            "it was changed by hand, and its scores cannot be placed."
        )


def _check_pair(one: EvalRun, other: EvalRun) -> None:
    first, second = one.record.protocol, other.record.protocol
    if second.get("id") != first.get("id"):
        raise ProtocolError(
            f"{one.name} and {other.name} cannot share a table: protocol {first.get('id')} against {second.get('id')}.\n"
            + "\n".join(f"  {line}" for line in differing_content(first, second))
        )
    compared = {"features": (one.record.features, other.record.features), "weights": (one.record.weights, other.record.weights)}
    for what, known in compared.items():
        for metric in known[0].keys() & known[1].keys():
            if known[0][metric] != known[1][metric]:
                raise ProtocolError(
                    f"{one.name} and {other.name} cannot share a column {metric}: its {what} are {known[0][metric]} "
                    f"against {known[1][metric]}."
                )


def all_metrics(runs: Sequence[EvalRun]) -> list[MetricSpec]:
    """The metrics that any run has, in the order in which they are first met."""
    return [find_metric(metric).spec for metric in dict.fromkeys(metric for run in runs for metric in run.record.metrics)]
