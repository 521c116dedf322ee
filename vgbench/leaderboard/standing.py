"""Where each row may stand in a column, and how small a difference the test set could show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from vgbench.leaderboard.table import TableRow
from vgbench.leaderboard.ties import Evidence, comparable_rows, goodness_by_source
from vgbench.scoring.pooling import goodness
from vgbench.specs import MetricSpec
from vgbench.stats.ranks import order_of


class Standing(NamedTuple):
    """What the order of each column's rows is known by."""

    rows: list[TableRow]
    """With the ranks of their scores."""
    smallest_differences: dict[str, float]
    """Metric → the difference between its two best rows that this test set would show in 80 % of tables; not of ratios, and not of
    functions of a mean, whose differences have another unit."""


def find_standing(rows: Sequence[TableRow], specs: Sequence[MetricSpec], evidence: Mapping[str, Mapping[str, Evidence]]) -> Standing:
    """Give each score the ranks that the paired comparisons do not exclude, in columns that are tested.

    evidence: metric → row → what is known of it.
    """
    ranked = {row.label: dict(row.scores) for row in rows}
    smallest: dict[str, float] = {}
    for spec in specs:
        by_row = comparable_rows(rows, evidence[spec.id])
        if not by_row:
            continue
        order = order_of(goodness_by_source(list(by_row.values()), spec))
        for label, (best, worst) in zip(by_row, order.ranges(), strict=True):
            ranked[label][spec.id] = replace(ranked[label][spec.id], rank_best=best, rank_worst=worst)
        if spec.better != "toward-1" and all(row.value == row.centre for row in by_row.values()):
            values = [goodness(row.value, spec) for row in by_row.values()]
            best, second = sorted(range(len(values)), key=lambda place: -values[place])[:2]
            smallest[spec.id] = order.smallest_difference(best, second)
    return Standing([replace(row, scores=ranked[row.label]) for row in rows], smallest)
