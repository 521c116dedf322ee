"""Distances between two sets of clips: an extractor of features, and a distance between the features."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from vgbench.interfaces import FeatureExtractor, SetMetric
from vgbench.metrics.sets.frechet import frechet_distance
from vgbench.metrics.sets.kernel_distance import kernel_distance


class _OfFeatures(SetMetric):
    """What every distance of features has: an extractor, which other metrics may share."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor = extractor

    def prepare(self) -> None:
        self.extractor.prepare()

    def features(self, clips: Tensor) -> Tensor:
        return self.extractor.features(clips)

    def feature_key(self) -> str:
        return self.extractor.key()


class FrechetDistance(_OfFeatures):
    """The Fréchet distance of an extractor's features.

    unbiased: whether covariances are divided by n − 1 instead of n.  joins_context: whether clips have the frames given in front.

    A plugin's own: `def make(): return FrechetDistance(MyExtractor(), unbiased=True)`, and `target="package.module:make"`.
    """

    def __init__(self, extractor: FeatureExtractor, *, unbiased: bool, joins_context: bool = False) -> None:
        super().__init__(extractor)
        self.unbiased, self.joins_context = unbiased, joins_context

    def distance(self, real: Any, generated: Any) -> float:
        return frechet_distance(real, generated, unbiased=self.unbiased)


class KernelDistance(_OfFeatures):
    """The unbiased kernel distance of an extractor's features."""

    def distance(self, real: Any, generated: Any) -> float:
        return kernel_distance(real, generated)
