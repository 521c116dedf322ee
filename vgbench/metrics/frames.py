"""Metrics of single frames, each made of a function of two clips and its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from vgbench.interfaces import PairedMetric
from vgbench.metrics.backends import load_ahead


class FrameMetric(PairedMetric):
    """A function that gives every frame its value; the mean over a clip's frames, then over clips.

    function: (clips, references, metric=…, **arguments) → (B, T) float64.
    """

    span: int | None = 1

    def __init__(self, function: Callable[..., Tensor], **arguments: Any) -> None:
        self._function, self._arguments = function, arguments

    def prepare(self) -> None:
        load_ahead()

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return self._function(clips, references, metric=self.metric_id, **self._arguments)
