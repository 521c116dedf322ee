"""What a reader of a table should know before believing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vgbench.leaderboard.table import TableRow
from vgbench.plugins.discovery import BUILT_IN
from vgbench.runs.run import EvalRun
from vgbench.scoring.lookup import find_metric
from vgbench.specs import MetricSpec
from vgbench.stats.bootstrap import FEW_SOURCES, LEAST_SOURCES as LEAST_FOR_INTERVAL
from vgbench.stats.pairs import LEAST_SOURCES as LEAST_TO_TEST
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


def differing_code(runs: Sequence[EvalRun]) -> list[str]:
    """Of the plugins behind rows and columns, those that were not the same code in all runs, though their version is the same."""
    doubts = []
    names = {BUILT_IN, *(row.generator.partition("/")[0] for run in runs for row in run.record.rows)}
    names |= {find_metric(metric).plugin.name for run in runs for metric in run.record.metrics}
    for name in sorted(names):
        found = {str(run.record.plugins.get(name)): set[str]() for run in runs}
        for run in runs:
            found[str(run.record.plugins.get(name))].add(_code_text(run.record.code.get(name)))
        for version, texts in found.items():
            if len(texts - {""}) > 1:
                doubts.append(f"The runs were made with different code of {version}: {', '.join(sorted(texts - {''}))}.")
    return doubts


def _code_text(code: Any) -> str:
    """What tells one state of a plugin's code from another; empty where the run does not say."""
    if not isinstance(code, Mapping) or "sha256" not in code:
        return ""
    commit = f" (commit {code['commit']}{' and changes' if code.get('changed') else ''})" if "commit" in code else ""
    return f"{code['sha256']}{commit}"


def missing_scores(rows: Sequence[TableRow], specs: Sequence[MetricSpec]) -> list[str]:
    """Which rows lack which of the table's columns, as one line."""
    lacking = {row.label: [spec.id for spec in specs if spec.id not in row.scores] for row in rows}
    parts = [f"{label} without {', '.join(metrics)}" for label, metrics in lacking.items() if metrics]
    return [f"– stands where a row was evaluated without the metric: {'; '.join(parts)}."] if parts else []


def find_doubts(rows: Sequence[TableRow], specs: Sequence[MetricSpec]) -> list[str]:
    doubts = []
    sources = min(score.n_sources for row in rows for score in row.scores.values())
    if sources < FEW_SOURCES:
        doubts.append(f"Only {sources} source video{'s' if sources > 1 else ''}: {_cost_of(sources)}.")
    few: dict[str, int] = {}
    for row in rows:
        for spec in specs:
            score = row.scores.get(spec.id)
            if score is None:
                continue
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
