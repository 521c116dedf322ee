"""From the values of clips to one number for each row: columns of values, and each metric's own pooling."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from vgbench.errors import MetricError
from vgbench.interfaces import PairedMetric
from vgbench.plugins.guard import guarded
from vgbench.scoring.lookup import find_metric
from vgbench.specs import MetricSpec
from vgbench.stats.bootstrap import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Group(NamedTuple):
    """Clips with equally many values."""

    places: NDArray[np.int64]
    """(n,): where the clips stand in their row."""
    values: Floats
    """(n, K)."""


class Column:
    """What `measure` gave for each clip of a row: K values per clip, and K may differ."""

    def __init__(self) -> None:
        self._values, self._lengths = array("d"), array("q")

    def append(self, values: Sequence[float]) -> None:
        """Add the next clip's values."""
        self._values.extend(values)
        self._lengths.append(len(values))

    def __len__(self) -> int:
        return len(self._lengths)

    def groups(self, order: NDArray[np.int64]) -> Iterator[Group]:
        """The values by their number per clip; places count in `order`."""
        import numpy as np

        values, lengths = np.array(self._values), np.array(self._lengths)
        ends = np.cumsum(lengths)
        for length in np.unique(lengths).tolist():
            places = np.flatnonzero(lengths[order] == length)
            starts = (ends - lengths)[order[places]]
            yield Group(places, values[starts[:, None] + np.arange(length)])


class Pooling:
    """A metric's `per_clip` and `pool`, loaded from its spec."""

    def __init__(self, spec: MetricSpec) -> None:
        self.spec = spec
        self._metric: PairedMetric = find_metric(spec.id).load()()

    def sample(self, per_clip: NDArray[np.float64], source_of: NDArray[np.int64]) -> Sample:
        """The clips' numbers as what is resampled, with what pools them where that is not the mean."""
        kind = type(self._metric)
        if kind.pool is PairedMetric.pool and kind.of_mean is PairedMetric.of_mean:
            return Sample(per_clip, source_of)
        if kind.pool is PairedMetric.pool and self.spec.better != "toward-1":
            return Sample(per_clip, source_of, of_mean=self._of_mean)
        return Sample(per_clip, source_of, pool=self.pooled)

    def per_clip(self, column: Column, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,): one number for each of the clips that `order` names, in that order."""
        import numpy as np

        result = np.empty(len(order), dtype=np.float64)
        for group in column.groups(order):
            with guarded(MetricError, f"metric {self.spec.id}", self.spec.target):
                pooled = np.asarray(self._metric.per_clip(group.values))
            if pooled.shape != group.places.shape:
                raise MetricError(
                    f"metric {self.spec.id}: per_clip() returned {pooled.shape} for {len(group.places)} clips; it returns (N,)."
                )
            result[group.places] = pooled
        return result

    def pooled(self, per_clip: NDArray[np.float64]) -> float:
        """The row's number."""
        with guarded(MetricError, f"metric {self.spec.id}", self.spec.target):
            return float(self._metric.pool(per_clip))

    def _of_mean(self, mean: Any) -> Any:
        with guarded(MetricError, f"metric {self.spec.id}", self.spec.target):
            return self._metric.of_mean(mean)


def goodness(value: float, spec: MetricSpec) -> float:
    """Higher is better, whatever the metric's direction; NaN is the worst."""
    if not math.isfinite(value):
        return -math.inf
    return {"higher": value, "lower": -value, "toward-1": -abs(math.log(value)) if value > 0 else -math.inf}[spec.better]
