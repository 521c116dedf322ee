"""Every two rows of a table, and how far apart they are: what each test of differences begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_SOURCES = 6
"""Under so many sources no row is told apart: even a unanimous difference can be chance."""
_EQUAL = 1e-12
"""Rows that differ by no more than this share of the largest score are equal."""


class Pairs(NamedTuple):
    """Every two rows, and how far apart they are."""

    first: NDArray[np.int64]
    """(pairs,): a row."""
    second: NDArray[np.int64]
    """(pairs,): a later row."""
    gaps: Floats
    """(pairs,): how far the first stands above the second, in standard errors."""
    residuals: Floats
    """(sources, pairs): their difference at each source, less its mean."""
    errors: Floats
    """(pairs,): the standard errors of the differences."""


def pairs_of(scores: Floats) -> Pairs:
    """scores: (rows, sources), finite, higher is better.  ValueError: under six sources."""
    import numpy as np

    if scores.shape[1] < LEAST_SOURCES:
        raise ValueError(f"A test needs at least {LEAST_SOURCES} sources, not {scores.shape[1]}.")
    first, second = np.triu_indices(len(scores), 1)
    differences = scores[first] - scores[second]
    differences[np.abs(differences).max(axis=1) <= _EQUAL * np.abs(scores).max()] = 0
    means = differences.mean(axis=1, keepdims=True)
    residuals = differences - means
    n_sources = scores.shape[1]
    gaps = gaps_of(means[:, 0] * n_sources, (residuals**2).sum(axis=1) + means[:, 0] ** 2 * n_sources, n_sources)
    return Pairs(first, second, gaps, residuals.T, residuals.std(axis=1, ddof=1) / n_sources**0.5)


def gaps_of(sums: Floats, squares: Floats, n_sources: int) -> Floats:
    """Means over their standard errors, from sums of differences and of their squares; 0 over 0 is 0."""
    import numpy as np

    scatter = np.maximum(squares - sums**2 / n_sources, 0)
    scatter[scatter < _EQUAL * squares] = 0
    unbounded = np.where(sums == 0, 0.0, np.copysign(np.inf, sums))
    gaps: Floats = np.divide(sums, np.sqrt(scatter * n_sources / (n_sources - 1)), out=unbounded, where=scatter > 0)
    return gaps
