"""What each metric of an audit answers, grade by grade, while clips come in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vgbench.errors import VgbenchError
from vgbench.interfaces import SetMetric
from vgbench.plugins.observers import Observer
from vgbench.plugins.registry import Entry
from vgbench.scoring.extractor import Extractor, clip_digests
from vgbench.scoring.feature_cache import FeatureCache
from vgbench.scoring.loaded_metric import load_metric
from vgbench.scoring.pooling import Column, Pooling
from vgbench.scoring.scorer import Scorer
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
    from torch import Tensor

Grade = tuple[str, int]
"""A distortion's name and its grade."""
UNDISTORTED: Grade = ("", 0)
"""The clips as they were."""


class _Column(ABC):
    """One metric's answers while clips come in."""

    spec: MetricSpec

    @abstractmethod
    def add(self, grade: Grade, clip: Tensor, reference: Tensor) -> None:
        """Measure a clip (1, T, C, H, W) against what it was."""

    @abstractmethod
    def values(self) -> dict[Grade, float]:
        """The metric's number over all clips, for each grade."""


class _ClipColumn(_Column):
    """A metric that gives every clip its values."""

    def __init__(self, entry: Entry[MetricSpec]) -> None:
        self.spec, self._scorer = entry.spec, Scorer([entry])
        self._scores: dict[Grade, Column] = {}

    def add(self, grade: Grade, clip: Tensor, reference: Tensor) -> None:
        (scores,) = self._scorer.measure(clip, reference).scores
        self._scores.setdefault(grade, Column()).append(scores[self.spec.id])

    def values(self) -> dict[Grade, float]:
        import numpy as np

        pooling = Pooling(self.spec)
        return {grade: pooling.pooled(pooling.per_clip(column, np.arange(len(column)))) for grade, column in self._scores.items()}


class _SetColumn(_Column):
    """A metric that compares sets of clips."""

    def __init__(self, entry: Entry[MetricSpec], cache: FeatureCache) -> None:
        self.spec, self._cache = entry.spec, cache
        self._loaded = load_metric(entry, SetMetric).prepared()  # type: ignore[type-abstract] # only compared with
        self._extractor = Extractor(self._loaded)
        self._vectors: dict[Grade, list[Any]] = {}

    def add(self, grade: Grade, clip: Tensor, reference: Tensor) -> None:
        self._vectors.setdefault(grade, []).extend(self._extractor.vectors(clip, clip_digests(clip), self._cache))

    def values(self) -> dict[Grade, float]:
        import numpy as np

        sets = {grade: np.concatenate(vectors) for grade, vectors in self._vectors.items()}
        with self._loaded.guarded():
            return {grade: float(self._loaded.metric.distance(sets[UNDISTORTED], vectors)) for grade, vectors in sets.items()}


class Columns:
    """Every metric's answers; a metric that fails has none from then on, and a reason."""

    def __init__(self, entries: Sequence[Entry[MetricSpec]], cache: FeatureCache, observer: Observer) -> None:
        self._observer = observer
        self._columns: dict[str, _Column] = {}
        self.failures: dict[str, VgbenchError] = {}
        for entry in entries:
            with self._dropping(entry.short_name):
                self._columns[entry.short_name] = _SetColumn(entry, cache) if entry.spec.kind == "set" else _ClipColumn(entry)

    def add(self, grade: Grade, clip: Tensor, reference: Tensor) -> None:
        for name, column in list(self._columns.items()):
            with self._dropping(name):
                column.add(grade, clip, reference)

    def values(self) -> list[tuple[MetricSpec, dict[Grade, float]]]:
        """Each metric with its numbers.  VgbenchError: every metric failed; the first failure."""
        found = []
        for name, column in list(self._columns.items()):
            with self._dropping(name):
                found.append((column.spec, column.values()))
        if not found:
            raise next(iter(self.failures.values()))
        return found

    @contextmanager
    def _dropping(self, name: str) -> Iterator[None]:
        try:
            yield
        except VgbenchError as error:
            self.failures[name] = error
            self._columns.pop(name, None)
            self._observer.note(f"{name} has no column: {error}")
