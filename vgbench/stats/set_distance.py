"""What can be said of a distance between two sets: its value, its interval, its bias, and what zero looks like.

A distance between distributions that is measured on n clips is larger than the distance itself, the more so the smaller n is. So
beside the value stand the values at fewer clips (the bias curve), the limit that they point to where clips are many (M. J. Chong,
D. Forsyth, "Effectively unbiased FID and Inception Score", CVPR 2020: a line in 1/n), and the distance between two halves of the
real clips (the floor). A percentile bootstrap would add bias of its own, so the interval is a delete-group jackknife over source
videos. What is drawn at random is drawn from the sources in an order of their features, so no file name changes a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from vgbench.stats.bootstrap import LEAST_SOURCES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float64]

Distance = Callable[[Any, Any], float]

FEW_CLIPS = 256
"""Under so many clips a table warns."""
GROUPS = 20
"""The most groups of sources that the jackknife leaves out in turn."""
FRACTIONS = (8, 4, 2)
"""The bias curve has the distance at an eighth, a quarter and a half of the clips."""
REPEATS = 8
"""Random subsets of each size, whose mean and spread are shown."""
LEAST_CURVE_CLIPS = 8
"""The smallest subset whose distance is worth showing."""


class CurvePoint(NamedTuple):
    """The distance at a number of clips."""

    n_clips: int
    value: float
    """The mean over random subsets."""
    spread: float | None
    """Their standard deviation; None at all clips, where there is one value."""


@dataclass(frozen=True, kw_only=True)
class SetEstimate:
    """A set metric's value for one row, and how far it can be trusted."""

    value: float
    ci_low: float | None
    """The 95 % interval's ends, for the expected value at this many clips; None under five sources."""
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
    """The limit that a line in 1/n gives; only at as many clips as features do values lie near one: None under four per feature."""
    group_values: tuple[float, ...]
    """The value without each group of sources."""

    def record(self) -> dict[str, Any]:
        """The same as plain values, for machines."""
        return {
            "n_real": self.n_real,
            "jackknife_groups": len(self.group_values),
            "curve": [[point.n_clips, point.value] for point in self.curve],
            "curve_spread": [point.spread for point in self.curve],
            "floor": None if self.floor is None else [self.floor.n_clips, self.floor.value],
            "floor_spread": None if self.floor is None else self.floor.spread,
            "at_infinity": self.at_infinity,
        }

    def influences(self) -> Vectors:
        """(groups,): how far each group of sources pulls the value, by the jackknife; they average 0."""
        import numpy as np

        without = np.asarray(self.group_values)
        pulls: Vectors = (len(without) - 1) * (without.mean() - without)
        return pulls

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
    frames have features of their own.  Calls `distance` about fifty times.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    value = float(distance(real, generated))
    sets = _by_content(real, generated, np.asarray(real_sources), np.asarray(generated_sources))
    group_values = _leave_out(distance, sets, rng)
    spread = None if not group_values else _margin(group_values)
    n_clips = min(n_real, n_generated)
    curve = [*_curve(distance, sets, n_clips, rng), CurvePoint(n_clips, value, None)]
    return SetEstimate(
        value=value,
        ci_low=None if spread is None else value - spread,
        ci_high=None if spread is None else value + spread,
        n_real=n_real,
        n_generated=n_generated,
        n_sources=min(len(set(real_sources)), len(set(generated_sources))),
        curve=tuple(curve),
        floor=_floor(distance, sets, n_real, rng),
        at_infinity=_limit([point for point in curve if point.n_clips >= real.shape[1]]),
        group_values=group_values,
    )


class _Sets(NamedTuple):
    """Both sets, their rows by source and the sources in an order that does not depend on their names."""

    real: Vectors
    generated: Vectors
    real_of: NDArray[np.int64]
    """(N,): each row's source, counted over both sets."""
    generated_of: NDArray[np.int64]


def _by_content(real: Vectors, generated: Vectors, real_names: NDArray[np.str_], generated_names: NDArray[np.str_]) -> _Sets:
    """The sources by the sum of their real features, or of their generated ones where they have no real ones."""
    import numpy as np

    names, numbers = np.unique(np.concatenate([real_names, generated_names]), return_inverse=True)
    real_of, generated_of = numbers[: len(real)], numbers[len(real) :]
    of_real, of_generated = (
        np.bincount(of, weights=vectors.sum(axis=1), minlength=len(names)) for of, vectors in ((real_of, real), (generated_of, generated))
    )
    place = np.argsort(np.argsort(np.where(np.isin(np.arange(len(names)), real_of), of_real, of_generated), kind="stable"))
    by_real, by_generated = (np.argsort(place[of], kind="stable") for of in (real_of, generated_of))
    return _Sets(real[by_real], generated[by_generated], place[real_of][by_real], place[generated_of][by_generated])


def _leave_out(distance: Distance, sets: _Sets, rng: np.random.Generator) -> tuple[float, ...]:
    """The distance without each group of sources; none under five sources, or where a set would be left with a single row."""
    import numpy as np

    sources = rng.permutation(np.unique(np.concatenate([sets.real_of, sets.generated_of])))
    if len(sources) < LEAST_SOURCES:
        return ()
    n_groups = min(GROUPS, len(sources))
    values = []
    for start in range(n_groups):
        kept = [~np.isin(of, sources[start::n_groups]) for of in (sets.real_of, sets.generated_of)]
        if min(kept[0].sum(), kept[1].sum()) < 2:
            return ()
        values.append(float(distance(sets.real[kept[0]], sets.generated[kept[1]])))
    return tuple(values)


def _margin(group_values: Sequence[float]) -> float:
    """Half the width of the 95 % interval."""
    from scipy.special import stdtrit

    return float(stdtrit(len(group_values) - 1, 0.975)) * _standard_error(group_values)


def _standard_error(group_values: Any) -> float:
    """The delete-group jackknife's: √((G − 1)/G · Σ (θ₍g₎ − mean)²)."""
    import numpy as np

    values = np.asarray(group_values, dtype=np.float64)
    return math.sqrt((len(values) - 1) / len(values) * float(((values - values.mean()) ** 2).sum()))


def _curve(distance: Distance, sets: _Sets, n_clips: int, rng: np.random.Generator) -> list[CurvePoint]:
    import numpy as np

    points = []
    for part in FRACTIONS:
        if n_clips // part < LEAST_CURVE_CLIPS:
            continue
        values = [float(distance(_drawn(sets.real, part, rng), _drawn(sets.generated, part, rng))) for _ in range(REPEATS)]
        points.append(CurvePoint(n_clips // part, float(np.mean(values)), float(np.std(values, ddof=1))))
    return points


def _drawn(vectors: Vectors, part: int, rng: np.random.Generator) -> Vectors:
    """A random part of the rows, without replacement."""
    chosen: Vectors = vectors[rng.permutation(len(vectors))[: len(vectors) // part]]
    return chosen


def _floor(distance: Distance, sets: _Sets, n_real: int, rng: np.random.Generator) -> CurvePoint | None:
    """Between halves of the real clips that share no source."""
    import numpy as np

    sources = np.unique(sets.real_of)
    values = []
    for _ in range(REPEATS if len(sources) > 1 else 0):
        first = np.isin(sets.real_of, rng.permutation(sources)[: len(sources) // 2])
        if min(first.sum(), (~first).sum()) >= 2:
            values.append(float(distance(sets.real[first], sets.real[~first])))
    return CurvePoint(n_real // 2, float(np.mean(values)), float(np.std(values, ddof=1))) if len(values) > 1 else None


def _limit(curve: Sequence[CurvePoint]) -> float | None:
    """The intercept of the least-squares line through (1/n, value)."""
    import numpy as np

    if len(curve) < 3:
        return None
    inverse = np.array([1 / point.n_clips for point in curve])
    _, intercept = np.polyfit(inverse, [point.value for point in curve], 1)
    return float(intercept)
