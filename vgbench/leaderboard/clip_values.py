"""Two rows clip by clip: what is behind the difference of their means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vgbench.errors import ConfigError, UnknownName
from vgbench.leaderboard.comparability import check_comparable
from vgbench.leaderboard.entrants import Entrant, find_entrants
from vgbench.leaderboard.scored_rows import find_scored_rows
from vgbench.runs.run import EvalRun
from vgbench.scoring.pooling import Pooling
from vgbench.specs import MetricSpec


class ClipValues(NamedTuple):
    """What each clip scored in two rows, the mean over its samples."""

    clip_ids: list[str]
    first: list[float]
    second: list[float]

    @classmethod
    def joined(cls, first: Mapping[str, float], second: Mapping[str, float]) -> ClipValues:
        """Of the clips that both have, by name; clip → its number."""
        clips = sorted(first.keys() & second.keys())
        return cls(clips, [first[clip] for clip in clips], [second[clip] for clip in clips])


def values_of_clips(runs: Sequence[EvalRun], spec: MetricSpec, first: str, second: str) -> ClipValues:
    """The numbers of each clip in both rows, the clips by name.

    UnknownName: a row.  ConfigError: the metric compares sets, or a row was not evaluated with it.  ProtocolError, RunError: as of a table.
    """
    if spec.kind == "set":
        raise ConfigError(f"{spec.id} compares sets of clips, so no clip has a value of its own; name another metric.")
    check_comparable(runs)
    entrants = find_entrants(find_scored_rows(runs, [spec]))
    by_label = {label: entrant for entrant in entrants for label in (entrant.label, *entrant.aliases())}
    return ClipValues.joined(*(clip_values_of(_named(by_label, label), spec) for label in (first, second)))


def _named(by_label: dict[str, Entrant], label: str) -> Entrant:
    if label not in by_label:
        raise UnknownName("row of the table", label, by_label)
    return by_label[label]


def clip_values_of(entrant: Entrant, spec: MetricSpec) -> dict[str, float]:
    """Clip → the mean over its samples.  ConfigError: the row was not evaluated with the metric."""
    scored = entrant.having(spec.id)
    if scored is None:
        raise ConfigError(f"{entrant.label} was not evaluated with {spec.id}.")
    lines = scored.scores
    order = lines.order()
    values = Pooling(spec).per_clip(lines.columns[spec.id], order)
    found: dict[str, list[float]] = {}
    for place, value in zip(order.tolist(), values.tolist(), strict=True):
        found.setdefault(lines.clip_ids[place], []).append(value)
    return {clip: sum(samples) / len(samples) for clip, samples in found.items()}
