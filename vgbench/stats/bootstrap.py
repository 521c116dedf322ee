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
_BLOCK = 250
"""Resamples that are drawn at a time."""
LEAST_SOURCES_TO_TEST = 6
"""Under so many sources no difference is called significant: even a unanimous one can be chance."""


class Interval(NamedTuple):
    """A two-sided confidence interval."""

    low: float
    high: float


class Sample(NamedTuple):
    """One number a clip, to be resampled by the clips' sources."""

    per_clip: Floats
    """(clips,)."""
    source_of: NDArray[np.int64]
    """(clips,): the index of each clip's source."""
    pool: Callable[[Any], Any] | None = None
    """(..., N) → (...); None means the mean, which needs only each source's sum and number of clips."""


def replicates(samples: Sequence[Sample], n_sources: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """The pooled value of every sample in each bootstrap resample of the sources: (samples, resamples).

    All samples see the same draws, so the difference of two rows is a paired bootstrap.  Memory does not grow with the number of
    resamples times sources: they are drawn in blocks.
    """
    import numpy as np

    result = np.empty((len(samples), resamples), dtype=np.float64)
    means = [index for index, sample in enumerate(samples) if sample.pool is None]
    sums = np.array([np.bincount(samples[i].source_of, weights=samples[i].per_clip, minlength=n_sources) for i in means])
    sizes = np.array([np.bincount(samples[i].source_of, minlength=n_sources) for i in means], dtype=np.float64)
    by_source = {i: np.argsort(sample.source_of, kind="stable") for i, sample in enumerate(samples) if sample.pool is not None}
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _BLOCK):
        counts = rng.multinomial(n_sources, np.full(n_sources, 1 / n_sources), size=min(_BLOCK, resamples - start))
        block = slice(start, start + len(counts))
        if means:
            weights = counts.T.astype(np.float64)
            result[means, block] = (sums @ weights) / (sizes @ weights)
        for i, order in by_source.items():
            values, pool = samples[i].per_clip[order], samples[i].pool
            assert pool is not None
            result[i, block] = [pool(np.repeat(values, times)) for times in counts[:, samples[i].source_of[order]]]
    return result


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
