"""From the values of clips to one number a row, as a metric's own pooling says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vgbench.columns import Column
from vgbench.errors import MetricError
from vgbench.guard import guarded
from vgbench.interfaces import PairedMetric
from vgbench.measure import find_metric
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Pooling:
    """A metric's `per_clip` and `pool`, loaded from its spec."""

    def __init__(self, spec: MetricSpec) -> None:
        self.spec = spec
        self._metric: PairedMetric = find_metric(spec.id).load()()

    @property
    def own_pool(self) -> Callable[[Any], Any] | None:
        """The metric's `pool` where it is not the mean."""
        return None if type(self._metric).pool is PairedMetric.pool else self._metric.pool

    def per_clip(self, column: Column, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,): one number a clip, the clips in `order`."""
        import numpy as np

        result = np.empty(len(column), dtype=np.float64)
        for group in column.groups(order):
            with guarded(MetricError, f"metric {self.spec.id}"):
                pooled = np.asarray(self._metric.per_clip(group.values))
            if pooled.shape != group.places.shape:
                raise MetricError(
                    f"metric {self.spec.id}: per_clip() returned {pooled.shape} for {len(group.places)} clips; it returns (N,)."
                )
            result[group.places] = pooled
        return result

    def pooled(self, per_clip: NDArray[np.float64]) -> float:
        """The row's number."""
        with guarded(MetricError, f"metric {self.spec.id}"):
            return float(self._metric.pool(per_clip))
