"""Building a leaderboard from runs: what may share a table, every score with its interval, and which differences are real."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

from vgbench.interfaces import SetMetric
from vgbench.leaderboard.best_of import best_of_spec, best_places, can_be_best_of, is_the_same_each_time, samples_of, shared_samples
from vgbench.leaderboard.comparability import all_metrics, check_comparable
from vgbench.leaderboard.criticism import criticise
from vgbench.leaderboard.doubts import differing_code, differing_machines, find_doubts, missing_scores
from vgbench.leaderboard.entrants import Entrant, find_entrants
from vgbench.leaderboard.horizon import with_horizons
from vgbench.leaderboard.scored_rows import ScoredRow, find_scored_rows
from vgbench.leaderboard.standing import find_standing
from vgbench.leaderboard.table import Leaderboard, Score, TableRow, first_frame_of
from vgbench.leaderboard.ties import Evidence, mark_ties
from vgbench.runs.run import EvalRun
from vgbench.scoring.loaded_metric import load_metric
from vgbench.scoring.lookup import find_metric
from vgbench.scoring.pooling import Group, Pooling, goodness
from vgbench.specs import MetricSpec
from vgbench.stats.bootstrap import Interval, Sample, influences, intervals


def build_leaderboard(runs: Sequence[EvalRun]) -> Leaderboard:
    """The leaderboard of one or more evaluation runs.

    ProtocolError: their protocols, or the networks behind their features, differ; the message says in which key.
    RunError: a run is unfinished or damaged.
    """
    check_comparable(runs)
    asked = all_metrics(runs)
    entrants = find_entrants(find_scored_rows(runs, asked))
    columns = _columns(asked, entrants)
    specs = [column.spec for column in columns]
    scores: dict[str, dict[str, Score]] = {entrant.label: {} for entrant in entrants}
    evidence: dict[str, dict[str, Evidence]] = {spec.id: {} for spec in specs}
    _score_clips(entrants, [column for column in columns if column.spec.kind != "set"], scores, evidence)
    for spec in specs:
        if spec.kind == "set":
            _score_sets(entrants, spec, scores, evidence[spec.id])
    rows = mark_ties([_table_row(entrant, scores[entrant.label]) for entrant in entrants], specs, evidence)
    rows, smallest_differences = find_standing(rows, specs, evidence)
    rows = with_horizons(rows, specs, first_frame_of(runs[0].record.protocol))
    warnings = list(dict.fromkeys(text for run in runs for text in run.record.warnings))
    return Leaderboard(
        protocol=runs[0].record.protocol,
        metrics=specs,
        rows=sorted(rows, key=lambda row: (row.is_reference, *_rank(row, specs[0]))),
        smallest_differences=smallest_differences,
        warnings=[
            *warnings,
            *missing_scores(rows, asked),
            *differing_machines(runs),
            *differing_code(runs),
            *find_doubts(rows, specs),
            *criticise(rows, entrants, specs[0], smallest_differences),
        ],
        runs=[str(run.path) for run in runs],
    )


def _table_row(entrant: Entrant, scores: Mapping[str, Score]) -> TableRow:
    lines, record = entrant.first.scores, entrant.first.record
    return TableRow(
        label=entrant.label,
        aliases=entrant.aliases(),
        generator=record.generator,
        is_reference=record.is_reference,
        run=lines.run,
        parameters=record.parameters,
        seconds_per_clip=median(lines.seconds) if lines.seconds else None,
        perfect_frames=lines.perfect,
        n_frames=sum(lines.frames),
        scores=scores,
    )


class _Column(NamedTuple):
    """A column of the table."""

    spec: MetricSpec
    metric: MetricSpec
    """What the column's values are of."""
    best_of: int
    """Of how many samples of a clip the best counts; 0: the mean of all does."""


def _columns(specs: Sequence[MetricSpec], entrants: Sequence[Entrant]) -> list[_Column]:
    """A column for each metric, and one for the best of N where rows have several samples of a clip."""
    samples = shared_samples([entrant for entrant in entrants if not entrant.first.record.is_reference])
    columns = []
    for spec in specs:
        columns.append(_Column(spec, spec, 0))
        if samples > 1 and can_be_best_of(spec):
            columns.append(_Column(best_of_spec(spec, samples), spec, samples))
    return columns


def _score_clips(
    entrants: Sequence[Entrant],
    columns: Sequence[_Column],
    scores: dict[str, dict[str, Score]],
    evidence: Mapping[str, dict[str, Evidence]],
) -> None:
    """Scores of the metrics that give every clip a value; one bootstrap serves all rows and metrics."""
    found: list[tuple[str, MetricSpec, Sample]] = []
    for spec, metric, best_of in columns:
        pooling = Pooling(metric)
        for entrant in entrants:
            scored = entrant.having(metric.id)
            if scored is None or not (samples_of(scored.scores) >= best_of or is_the_same_each_time(entrant)):
                continue
            score, sample = _pooled(pooling, scored, best_of)
            scores[entrant.label][spec.id] = score
            if math.isfinite(score.value):
                found.append((entrant.label, spec, sample))
    n_sources = len(set(entrants[0].first.scores.sources))
    for (label, spec, sample), interval in zip(found, intervals([sample for _, _, sample in found], n_sources), strict=True):
        if interval is None:
            continue
        score = scores[label][spec.id]
        scores[label][spec.id] = _with_interval(score, _within_perfect(interval, score.value, spec))
        if math.isfinite(goodness(score.value, spec)):
            evidence[spec.id][label] = Evidence(score.value, sample.centre, influences(sample))


def _with_interval(score: Score, interval: Interval) -> Score:
    return replace(score, ci_low=interval.low, ci_high=interval.high)


def _within_perfect(interval: Interval, value: float, spec: MetricSpec) -> Interval:
    """The interval, cut where it goes beyond the perfect value."""
    if spec.perfect is None or spec.better == "toward-1" or goodness(value, spec) > goodness(spec.perfect, spec):
        return interval
    low, high = interval
    return Interval(low, min(high, spec.perfect)) if spec.better == "higher" else Interval(max(low, spec.perfect), high)


def _pooled(pooling: Pooling, scored: ScoredRow, best_of: int) -> tuple[Score, Sample]:
    """A row's number, and what is resampled for its interval; best_of: see `_Column`."""
    import numpy as np

    lines, column = scored.scores, scored.scores.columns[pooling.spec.id]
    order = lines.order()
    per_clip = pooling.per_clip(column, order)
    if best_of:
        best = best_places(lines, per_clip, pooling.spec, best_of)
        order, per_clip = order[best], per_clip[best]
    n_frames = int(np.asarray(lines.frames)[order].sum())
    names, source_of = np.unique(np.asarray(lines.sources)[order], return_inverse=True)
    groups = list(column.groups(order))
    score = Score(
        value=pooling.pooled(per_clip),
        ci_low=None,
        ci_high=None,
        n_clips=len(order),
        n_frames=n_frames,
        n_sources=len(names),
        non_finite=sum(int((~np.isfinite(group.values)).sum()) for group in groups),
        **_at_each_frame(groups, n_frames // len(order)),
    )
    return score, pooling.sample(per_clip, source_of)


def _at_each_frame(groups: Sequence[Group], frames: int) -> dict[str, Any]:
    """The means over clips of so many frames, as fields of `Score`; or why there are none."""
    if len(groups) != 1:
        return {"per_frame": None, "per_frame_missing": "clips differ in length"}
    n_values = groups[0].values.shape[1]
    if n_values not in (frames, frames - 1):
        return {"per_frame": None, "per_frame_missing": f"a clip of {frames} frames has {n_values} values"}
    return {"per_frame": tuple(groups[0].values.mean(axis=0).tolist()), "per_frame_skips": frames - n_values}


def _score_sets(entrants: Sequence[Entrant], spec: MetricSpec, scores: dict[str, dict[str, Score]], evidence: dict[str, Evidence]) -> None:
    loaded = load_metric(find_metric(spec.id), SetMetric)  # type: ignore[type-abstract] # only compared with
    for entrant in entrants:
        scored = entrant.having(spec.id)
        if scored is None:
            continue
        features = scored.features(spec.id)
        with loaded.guarded():
            estimate = scored.estimate(loaded.metric, features)
        if estimate.group_values and math.isfinite(estimate.value):
            evidence[entrant.label] = Evidence(estimate.value, estimate.value, estimate.influences())
        scores[entrant.label][spec.id] = Score(
            value=estimate.value,
            ci_low=estimate.ci_low,
            ci_high=estimate.ci_high,
            n_clips=estimate.n_generated,
            n_frames=sum(scored.scores.frames),
            n_sources=estimate.n_sources,
            non_finite=0,
            per_frame=None,
            per_frame_missing="it compares sets of clips",
            estimate=estimate,
        )


def _rank(row: TableRow, spec: MetricSpec) -> tuple[float, str]:
    score = row.scores.get(spec.id)
    return math.inf if score is None else -goodness(score.value, spec), row.label
