"""Building a leaderboard from runs: what may share a table, every score with its interval, and which differences are real."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from vgbench.interfaces import SetMetric
from vgbench.leaderboard.comparability import check_comparable, common_metrics
from vgbench.leaderboard.doubts import differing_machines, find_doubts
from vgbench.leaderboard.scored_rows import ScoredRow, find_scored_rows
from vgbench.leaderboard.table import Leaderboard, Score, TableRow
from vgbench.runs.run import EvalRun
from vgbench.scoring.loaded_metric import load_metric
from vgbench.scoring.lookup import find_metric
from vgbench.scoring.pooling import Group, Pooling, goodness
from vgbench.specs import MetricSpec
from vgbench.stats.bootstrap import LEAST_SOURCES_TO_TEST, Sample, holm, paired_p_value, percentile_interval, replicates
from vgbench.stats.set_distance import SetEstimate, paired_p_value as jackknife_p_value

SIGNIFICANCE = 0.05
Evidence = dict[tuple[str, str], Any]
"""(row, metric) → what a test between two rows needs: bootstrap replicates, or a set metric's estimate."""


def build_leaderboard(runs: Sequence[EvalRun]) -> Leaderboard:
    """The leaderboard of one or more evaluation runs.

    ProtocolError: their protocols, or the networks behind their features, differ; the message says in which key.
    RunError: a run is unfinished or damaged.
    """
    check_comparable(runs)
    specs = common_metrics(runs)
    scored_rows = find_scored_rows(runs, specs)
    scores: dict[str, dict[str, Score]] = {scored.label: {} for scored in scored_rows}
    evidence: Evidence = {}
    pooled = [spec for spec in specs if spec.kind != "set"]
    _score_clips(scored_rows, pooled, scores, evidence)
    for spec in specs:
        if spec.kind == "set":
            _score_sets(scored_rows, spec, scores, evidence)
    rows = _mark_ties([_table_row(scored, scores[scored.label]) for scored in scored_rows], specs, evidence)
    warnings = list(dict.fromkeys(text for run in runs for text in run.record.warnings))
    return Leaderboard(
        protocol=runs[0].record.protocol,
        metrics=specs,
        rows=sorted(rows, key=lambda row: _rank(row, specs[0])),
        warnings=[*warnings, *differing_machines(runs), *find_doubts(rows, specs)],
        runs=[str(run.path) for run in runs],
    )


def _table_row(scored: ScoredRow, scores: Mapping[str, Score]) -> TableRow:
    lines = scored.scores
    return TableRow(
        label=scored.label,
        generator=scored.record.generator,
        run=lines.run,
        parameters=scored.record.parameters,
        seconds_per_clip=median(lines.seconds) if lines.seconds else None,
        perfect_frames=lines.perfect,
        n_frames=lines.frames,
        scores=scores,
    )


def _score_clips(
    scored_rows: Sequence[ScoredRow], specs: Sequence[MetricSpec], scores: dict[str, dict[str, Score]], evidence: Evidence
) -> None:
    """Scores of the metrics that give every clip a value; one bootstrap serves all rows and metrics."""
    samples: dict[tuple[str, str], Sample] = {}
    for spec in specs:
        pooling = Pooling(spec)
        for scored in scored_rows:
            score, sample = _pooled(pooling, scored)
            scores[scored.label][spec.id] = score
            if score.n_sources > 1 and math.isfinite(score.value):
                samples[scored.label, spec.id] = sample
    n_sources = {label: score.n_sources for label, by_metric in scores.items() for score in by_metric.values()}
    for number in sorted(set(n_sources.values())):
        keys = [key for key in samples if n_sources[key[0]] == number]
        for key, replicated in zip(keys, replicates([samples[key] for key in keys], number), strict=True):
            low, high = percentile_interval(replicated)
            label, metric = key
            scores[label][metric] = replace(scores[label][metric], ci_low=low, ci_high=high)
            evidence[key] = replicated


def _pooled(pooling: Pooling, scored: ScoredRow) -> tuple[Score, Sample]:
    import numpy as np

    lines, column = scored.scores, scored.scores.columns[pooling.spec.id]
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
        **_at_each_frame(groups, lines.frames // len(lines)),
    )
    return score, Sample(per_clip, source_of, pooling.own_pool)


def _at_each_frame(groups: Sequence[Group], frames: int) -> dict[str, Any]:
    """The means over clips of so many frames, as fields of `Score`; or why there are none."""
    if len(groups) != 1:
        return {"per_frame": None, "per_frame_missing": "clips differ in length"}
    n_values = groups[0].values.shape[1]
    if n_values not in (frames, frames - 1):
        return {"per_frame": None, "per_frame_missing": f"a clip of {frames} frames has {n_values} values"}
    return {"per_frame": tuple(groups[0].values.mean(axis=0).tolist()), "per_frame_skips": frames - n_values}


def _score_sets(scored_rows: Sequence[ScoredRow], spec: MetricSpec, scores: dict[str, dict[str, Score]], evidence: Evidence) -> None:
    loaded = load_metric(find_metric(spec.id), SetMetric)  # type: ignore[type-abstract] # only compared with
    for scored in scored_rows:
        features = scored.features(spec.id)
        with loaded.guarded():
            estimate = scored.estimate(loaded.metric, features)
        evidence[scored.label, spec.id] = estimate
        scores[scored.label][spec.id] = Score(
            value=estimate.value,
            ci_low=estimate.ci_low,
            ci_high=estimate.ci_high,
            n_clips=estimate.n_generated,
            n_frames=scored.scores.frames,
            n_sources=estimate.n_sources,
            non_finite=0,
            per_frame=None,
            per_frame_missing="it compares sets of clips",
            estimate=estimate,
        )


def _rank(row: TableRow, spec: MetricSpec) -> tuple[float, str]:
    return -goodness(row.scores[spec.id].value, spec), row.label


def _mark_ties(rows: list[TableRow], specs: Sequence[MetricSpec], evidence: Evidence) -> list[TableRow]:
    """Say of each score whether a paired test with Holm's correction tells it from the metric's best."""
    if len(rows) < 2:
        return rows
    marked = {row.label: dict(row.scores) for row in rows}
    for spec in specs:
        if any(row.scores[spec.id].n_sources < LEAST_SOURCES_TO_TEST for row in rows):
            continue
        best = min(rows, key=lambda row: _rank(row, spec))
        known = {label: found for (label, metric), found in evidence.items() if metric == spec.id}
        if best.label not in known or not _is_testable(known.values()):
            continue
        compared = [label for label in known if label != best.label]
        p_values = holm({label: _p_value(known[best.label], known[label], spec) for label in compared})
        for label, p in {best.label: 1.0, **p_values}.items():
            marked[label][spec.id] = replace(marked[label][spec.id], tied_with_best=p >= SIGNIFICANCE)
    return [replace(row, scores=marked[row.label]) for row in rows]


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
