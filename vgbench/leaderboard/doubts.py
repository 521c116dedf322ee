"""What a reader of a table should know before believing it."""

from __future__ import annotations

from collections.abc import Sequence

from vgbench.leaderboard.table import TableRow
from vgbench.runs.run import EvalRun
from vgbench.specs import MetricSpec
from vgbench.stats.best import LEAST_SOURCES as LEAST_TO_TEST
from vgbench.stats.bootstrap import FEW_SOURCES, LEAST_SOURCES as LEAST_FOR_INTERVAL
from vgbench.stats.set_distance import FEW_CLIPS


def differing_machines(runs: Sequence[EvalRun]) -> list[str]:
    """What runs of one table were made with that can change the last bits of generated clips."""
    doubts = []
    for what, values in (
        ("device", {run.record.device for run in runs}),
        ("number of torch threads", {run.record.machine.get("threads") for run in runs}),
    ):
        known = sorted(str(value) for value in values if value is not None)
        if len(known) > 1:
            doubts.append(f"The runs differ in {what} ({', '.join(known)}), which can change the last bits of generated clips.")
    return doubts


def find_doubts(rows: Sequence[TableRow], specs: Sequence[MetricSpec]) -> list[str]:
    doubts = []
    sources = min(score.n_sources for row in rows for score in row.scores.values())
    if sources < FEW_SOURCES:
        doubts.append(f"Only {sources} source video{'s' if sources > 1 else ''}: {_cost_of(sources)}.")
    few: dict[str, int] = {}
    for row in rows:
        for spec in specs:
            score = row.scores[spec.id]
            if score.estimate is not None and min(score.estimate.n_real, score.estimate.n_generated) < FEW_CLIPS:
                few.setdefault(spec.id, min(score.estimate.n_real, score.estimate.n_generated))
            if score.non_finite:
                doubts.append(f"{row.label}: {score.non_finite} values of {spec.id} are NaN or infinite, so its mean is not shown.")
    for metric, clips in few.items():
        doubts.append(
            f"{metric} over {clips} clips is mostly bias: compare it only with values of as many clips of this protocol, "
            f"and use at least {FEW_CLIPS}."
        )
    return doubts


def _cost_of(sources: int) -> str:
    """What cannot be said of so few source videos."""
    if sources < LEAST_FOR_INTERVAL:
        return f"there are no intervals under {LEAST_FOR_INTERVAL}, and no difference is tested under {LEAST_TO_TEST}"
    untested = f", and no difference is tested under {LEAST_TO_TEST}" if sources < LEAST_TO_TEST else ""
    return f"where scores are skewed, 95 % intervals over fewer than {FEW_SOURCES} hold in about 90 % of cases{untested}"
