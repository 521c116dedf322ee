"""Uncertainty: bootstrap intervals over source videos, and paired tests between generators.

The source video is the unit of resampling: its windows are not independent, so they are drawn together. The same draws serve
every generator, so that the difference of two generators' replicates is a paired bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 10_000
CONFIDENCE = 0.95
FEW_SOURCES = 20
"""Under so many sources a table warns: a percentile interval is then too narrow."""
LEAST_SOURCES_TO_TEST = 6
"""Under so many sources no difference is called significant: even a unanimous one can be chance."""


class Interval(NamedTuple):
    """A two-sided confidence interval."""

    low: float
    high: float


class Draws(NamedTuple):
    """How often each source is drawn in each resample."""

    counts: NDArray[np.int64]
    """(resamples, sources)."""
    source_of: NDArray[np.int64]
    """(clips,): the index of each clip's source."""


def draw_sources(sources: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0) -> Draws:
    """Resamples of the sources, with replacement, seeded.

    sources: each clip's source, in the clips' order.
    """
    import numpy as np

    names, source_of = np.unique(np.asarray(sources), return_inverse=True)
    n = len(names)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    return Draws(counts, source_of)


def replicates(per_clip: Floats, draws: Draws, pool: Callable[[Any], Any] | None = None) -> Floats:
    """The pooled value of each resample: (clips,) → (resamples,).

    pool: (..., N) → (...); None means the mean, which needs only each source's sum and number of clips.
    """
    import numpy as np

    if pool is None:
        sums = np.bincount(draws.source_of, weights=per_clip, minlength=draws.counts.shape[1])
        sizes = np.bincount(draws.source_of, minlength=draws.counts.shape[1])
        means: Floats = (draws.counts @ sums) / (draws.counts @ sizes)
        return means
    order = np.argsort(draws.source_of, kind="stable")
    repeats = draws.counts[:, draws.source_of[order]]
    values = per_clip[order]
    return np.array([pool(np.repeat(values, times)) for times in repeats], dtype=np.float64)


def percentile_interval(replicated: Floats) -> Interval:
    """The central 95 % of the replicates; NaN where any of them is."""
    import numpy as np

    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(replicated, [tail, 1 - tail])
    return Interval(float(low), float(high))


def paired_p_value(first: Floats, second: Floats) -> float:
    """Two-sided p of no difference, from the replicates of two generators under the same draws."""
    difference = first - second
    less, more = int((difference <= 0).sum()), int((difference >= 0).sum())
    return min(1.0, 2 * (min(less, more) + 1) / (len(difference) + 1))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p values adjusted for their number by Holm's step-down method (S. Holm, 1979)."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (name, p) in enumerate(ordered):
        largest = max(largest, min(1.0, p * (len(ordered) - rank)))
        adjusted[name] = largest
    return adjusted
