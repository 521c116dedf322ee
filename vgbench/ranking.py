"""Building a leaderboard from runs: what may share a table, every score with its interval, and which differences are real."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vgbench.comparability import check_comparable, common_metrics
from vgbench.entrants import Entrant, find_entrants
from vgbench.errors import MetricError
from vgbench.guard import guarded
from vgbench.leaderboard import Leaderboard, Score, Standing
from vgbench.pooling import Pooling
from vgbench.runs import Run
from vgbench.set_estimates import FEW_CLIPS, SetEstimate, paired_p_value as jackknife_p_value
from vgbench.specs import MetricSpec
from vgbench.stats import (
    FEW_SOURCES,
    LEAST_SOURCES_TO_TEST,
    Sample,
    holm,
    paired_p_value,
    percentile_interval,
    replicates,
)

SIGNIFICANCE = 0.05
Evidence = dict[tuple[str, str], Any]
"""(row, metric) → what a test between two rows needs: bootstrap replicates, or a set metric's estimate."""


def build_leaderboard(runs: Sequence[Run]) -> Leaderboard:
    """The leaderboard of one or more evaluation runs.

    ProtocolError: their protocols, or the networks behind their features, differ; the message says in which key.
    RunError: a run is unfinished or damaged.
    """
    check_comparable(runs)
    specs = common_metrics(runs)
    entrants = find_entrants(runs, specs)
    scores: dict[str, dict[str, Score]] = {entrant.label: {} for entrant in entrants}
    evidence: Evidence = {}
    pooled = [spec for spec in specs if spec.kind != "set"]
    _score_clips(entrants, pooled, scores, evidence)
    for spec in specs:
        if spec.kind == "set":
            _score_sets(entrants, spec, scores, evidence)
    standings = _mark_ties([_standing(entrant, scores[entrant.label]) for entrant in entrants], specs, evidence)
    warnings = list(dict.fromkeys(text for run in runs for text in run.record.get("warnings", [])))
    return Leaderboard(
        protocol=runs[0].record["protocol"],
        metrics=specs,
        standings=sorted(standings, key=lambda standing: _rank(standing, specs[0])),
        warnings=[*warnings, *_doubts(standings, specs)],
        runs=[str(run.path) for run in runs],
    )


def _standing(entrant: Entrant, scores: Mapping[str, Score]) -> Standing:
    lines = entrant.scores
    seconds = sorted(lines.seconds)
    return Standing(
        label=entrant.label,
        generator=entrant.record.get("generator", entrant.label),
        run=lines.run,
        parameters=entrant.record.get("parameters"),
        seconds_per_clip=seconds[len(seconds) // 2] if seconds else None,
        perfect_frames=lines.perfect,
        n_frames=lines.frames,
        scores=scores,
    )


def _score_clips(entrants: Sequence[Entrant], specs: Sequence[MetricSpec], scores: dict[str, dict[str, Score]], evidence: Evidence) -> None:
    """Scores of the metrics that give every clip a value; one bootstrap serves all rows and metrics."""
    samples: dict[tuple[str, str], Sample] = {}
    for spec in specs:
        pooling = Pooling(spec)
        for entrant in entrants:
            score, sample = _pooled(pooling, entrant)
            scores[entrant.label][spec.id] = score
            if score.n_sources > 1 and math.isfinite(score.value):
                samples[entrant.label, spec.id] = sample
    n_sources = {label: score.n_sources for label, by_metric in scores.items() for score in by_metric.values()}
    for number in sorted(set(n_sources.values())):
        keys = [key for key in samples if n_sources[key[0]] == number]
        for key, replicated in zip(keys, replicates([samples[key] for key in keys], number), strict=True):
            low, high = percentile_interval(replicated)
            label, metric = key
            scores[label][metric] = replace(scores[label][metric], ci_low=low, ci_high=high)
            evidence[key] = replicated


def _pooled(pooling: Pooling, entrant: Entrant) -> tuple[Score, Sample]:
    import numpy as np

    lines, column = entrant.scores, entrant.scores.columns[pooling.spec.id]
    order = lines.order()
    per_clip = pooling.per_clip(column, order)
    names, source_of = np.unique(np.asarray(lines.sources)[order], return_inverse=True)
    groups = list(column.groups(order))
    score = Score(
        value=pooling.pooled(per_clip),
        ci_low=None,
        ci_high=None,
        n_clips=len(lines),
        n_frames=lines.frames,
        n_sources=len(names),
        non_finite=column.non_finite(),
        per_frame=tuple(groups[0].values.mean(axis=0).tolist()) if len(groups) == 1 else None,
    )
    return score, Sample(per_clip, source_of, pooling.own_pool)


def _score_sets(entrants: Sequence[Entrant], spec: MetricSpec, scores: dict[str, dict[str, Score]], evidence: Evidence) -> None:
    for entrant in entrants:
        features = entrant.features(spec.id)
        with guarded(MetricError, f"metric {spec.id}"):
            estimate = entrant.estimate(spec, features)
        evidence[entrant.label, spec.id] = estimate
        scores[entrant.label][spec.id] = Score(
            value=estimate.value,
            ci_low=estimate.ci_low,
            ci_high=estimate.ci_high,
            n_clips=estimate.n_generated,
            n_frames=entrant.scores.frames,
            n_sources=estimate.n_sources,
            non_finite=0,
            per_frame=None,
            estimate=estimate,
        )


def goodness(value: float, spec: MetricSpec) -> float:
    """Higher is better, whatever the metric's direction; NaN is the worst."""
    if not math.isfinite(value):
        return -math.inf
    return {"higher": value, "lower": -value, "toward-1": -abs(math.log(value)) if value > 0 else -math.inf}[spec.better]


def _rank(standing: Standing, spec: MetricSpec) -> tuple[float, str]:
    return -goodness(standing.scores[spec.id].value, spec), standing.label


def _mark_ties(standings: list[Standing], specs: Sequence[MetricSpec], evidence: Evidence) -> list[Standing]:
    """Say of each score whether a paired test with Holm's correction tells it from the metric's best."""
    if len(standings) < 2:
        return standings
    marked = {standing.label: dict(standing.scores) for standing in standings}
    for spec in specs:
        if any(standing.scores[spec.id].n_sources < LEAST_SOURCES_TO_TEST for standing in standings):
            continue
        best = min(standings, key=lambda standing: _rank(standing, spec))
        known = {label: found for (label, metric), found in evidence.items() if metric == spec.id}
        if best.label not in known or not _is_testable(known.values()):
            continue
        compared = [label for label in known if label != best.label]
        p_values = holm({label: _p_value(known[best.label], known[label], spec) for label in compared})
        for label, p in {best.label: 1.0, **p_values}.items():
            marked[label][spec.id] = replace(marked[label][spec.id], tied_with_best=p >= SIGNIFICANCE)
    return [replace(standing, scores=marked[standing.label]) for standing in standings]


def _is_testable(found: Iterable[Any]) -> bool:
    """Whether every row has what a test needs; a set metric on too few sources has no interval and no test."""
    return not any(isinstance(one, SetEstimate) and one.ci_low is None for one in found)


def _p_value(best: Any, other: Any, spec: MetricSpec) -> float:
    """p of the paired bootstrap, or of the paired jackknife for a set metric; for a ratio the distances from 1 are compared."""
    import numpy as np

    if isinstance(best, SetEstimate):
        return jackknife_p_value(best, other)
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
    few: dict[str, int] = {}
    for standing in standings:
        for spec in specs:
            score = standing.scores[spec.id]
            if score.estimate is not None and min(score.estimate.n_real, score.estimate.n_generated) < FEW_CLIPS:
                few.setdefault(spec.id, min(score.estimate.n_real, score.estimate.n_generated))
            if score.non_finite:
                doubts.append(f"{standing.label}: {score.non_finite} values of {spec.id} are NaN or infinite, so its mean is not shown.")
    for metric, clips in few.items():
        doubts.append(
            f"{metric} over {clips} clips is mostly bias: compare it only with values of as many clips of this protocol, "
            f"and use at least {FEW_CLIPS}."
        )
    return doubts
