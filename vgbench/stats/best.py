"""Which rows of a table can be told apart from the best: a paired test over source videos that counts all rows at once.

Of the rows still in, the one that stands furthest below another, in standard errors of their difference, is tested against the largest
such gap between any two of them that resampling the sources gives where no row is better; if it is told apart it leaves, and the rest
are tested again. So the best need not be known beforehand (P. R. Hansen, A. Lunde, J. M. Nason, "The Model Confidence Set",
Econometrica 2011), and in at most 5 % of tables does any row that is as good as the best lose its mark, however many rows there are
(J. P. Romano, M. Wolf, JASA 2005: step-down max-T). `docs/statistics.md` has simulations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vgbench.stats.bootstrap import RESAMPLES, resampled_counts
from vgbench.stats.pairs import Pairs, gaps_of, pairs_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class _Exit(NamedTuple):
    """A row that may leave, and the largest gap between the rows that are in by then."""

    row: int
    gap: float


def p_against_best(scores: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """(rows,): the smallest level at which each row is told apart from the best; 1 for the best.

    scores: (rows, sources), finite, higher is better: a row's value is its mean over the sources.  ValueError: under six sources.
    """
    import numpy as np

    n_rows, n_sources = scores.shape
    pairs = pairs_of(scores)
    exits = _exits(pairs, n_rows)
    # A pair counts until one of its rows leaves, so the largest gap at each exit is a running maximum over the later ones.
    leaves_at = np.full(n_rows, len(exits))
    leaves_at[[one.row for one in exits]] = np.arange(len(exits))
    ends_at = np.minimum(leaves_at[pairs.first], leaves_at[pairs.second])
    by_end = np.argsort(ends_at, kind="stable")
    starts = np.searchsorted(ends_at[by_end], np.arange(len(exits)))
    residuals = pairs.residuals[:, by_end]
    squares = residuals**2
    observed, reached = np.array([one.gap for one in exits]), np.ones(len(exits))
    for counts in resampled_counts(n_sources, resamples, seed):
        gaps = np.abs(gaps_of(counts @ residuals, counts @ squares, n_sources))
        largest = np.maximum.accumulate(np.maximum.reduceat(gaps, starts, axis=1)[:, ::-1], axis=1)[:, ::-1]
        reached += (largest >= observed).sum(axis=0)
    p_values = np.ones(n_rows)
    for one, p in zip(exits, np.maximum.accumulate(reached / (resamples + 1)), strict=True):
        p_values[one.row] = p
    return p_values


def _exits(pairs: Pairs, n_rows: int) -> list[_Exit]:
    """The order in which rows leave: each time the lower row of the largest gap."""
    import numpy as np

    above = np.full((n_rows, n_rows), -np.inf)
    above[pairs.first, pairs.second], above[pairs.second, pairs.first] = pairs.gaps, -pairs.gaps
    exits, left = [], list(range(n_rows))
    while len(left) > 1:
        among = above[np.ix_(left, left)]
        place = int(np.argmax(among.max(axis=0)))
        exits.append(_Exit(left[place], float(among[:, place].max())))
        del left[place]
    return exits
