"""Which rows of a column cannot be told apart from its best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from vgbench.leaderboard.table import TableRow
from vgbench.scoring.pooling import goodness
from vgbench.specs import MetricSpec
from vgbench.stats.best import p_against_best
from vgbench.stats.pairs import LEAST_SOURCES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIGNIFICANCE = 0.05


class Evidence(NamedTuple):
    """What the test knows of one row."""

    value: float
    """The row's number, finite."""
    centre: float
    """What the influences are about: the number, or the mean that it is a monotonic function of."""
    influences: Floats
    """(sources,), or (groups of sources,): how far each pulls it; they average 0."""


def mark_ties(rows: Sequence[TableRow], specs: Sequence[MetricSpec], evidence: Mapping[str, Mapping[str, Evidence]]) -> list[TableRow]:
    """Say of each score whether the test tells it from the metric's best; not of scores without evidence, with too few sources, or of
    rows that were shown the real clips, which no other is compared with.

    evidence: metric → row → what is known of it.
    """
    marked = {row.label: dict(row.scores) for row in rows}
    for spec in specs:
        by_row = comparable_rows(rows, evidence[spec.id])
        if by_row:
            p_values = p_against_best(goodness_by_source(list(by_row.values()), spec)).tolist()
            for label, p in zip(by_row, p_values, strict=True):
                marked[label][spec.id] = replace(marked[label][spec.id], p_against_best=p, tied_with_best=p >= SIGNIFICANCE)
    return [replace(row, scores=marked[row.label]) for row in rows]


def comparable_rows(rows: Sequence[TableRow], evidence: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """The rows of a column that can be tested; none where they are fewer than two, or their sources too few.

    evidence: row → what is known of it.
    """
    by_row = {row.label: evidence[row.label] for row in rows if row.label in evidence and not row.is_reference}
    if len(by_row) < 2 or min(len(row.influences) for row in by_row.values()) < LEAST_SOURCES:
        return {}
    return by_row


def goodness_by_source(rows: Sequence[Evidence], spec: MetricSpec) -> Floats:
    """(rows, sources): each row's influences about its centre, turned so that higher is better.

    Ratios, which are better the nearer they are to 1 in log scale, are compared as min(x, 1/x), linear at their value.
    """
    import numpy as np

    if spec.better == "toward-1":
        return np.stack([_of_ratio(row) for row in rows])
    lowest, highest = (pick(rows, key=lambda row: row.centre) for pick in (min, max))
    sign = 1.0 if goodness(highest.value, spec) > goodness(lowest.value, spec) else -1.0
    return np.stack([sign * (row.centre + row.influences) for row in rows])


def _of_ratio(row: Evidence) -> Floats:
    return row.value + row.influences if row.value <= 1 else 1 / row.value - row.influences / row.value**2
