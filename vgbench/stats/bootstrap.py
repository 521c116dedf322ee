"""Intervals of means and of other pooled values: a studentized bootstrap over source videos.

The source video is the unit of resampling: its windows are not independent, so they are drawn together. Each resample's deviation
is divided by the standard error within that resample (B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, §12.5),
which holds its level with few sources, where percentiles are too narrow; `docs/statistics.md` has the coverage of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 10_000
_TAIL = 0.025
"""What a 95 % interval leaves out on each side."""
FEW_SOURCES = 20
"""Under so many sources a table warns."""
LEAST_SOURCES = 5
"""Under so many sources there is no interval."""
_BLOCK = 250
"""Resamples that are drawn at a time."""
_ROUNDING = 1e-12
"""A sum of squares under this share of its terms is rounding."""


class Interval(NamedTuple):
    """A two-sided 95 % confidence interval."""

    low: float
    high: float


class Sample(NamedTuple):
    """One number per clip, to be resampled by the clips' sources."""

    per_clip: Floats
    """(clips,), finite."""
    source_of: NDArray[np.int64]
    """(clips,): the index of each clip's source; every source has at least one clip."""
    of_mean: Callable[[Any], Any] | None = None
    """A monotonic function of the mean that gives the pooled value; None: the mean itself."""
    pool: Callable[[Any], Any] | None = None
    """(N,) → a number: the pooled value where it is no function of the mean."""

    @property
    def value(self) -> float:
        """The pooled value of all clips."""
        return self.centre if self.of_mean is None else float(self.of_mean(self.per_clip.mean()))

    @property
    def centre(self) -> float:
        """The mean over clips, or the value of `pool`: what resampling is about."""
        return float(self.per_clip.mean() if self.pool is None else self.pool(self.per_clip))


def influences(sample: Sample) -> Floats:
    """(sources,): how far each source pulls the mean over clips, or the value of `pool`, in its unit; they average 0.

    Of a mean, (Σ of the source's values − mean · its clips) · sources / clips.  Of a pool, which need not be smooth, sources times the
    bootstrap's covariance of its value with how often the source is drawn (B. Efron, JASA 2014: the infinitesimal jackknife).
    """
    import numpy as np

    n_sources = int(sample.source_of.max()) + 1
    if sample.pool is None:
        residuals = np.bincount(sample.source_of, weights=sample.per_clip - sample.per_clip.mean())
        return np.asarray(residuals * (n_sources / len(sample.per_clip)), dtype=np.float64)
    together = np.zeros(n_sources)
    for counts, values in _resampled_pools(sample, n_sources, RESAMPLES, 0):
        together += (counts - 1.0).T @ (values - sample.centre)
    return np.asarray((together - together.mean()) * (n_sources / RESAMPLES), dtype=np.float64)


def intervals(samples: Sequence[Sample], n_sources: int, *, resamples: int = RESAMPLES, seed: int = 0) -> list[Interval | None]:
    """The interval of each sample's pooled value over the same sources; None for all under five sources.

    Of a mean, studentized; of a function of the mean, that function of the mean's interval; of any other pool, whose standard error
    is not known within a resample, the percentiles of its bootstrap.  Memory does not grow with resamples times sources.
    """
    if n_sources < LEAST_SOURCES:
        return [None] * len(samples)
    means = iter(_means(samples, n_sources, resamples, seed))
    return [next(means) if sample.pool is None else _percentiles(sample, n_sources, resamples, seed) for sample in samples]


def _means(samples: Sequence[Sample], n_sources: int, resamples: int, seed: int) -> list[Interval]:
    """The intervals of the samples that are pooled by way of their mean; one set of draws serves them all."""
    means = [_MeanBootstrap(sample, n_sources) for sample in samples if sample.pool is None]
    for counts in resampled_counts(n_sources, resamples, seed) if means else ():
        for mean in means:
            mean.add(counts)
    return [mean.interval() for mean in means]


def _percentiles(sample: Sample, n_sources: int, resamples: int, seed: int) -> Interval:
    import numpy as np

    values = np.concatenate([values for _, values in _resampled_pools(sample, n_sources, resamples, seed)])
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
    return Interval(float(low), float(high))


def _resampled_pools(sample: Sample, n_sources: int, resamples: int, seed: int) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    """Blocks of draws, (resamples, sources), with the pooled value of each, (resamples,)."""
    import numpy as np

    assert sample.pool is not None
    by_source = np.argsort(sample.source_of, kind="stable")
    values, source_of = sample.per_clip[by_source], sample.source_of[by_source]
    for counts in resampled_counts(n_sources, resamples, seed):
        yield counts, np.array([float(sample.pool(np.repeat(values, times))) for times in counts[:, source_of]])


def resampled_counts(n_sources: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Blocks of (resamples, sources): how often each source is drawn."""
    import numpy as np

    rng = np.random.default_rng(seed)
    for start in range(0, resamples, _BLOCK):
        yield rng.multinomial(n_sources, np.full(n_sources, 1 / n_sources), size=min(_BLOCK, resamples - start))


class _MeanBootstrap:
    """The resamples of one mean: a ratio of the sources' sums to their clips, and its linear standard error within each resample."""

    def __init__(self, sample: Sample, n_sources: int) -> None:
        import numpy as np

        self._sample = sample
        self._mean = sample.centre
        self._pulls = influences(sample)
        sizes = np.bincount(sample.source_of) * (n_sources / len(sample.per_clip))
        # Moments of the residuals about the mean of all, from which those about a resample's own follow without cancellation.
        self._moments = np.stack([sizes, self._pulls, self._pulls**2, self._pulls * sizes, sizes**2], axis=1)
        self._deviations: list[Floats] = []
        self._errors: list[Floats] = []

    def add(self, counts: NDArray[np.int64]) -> None:
        """counts: (resamples, sources), how often each source was drawn."""
        import numpy as np

        n = counts.shape[1]
        clips, pulls, squares, products, square_clips = (counts @ self._moments).T
        deviations = pulls / clips
        scatter = squares - 2 * deviations * products + deviations**2 * square_clips
        scatter[scatter < _ROUNDING * squares] = 0
        self._deviations.append(deviations)
        self._errors.append(np.sqrt(scatter * (n / (n - 1))) / clips)

    def interval(self) -> Interval:
        low, high = self._ends()
        if self._sample.per_clip.min() >= 0:
            low = max(low, 0.0)
        if self._sample.of_mean is not None:
            low, high = sorted(float(self._sample.of_mean(end)) for end in (low, high))
        return Interval(low, high)

    def _ends(self) -> Interval:
        """By Student's quantiles where others are infinite: too many resamples have no spread, as when all sources but one are equal."""
        import numpy as np

        n = len(self._pulls)
        error = math.sqrt(float((self._pulls**2).sum()) / (n * (n - 1)))
        deviations, errors = np.concatenate(self._deviations), np.concatenate(self._errors)
        unbounded = np.where(deviations == 0, 0.0, np.copysign(np.inf, deviations))
        ratios = np.divide(deviations, errors, out=unbounded, where=errors > 0)
        # No interpolation: between a finite ratio and an infinite one there is no number.
        low, high = float(np.quantile(ratios, _TAIL, method="lower")), float(np.quantile(ratios, 1 - _TAIL, method="higher"))
        if not math.isfinite(high - low):
            from scipy.special import stdtrit  # scipy.stats, which has the same as t.ppf, takes half a second to import

            high = float(stdtrit(n - 1, 1 - _TAIL))
            low = -high
        return Interval(self._mean - high * error, self._mean - low * error)
