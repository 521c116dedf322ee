"""The rows of a table: what several runs, or several names, say of the same generated clips is one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vgbench.leaderboard.scored_rows import ScoredRow


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One row, and everything that was scored of it."""

    label: str
    """Unique in the table: with the run's name behind it where two rows have one label."""
    scored: Sequence[ScoredRow]
    """The same clips, scored in several runs or under several names."""

    @property
    def first(self) -> ScoredRow:
        """Which the row's facts come from."""
        return self.scored[0]

    def having(self, metric: str) -> ScoredRow | None:
        """The first one that was scored by a metric."""
        return next((scored for scored in self.scored if metric in scored.run.record.metrics), None)

    def aliases(self) -> list[str]:
        """The other names under which the same clips were scored."""
        return sorted({scored.scores.label for scored in self.scored} - {self.first.scores.label})


def find_entrants(scored_rows: Sequence[ScoredRow]) -> list[Entrant]:
    """The rows of the table, in the order in which they are first met."""
    groups: list[list[ScoredRow]] = []
    for scored in scored_rows:
        group = next((group for group in groups if _are_same(group[0], scored)), None)
        if group is None:
            groups.append([scored])
        else:
            group.append(scored)
    labels = [group[0].scores.label for group in groups]
    return [
        Entrant(label=label if labels.count(label) == 1 else f"{label}@{group[0].run.name}", scored=group)
        for label, group in zip(labels, groups, strict=True)
    ]


def _are_same(one: ScoredRow, other: ScoredRow) -> bool:
    """Whether both scored the same clips; where a run of an older version does not say, whether generator and all numbers agree.

    Real clips and a generator's are two rows even so: what equals them in every bit is ranked, and they are not.
    """
    if one.record.is_reference != other.record.is_reference:
        return False
    pixels, others = one.scores.clips_and_pixels(), other.scores.clips_and_pixels()
    if pixels is not None and others is not None:
        return pixels == others
    shared = [metric for metric in one.scores.columns if metric in other.scores.columns]
    is_alike = _identity(one) == _identity(other) and bool(shared)
    return is_alike and all(one.scores.values_of(metric) == other.scores.values_of(metric) for metric in shared)


def _identity(scored: ScoredRow) -> tuple[object, ...]:
    record = scored.record
    return record.generator, record.plugin, record.variant, record.config, record.weights
