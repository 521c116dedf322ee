"""Why two numbers differ: what two rows of two runs do not have in common, and where nothing explains it, which clips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vgbench.errors import ConfigError, RunError, UnknownName, VgbenchError
from vgbench.leaderboard.clip_values import ClipValues, clip_values_of
from vgbench.leaderboard.entrants import find_entrants
from vgbench.leaderboard.scored_rows import find_scored_rows
from vgbench.protocol import differing_content, differing_keys
from vgbench.runs.checksums import check_seal
from vgbench.runs.records import RowRecord
from vgbench.runs.run import EvalRun, TrainRun, open_run
from vgbench.scoring.lookup import find_metric
from vgbench.scoring.pooling import Pooling
from vgbench.specs import MetricSpec

MOST_CLIPS = 5
"""So many clips are named."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One row of one run."""

    run: EvalRun
    row: RowRecord

    def __str__(self) -> str:
        return f"{self.row.label} of {self.run.name}"


@dataclass(frozen=True, kw_only=True)
class MetricDifference:
    """One metric in both rows."""

    metric: str
    first: float
    second: float
    n_clips: int
    """Clips that both have."""
    differing: int
    """Of those, how many do not have the very same number."""
    clips: Sequence[tuple[str, float, float]]
    """The clips that differ most, with both numbers."""

    def record(self) -> dict[str, Any]:
        """The same as plain values; what is not finite is None."""
        clips = [{"clip": clip, "first": _finite(one), "second": _finite(other)} for clip, one, other in self.clips]
        numbers = {"first": _finite(self.first), "second": _finite(self.second)}
        return {"metric": self.metric, **numbers, "n_clips": self.n_clips, "differing": self.differing, "clips": clips}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What two rows have apart."""

    first: Side
    second: Side
    causes: Mapping[str, Sequence[str]]
    """Heading → sentences `key: one against other`; what can change a number, the likeliest first."""
    metrics: Sequence[MetricDifference]
    """The metrics that both have."""
    only: Sequence[str]
    """Sentences about metrics that one of them has alone, and about clips."""

    @property
    def is_same(self) -> bool:
        """Whether every clip that both have has the very same numbers."""
        return all(metric.differing == 0 for metric in self.metrics)

    def record(self) -> dict[str, Any]:
        """The same as plain values, for machines."""
        return {
            "first": {"run": self.first.run.name, "row": self.first.row.label},
            "second": {"run": self.second.run.name, "row": self.second.row.label},
            "same": self.is_same,
            "causes": {heading: list(lines) for heading, lines in self.causes.items()},
            "metrics": [metric.record() for metric in self.metrics],
            "only": list(self.only),
        }


def find_side(run: EvalRun, label: str | None, other: EvalRun) -> Side:
    """A row of a run: the one of that label, the only one, or the only one whose label the other run has too.

    UnknownName: there is none of that label.  ConfigError: it is not said which of several.
    """
    rows = {row.label: row for row in run.record.rows}
    if label is not None:
        if label not in rows:
            raise UnknownName(f"row of {run.name}", label, rows)
        return Side(run=run, row=rows[label])
    shared = [name for name in rows if name in {row.label for row in other.record.rows}]
    candidates = list(rows) if len(rows) == 1 else shared
    if len(candidates) != 1:
        raise ConfigError(f"{run.name} has the rows {', '.join(rows)}; say which, as {run.name}:{next(iter(rows), 'ROW')}.")
    return Side(run=run, row=rows[candidates[0]])


def explain_difference(first: Side, second: Side) -> Difference:
    """What the two rows do not have in common, and how far apart each metric that both have is.

    RunError: a run is damaged.  ConfigError: the rows have no metric in common.
    """
    ids = [list(side.run.record.metrics) for side in (first, second)]
    shared = [metric for metric in ids[0] if metric in ids[1]]
    if not shared:
        raise ConfigError(f"{first} has {', '.join(ids[0])}, and {second} {', '.join(ids[1])}: they have no metric in common.")
    measured = [found for metric in shared if (found := _of_metric(first, second, find_metric(metric).spec)) is not None]
    only = [*_only(ids, first, second), *_clips_apart(first, second)]
    return Difference(first=first, second=second, causes=_causes(first, second), metrics=measured, only=only)


def _causes(first: Side, second: Side) -> dict[str, list[str]]:
    """What can change a number, without what both have alike."""
    one, other = first.run.record, second.run.record
    found = {
        "files": [text for side in (first, second) for text in _changes(side)],
        "protocol": differing_content(one.protocol, other.protocol),
        "generator": differing_keys(_of_row(first), _of_row(second)),
        "weights of metrics": differing_keys({**one.weights, **one.features}, {**other.weights, **other.features}),
        "code": differing_keys(_code(one.code), _code(other.code)),
        "versions": differing_keys({**one.versions, **one.plugins}, {**other.versions, **other.plugins}),
        "machine": differing_keys(_of_machine(first.run), _of_machine(second.run)),
    }
    return {heading: lines for heading, lines in found.items() if lines}


def _changes(side: Side) -> list[str]:
    """Whether a run's files are not as its evaluation left them."""
    try:
        check_seal(side.run)
    except RunError as error:
        return [str(error)]
    return []


def _of_row(side: Side) -> dict[str, Any]:
    """Everything that decides which clips a row has."""
    row = side.row
    facts = {"generator": row.generator, "variant": row.variant, "parameters": row.parameters, "is shown real clips": row.is_reference}
    return {**facts, **_flat({"config": row.config, "weights": row.weights, "training": _training(side)})}


def _training(side: Side) -> dict[str, Any]:
    """Of the training run behind a row, where it lies beside the evaluation: what decides its weights."""
    name = (side.row.weights or {}).get("run")
    if not isinstance(name, str):
        return {}
    try:
        run = open_run(side.run.path.parent / name)
    except VgbenchError:
        return {}
    if not isinstance(run, TrainRun):
        return {}
    record = run.record
    return {key: getattr(record, key) for key in ("seed", "device", "precision", "processes", "compiles", "training_videos")}


def _flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables as one, their keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": item for inner, item in _flat(value).items()}
        else:
            flat[key] = value
    return flat


def _code(code: Mapping[str, Any]) -> dict[str, Any]:
    """Plugin → the hash of its sources."""
    return {name: facts.get("sha256") if isinstance(facts, Mapping) else facts for name, facts in code.items()}


def _of_machine(run: EvalRun) -> dict[str, Any]:
    record = run.record
    return {"device": record.device, "batch size": record.batch_size, **record.machine}


def _only(ids: Sequence[Sequence[str]], first: Side, second: Side) -> list[str]:
    """Metrics that one row has alone; under one name they are other definitions, whose numbers do not compare."""
    lines = []
    for side, mine, theirs in ((first, ids[0], ids[1]), (second, ids[1], ids[0])):
        alone = [metric for metric in mine if metric not in theirs]
        if alone:
            lines.append(f"Only {side} has {', '.join(alone)}.")
    for metric in ids[0]:
        variants = [one for one in ids[1] if one != metric and one.partition("@")[0] == metric.partition("@")[0]]
        if variants and metric not in ids[1]:
            lines.append(f"{metric} and {variants[0]} are two definitions under one name: their numbers do not compare.")
    return lines


def _clips_apart(first: Side, second: Side) -> list[str]:
    """How many clips one row has alone."""
    clips = [set(_scored(side, []).scores.clip_ids) for side in (first, second)]
    alone = [len(clips[0] - clips[1]), len(clips[1] - clips[0])]
    return [f"{count} clips were scored for {side} alone." for side, count in zip((first, second), alone, strict=True) if count]


def _scored(side: Side, specs: Sequence[MetricSpec]) -> Any:
    return next(scored for scored in find_scored_rows([side.run], specs) if scored.record.label == side.row.label)


def _of_metric(first: Side, second: Side, spec: MetricSpec) -> MetricDifference | None:
    """Both numbers, and the clips behind them; None for a metric of sets, whose clips have no numbers."""
    if spec.kind == "set":
        return None
    scored = [_scored(side, [spec]) for side in (first, second)]
    pooling = Pooling(spec)
    pooled = [pooling.pooled(pooling.per_clip(one.scores.columns[spec.id], one.scores.order())) for one in scored]
    entrants = [find_entrants([one])[0] for one in scored]
    values = ClipValues.joined(*(clip_values_of(entrant, spec) for entrant in entrants))
    rows = list(zip(*values, strict=True))
    apart = sorted((row for row in rows if not _is_same(*row[1:])), key=lambda row: -_gap(*row[1:]))
    return MetricDifference(
        metric=spec.id, first=pooled[0], second=pooled[1], n_clips=len(rows), differing=len(apart), clips=apart[:MOST_CLIPS]
    )


def _is_same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _gap(one: float, other: float) -> float:
    """How far apart two numbers are; a number and none are further apart than any two."""
    gap = abs(one - other)
    return math.inf if math.isnan(gap) else gap


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
