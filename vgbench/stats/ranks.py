"""Which ranks a table's rows may have: the order of every two rows tested at once.

For each ordered pair of rows it is asked whether the first is better; the one that stands furthest above the other, in standard errors,
is tested against the largest such gap between any two that resampling the sources gives where no row is better; if it is told apart, the
next is tested against the largest of the others, and so on (J. P. Romano, M. Wolf, JASA 2005: step-down max-T). In at most 5 % of tables
is any order stated that is not so. A row's rank is then no lower than one more than the rows that are better, and no higher than all
rows less those that are worse, for all rows at once (M. Mogstad, J. P. Romano, A. M. Shaikh, D. Wilhelm, "Inference for Ranks", Review of
Economic Studies 2024).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from vgbench.stats.bootstrap import RESAMPLES, resampled_counts
from vgbench.stats.pairs import Pairs, gaps_of, pairs_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.05
_POWER_QUANTILE = 0.8416212335729143
"""The standard normal's quantile at 0.8."""


class Order(NamedTuple):
    """What is known of the order of a table's rows."""

    p_better: Floats
    """(rows, rows): the smallest level at which the row is told to be better than the column, all orders counted; 1 where it is not."""
    critical: float
    """How many standard errors two rows must be apart to be told apart, were all rows equal."""
    errors: Floats
    """(rows, rows): standard errors of the differences; 0 of a row to itself."""

    def ranges(self) -> list[tuple[int, int]]:
        """The first and the last rank of each row that is not excluded at a simultaneous 95 %."""
        is_better = self.p_better < LEVEL
        n_rows = len(is_better)
        best, worst = 1 + is_better.sum(axis=0), n_rows - is_better.sum(axis=1)
        return list(zip(best.tolist(), worst.tolist(), strict=True))

    def smallest_difference(self, one: int, other: int) -> float:
        """The difference between two rows that this test would find in 80 % of tables, were they as far apart as that."""
        return float(self.errors[one, other] * (self.critical + _POWER_QUANTILE))


def order_of(scores: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> Order:
    """scores: (rows, sources), at least two rows, finite, higher is better: a row's value is its mean.  ValueError: under six sources."""
    import numpy as np

    n_rows, n_sources = scores.shape
    pairs = pairs_of(scores)
    gaps = np.concatenate([pairs.gaps, -pairs.gaps])
    by_gap = np.argsort(-gaps, kind="stable")
    reached, largest = np.ones(len(gaps)), []
    for drawn in _drawn_gaps(pairs, n_sources, resamples, seed):
        largest.append(np.abs(drawn).max(axis=1))
        both = np.concatenate([drawn, -drawn], axis=1)[:, by_gap]
        of_the_rest = np.maximum.accumulate(both[:, ::-1], axis=1)[:, ::-1]
        reached += (of_the_rest >= gaps[by_gap]).sum(axis=0)
    p_values = np.empty(len(gaps))
    p_values[by_gap] = np.maximum.accumulate(reached / (resamples + 1))
    p_values[gaps <= 0] = 1
    p_better, errors = np.ones((n_rows, n_rows)), np.zeros((n_rows, n_rows))
    above, below = np.concatenate([pairs.first, pairs.second]), np.concatenate([pairs.second, pairs.first])
    p_better[above, below], errors[above, below] = p_values, np.tile(pairs.errors, 2)
    return Order(p_better, float(np.quantile(np.concatenate(largest), 1 - LEVEL, method="higher")), errors)


def _drawn_gaps(pairs: Pairs, n_sources: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Blocks of (resamples, pairs): the gaps that resampling the sources gives where no row is better."""
    squares = pairs.residuals**2
    for counts in resampled_counts(n_sources, resamples, seed):
        yield gaps_of(counts @ pairs.residuals, counts @ squares, n_sources)
