"""Ranking: runs that may be compared become a leaderboard, with the group marked that cannot be told apart from the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vgbench.errors import MetricError, ProtocolError, RunError
from vgbench.guard import guarded
from vgbench.interfaces import PairedMetric
from vgbench.leaderboard import Leaderboard, Score, Standing
from vgbench.measure import find_metric
from vgbench.protocol import differing_keys
from vgbench.runs import Run
from vgbench.specs import MetricSpec
from vgbench.stats import (
    FEW_SOURCES,
    LEAST_SOURCES_TO_TEST,
    Draws,
    draw_sources,
    holm,
    paired_p_value,
    percentile_interval,
    replicates,
)
from vgbench.store import ClipScores, read_scores

SIGNIFICANCE = 0.05


def build_leaderboard(runs: Sequence[Run]) -> Leaderboard:
    """The leaderboard of one or more evaluation runs.

    ProtocolError: their protocols differ; the message says in which key.  RunError: a run is unfinished or damaged.
    """
    if not runs:
        raise RunError("There is no evaluation run to report; `vgbench eval` makes one.")
    _check_comparable(runs)
    specs = _common_metrics(runs)
    measured = [Metric(spec) for spec in specs]
    standings: list[Standing] = []
    tests: dict[str, dict[str, Any]] = {spec.id: {} for spec in specs}
    for run in runs:
        lines = _lines_by_label(run)
        for row in run.record["rows"]:
            label = row["label"] if len(runs) == 1 or _is_unique(row["label"], runs) else f"{row['label']}@{run.name}"
            standings.append(_standing(label, row, lines[row["label"]], measured, tests))
    standings = _mark_ties(standings, specs, tests)
    warnings = list(dict.fromkeys(text for run in runs for text in run.record.get("warnings", [])))
    return Leaderboard(
        protocol=runs[0].record["protocol"],
        metrics=specs,
        standings=sorted(standings, key=lambda standing: _rank(standing, specs[0])),
        warnings=[*warnings, *_doubts(standings, specs)],
        runs=[str(run.path) for run in runs],
    )


class Metric:
    """A metric's pooling, loaded from its spec."""

    def __init__(self, spec: MetricSpec) -> None:
        self.spec = spec
        self.metric: PairedMetric = find_metric(spec.id).load()()
        self.pool = None if type(self.metric).pool is PairedMetric.pool else self.metric.pool

    def per_clip(self, values: Sequence[Sequence[float]]) -> Any:
        """(N,) float64 from N lists, which may differ in length."""
        import numpy as np

        result = np.empty(len(values), dtype=np.float64)
        lengths = np.array([len(one) for one in values])
        for length in set(lengths.tolist()):
            chosen = np.flatnonzero(lengths == length).tolist()
            with guarded(MetricError, f"metric {self.spec.id}"):
                pooled = np.asarray(self.metric.per_clip(np.array([values[index] for index in chosen], dtype=np.float64)))
            if pooled.shape != (len(chosen),):
                raise MetricError(f"metric {self.spec.id}: per_clip() returned {pooled.shape} for {len(chosen)} clips; it returns (N,).")
            result[chosen] = pooled
        return result

    def pooled(self, per_clip: Any) -> float:
        with guarded(MetricError, f"metric {self.spec.id}"):
            return float(self.metric.pool(per_clip))


def _check_comparable(runs: Sequence[Run]) -> None:
    for run in runs:
        if run.record["status"] != "done":
            raise RunError(f"{run.path} is {run.record['status']}, not done; finish it with vgbench eval --resume {run.path}.")
        if not isinstance(run.record.get("protocol"), dict) or not isinstance(run.record.get("rows"), list):
            raise RunError(f"{run.path}/run.json is damaged: it names no protocol or no rows.")
    first = runs[0].record["protocol"]
    for run in runs[1:]:
        other = run.record["protocol"]
        if other.get("id") != first.get("id"):
            keys = [line for line in differing_keys(first, other) if not line.startswith(("id:", "name:"))]
            raise ProtocolError(
                f"{runs[0].name} and {run.name} cannot share a table: protocol {first.get('id')} against {other.get('id')}.\n"
                + "\n".join(f"  {line}" for line in keys)
            )


def _common_metrics(runs: Sequence[Run]) -> list[MetricSpec]:
    shared = [metric for metric in runs[0].record["metrics"] if all(metric in run.record["metrics"] for run in runs)]
    if not shared:
        raise ProtocolError(
            "These runs have no metric in common: " + "; ".join(f"{run.name}: {run.record['metrics']}" for run in runs) + "."
        )
    return [find_metric(metric).spec for metric in shared]


def _is_unique(label: str, runs: Sequence[Run]) -> bool:
    labels = [row["label"] for run in runs for row in run.record["rows"]]
    return labels.count(label) == 1


def _lines_by_label(run: Run) -> dict[str, list[ClipScores]]:
    lines: dict[str, list[ClipScores]] = {row["label"]: [] for row in run.record["rows"]}
    for line in read_scores(run.path):
        if line.generator in lines:
            lines[line.generator].append(line)
    for row in run.record["rows"]:
        expected = row.get("n_lines")
        if not lines[row["label"]] or len(lines[row["label"]]) != expected:
            raise RunError(
                f"{run.path} is damaged: {len(lines[row['label']])} lines of {row['label']} in scores.jsonl, {expected} expected."
            )
    return lines


def _standing(
    label: str, row: Mapping[str, Any], lines: list[ClipScores], metrics: Sequence[Metric], tests: dict[str, dict[str, Any]]
) -> Standing:
    lines = sorted(lines, key=lambda line: (line.clip_id, line.sample))
    draws = draw_sources([line.source for line in lines])
    seconds = sorted(line.seconds for line in lines if line.seconds is not None)
    n_frames = sum(line.frames for line in lines)
    scores = {}
    for metric in metrics:
        scores[metric.spec.id], replicated = _score(metric, lines, draws)
        if replicated is not None:
            tests[metric.spec.id][label] = replicated
    return Standing(
        label=label,
        generator=row.get("generator", label),
        run=lines[0].run,
        parameters=row.get("parameters"),
        seconds_per_clip=seconds[len(seconds) // 2] if seconds else None,
        perfect_frames=sum(line.perfect for line in lines),
        n_frames=n_frames,
        scores=scores,
    )


def _score(metric: Metric, lines: Sequence[ClipScores], draws: Draws) -> tuple[Score, Any]:
    """The pooled score, and the bootstrap's replicates where there is more than one source and every value is finite."""
    try:
        values = [line.scores[metric.spec.id] for line in lines]
    except KeyError as error:
        raise RunError(f"scores.jsonl is damaged: a line of {lines[0].generator} has no {metric.spec.id}.") from error
    per_clip = metric.per_clip(values)
    value = metric.pooled(per_clip)
    n_sources = draws.counts.shape[1]
    replicated = replicates(per_clip, draws, metric.pool) if n_sources > 1 and math.isfinite(value) else None
    interval = None if replicated is None else percentile_interval(replicated)
    score = Score(
        value=value,
        ci_low=interval.low if interval else None,
        ci_high=interval.high if interval else None,
        n_clips=len(lines),
        n_frames=sum(line.frames for line in lines),
        n_sources=n_sources,
        non_finite=sum(not math.isfinite(one) for clip in values for one in clip),
        per_frame=_per_frame(values),
    )
    return score, replicated


def _per_frame(values: Sequence[Sequence[float]]) -> tuple[float, ...] | None:
    import numpy as np

    if len({len(one) for one in values}) != 1:
        return None
    return tuple(float(value) for value in np.mean(np.array(values, dtype=np.float64), axis=0))


def _goodness(score: Score, spec: MetricSpec) -> float:
    """Higher is better, whatever the metric's direction; NaN is the worst."""
    if not math.isfinite(score.value):
        return -math.inf
    return {"higher": score.value, "lower": -score.value, "toward-1": -abs(math.log(score.value)) if score.value > 0 else -math.inf}[
        spec.better
    ]


def _rank(standing: Standing, spec: MetricSpec) -> tuple[float, str]:
    return -_goodness(standing.scores[spec.id], spec), standing.label


def _mark_ties(standings: list[Standing], specs: Sequence[MetricSpec], tests: Mapping[str, Mapping[str, Any]]) -> list[Standing]:
    """Say of each score whether a paired bootstrap with Holm's correction tells it from the metric's best."""
    if len(standings) < 2:
        return standings
    marked = {standing.label: dict(standing.scores) for standing in standings}
    for spec in specs:
        if any(standing.scores[spec.id].n_sources < LEAST_SOURCES_TO_TEST for standing in standings):
            continue
        best = min(standings, key=lambda standing: _rank(standing, spec))
        replicated = tests[spec.id]
        if best.label not in replicated:
            continue
        compared = [label for label in replicated if label != best.label]
        p_values = holm({label: _p_value(replicated[best.label], replicated[label], spec) for label in compared})
        for label, p in {best.label: 1.0, **p_values}.items():
            marked[label][spec.id] = replace(marked[label][spec.id], tied_with_best=p >= SIGNIFICANCE)
    return [replace(standing, scores=marked[standing.label]) for standing in standings]


def _p_value(best: Any, other: Any, spec: MetricSpec) -> float:
    """p of the paired bootstrap; for a ratio the distances from 1 are compared."""
    import numpy as np

    if spec.better == "toward-1":
        return paired_p_value(np.abs(best - 1), np.abs(other - 1))
    return paired_p_value(best, other)


def _doubts(standings: Sequence[Standing], specs: Sequence[MetricSpec]) -> list[str]:
    doubts = []
    sources = min(score.n_sources for standing in standings for score in standing.scores.values())
    if sources < FEW_SOURCES:
        untested = ", and no difference is tested" if sources < LEAST_SOURCES_TO_TEST else ""
        count = "1 source video" if sources == 1 else f"{sources} source videos"
        doubts.append(f"Only {count}: intervals over fewer than {FEW_SOURCES} are too narrow{untested}.")
    for standing in standings:
        for spec in specs:
            score = standing.scores[spec.id]
            if score.non_finite:
                doubts.append(f"{standing.label}: {score.non_finite} values of {spec.id} are NaN or infinite, so its mean is not shown.")
    return doubts
