"""What can be said of a distance between two sets: its value, its interval, its bias, and what zero looks like.

A distance between distributions that is measured on n clips is larger than the distance itself, the more so the smaller n is. So
beside the value stand the values at fewer clips (the bias curve), the limit that they point to (M. J. Chong, D. Forsyth,
"Effectively unbiased FID and Inception Score", CVPR 2020: a line in 1/n), and the distance between two halves of the real clips
(the floor). A percentile bootstrap would add bias of its own, so the interval is a delete-group jackknife over source videos.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]

Distance = Callable[[Any, Any], float]

FEW_CLIPS = 256
"""Under so many clips a table warns."""
GROUPS = 20
"""The most groups of sources that the jackknife leaves out in turn."""
LEAST_GROUPS = 3
"""With fewer there is no interval."""
FRACTIONS = (8, 4, 2)
"""The bias curve has the distance at an eighth, a quarter and a half of the clips."""
REPEATS = 4
"""Random subsets of each size that are averaged."""
LEAST_CURVE_CLIPS = 8
"""The smallest subset whose distance is worth showing."""


class CurvePoint(NamedTuple):
    """The distance at a number of clips."""

    n_clips: int
    value: float


@dataclass(frozen=True, kw_only=True)
class SetEstimate:
    """A set metric's value for one row, and how far it can be trusted."""

    value: float
    ci_low: float | None
    """The 95 % interval's ends, for the expected value at this many clips; None under three sources."""
    ci_high: float | None
    n_real: int
    """Real clips."""
    n_generated: int
    n_sources: int
    curve: tuple[CurvePoint, ...]
    """The mean distance at fewer clips, and at all of them."""
    floor: CurvePoint | None
    """Real against real, at half the clips; compare it with the curve's value there. None with fewer than two sources."""
    at_infinity: float | None
    """The limit that a line in 1/n gives; None where the curve has fewer than three points."""
    group_values: tuple[float, ...]
    """The value without each group of sources."""

    def record(self) -> dict[str, Any]:
        """The same as plain values, for machines."""
        return {
            "n_real": self.n_real,
            "curve": [list(point) for point in self.curve],
            "floor": None if self.floor is None else list(self.floor),
            "at_infinity": self.at_infinity,
        }

    def value_at(self, n_clips: int) -> float | None:
        """The curve's value at a number of clips; None where it has none there."""
        return next((point.value for point in self.curve if point.n_clips == n_clips), None)


def estimate(
    distance: Distance,
    real: Vectors,
    generated: Vectors,
    *,
    real_sources: Sequence[str],
    generated_sources: Sequence[str],
    n_real: int,
    n_generated: int,
    seed: int = 0,
) -> SetEstimate:
    """The distance between two sets of features with its interval, bias curve, floor and limit.

    real, generated: (N, D) and (M, D).  real_sources, generated_sources: each row's source video, the unit of resampling; the same
    name in both means the same video, which is left out of both at once.  n_real, n_generated: clips, several rows each where
    frames have features of their own.  Calls `distance` about forty times.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    real_of, generated_of = np.asarray(real_sources), np.asarray(generated_sources)
    value = float(distance(real, generated))
    names = np.unique(np.concatenate([real_of, generated_of]))
    group_values = _leave_out(distance, _Sets(real, generated, real_of, generated_of), rng.permutation(names))
    spread = None if len(group_values) < LEAST_GROUPS else _margin(group_values)
    n_clips = min(n_real, n_generated)
    curve = [*_curve(distance, real, generated, n_clips, rng), CurvePoint(n_clips, value)]
    return SetEstimate(
        value=value,
        ci_low=None if spread is None else value - spread,
        ci_high=None if spread is None else value + spread,
        n_real=n_real,
        n_generated=n_generated,
        n_sources=min(len(np.unique(real_of)), len(np.unique(generated_of))),
        curve=tuple(curve),
        floor=_floor(distance, real, real_of, n_real, rng),
        at_infinity=_limit(curve),
        group_values=group_values,
    )


def paired_p_value(first: SetEstimate, second: SetEstimate) -> float:
    """Two-sided p of no difference between two rows on the same clips, from their jackknives; 1 where they do not match."""
    import numpy as np
    from scipy.stats import t

    groups = len(first.group_values)
    if groups < LEAST_GROUPS or len(second.group_values) != groups:
        return 1.0
    error = _standard_error(np.subtract(first.group_values, second.group_values))
    difference = abs(first.value - second.value)
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * t.sf(difference / error, groups - 1))


class _Sets(NamedTuple):
    real: Vectors
    generated: Vectors
    real_of: NDArray[np.str_]
    generated_of: NDArray[np.str_]


def _leave_out(distance: Distance, sets: _Sets, names: NDArray[np.str_]) -> tuple[float, ...]:
    """The distance without each group of sources; none where too few sources are left."""
    import numpy as np

    groups = [names[start :: min(GROUPS, len(names))] for start in range(min(GROUPS, len(names)))]
    if len(groups) < LEAST_GROUPS:
        return ()
    values = []
    for group in groups:
        kept = ~np.isin(sets.real_of, group), ~np.isin(sets.generated_of, group)
        if min(kept[0].sum(), kept[1].sum()) < 2:
            return ()
        values.append(float(distance(sets.real[kept[0]], sets.generated[kept[1]])))
    return tuple(values)


def _margin(group_values: Sequence[float]) -> float:
    """Half the width of the 95 % interval."""
    from scipy.stats import t

    return float(t.ppf(0.975, len(group_values) - 1)) * _standard_error(group_values)


def _standard_error(group_values: Any) -> float:
    """The delete-group jackknife's: √((G − 1)/G · Σ (θ₍g₎ − mean)²)."""
    import numpy as np

    values = np.asarray(group_values, dtype=np.float64)
    return math.sqrt((len(values) - 1) / len(values) * float(((values - values.mean()) ** 2).sum()))


def _curve(distance: Distance, real: Vectors, generated: Vectors, n_clips: int, rng: np.random.Generator) -> list[CurvePoint]:
    points = []
    for part in FRACTIONS:
        if n_clips // part < LEAST_CURVE_CLIPS:
            continue
        values = [float(distance(_drawn(real, part, rng), _drawn(generated, part, rng))) for _ in range(REPEATS)]
        points.append(CurvePoint(n_clips // part, sum(values) / len(values)))
    return points


def _drawn(vectors: Vectors, part: int, rng: np.random.Generator) -> Vectors:
    """A random part of the rows, without replacement."""
    chosen: Vectors = vectors[rng.permutation(len(vectors))[: len(vectors) // part]]
    return chosen


def _floor(distance: Distance, real: Vectors, real_of: NDArray[np.str_], n_real: int, rng: np.random.Generator) -> CurvePoint | None:
    """Between halves of the real clips that share no source, averaged over random halves."""
    import numpy as np

    names = np.unique(real_of)
    values = []
    for _ in range(REPEATS if len(names) > 1 else 0):
        first = np.isin(real_of, rng.permutation(names)[: len(names) // 2])
        if min(first.sum(), (~first).sum()) >= 2:
            values.append(float(distance(real[first], real[~first])))
    return CurvePoint(n_real // 2, sum(values) / len(values)) if values else None


def _limit(curve: Sequence[CurvePoint]) -> float | None:
    """The intercept of the least-squares line through (1/n, value)."""
    import numpy as np

    if len(curve) < 3:
        return None
    inverse = np.array([1 / point.n_clips for point in curve])
    _, intercept = np.polyfit(inverse, [point.value for point in curve], 1)
    return float(intercept)
