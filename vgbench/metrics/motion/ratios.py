"""How much a clip moves, measured against how much the real one moves; both ratios are blind to direction and to order in time."""

from __future__ import annotations

import torch
from torch import Tensor

from vgbench.interfaces import PairedMetric
from vgbench.metrics.pairs import check_moving, check_pair
from vgbench.metrics.pixel.sums import error_sums


def motion_ratio(clips: Tensor, references: Tensor, *, metric: str = "motion-ratio") -> Tensor:
    """Mean |x_{t+1} − x_t| of each clip over that of its reference.

    clips, references: uint8 (B, T, C, H, W), T ≥ 2.  Returns (B,) float64: 1 where both stand still, infinity
    where only the reference does.

    >>> clip = torch.tensor([0, 10, 30], dtype=torch.uint8).view(1, 3, 1, 1, 1)
    >>> motion_ratio(clip, clip.flip(1))
    tensor([1.], dtype=torch.float64)
    """
    _check(clips, references, metric)
    return _ratio(_change(clips[:, :-1], clips[:, 1:]), _change(references[:, :-1], references[:, 1:]))


def drift_ratio(clips: Tensor, references: Tensor, *, metric: str = "drift-ratio") -> Tensor:
    """Mean |x_last − x_first| of each clip over that of its reference; arguments and result as `motion_ratio`."""
    _check(clips, references, metric)
    return _ratio(_change(clips[:, :1], clips[:, -1:]), _change(references[:, :1], references[:, -1:]))


def _check(clips: Tensor, references: Tensor, metric: str) -> None:
    check_pair(clips, references, metric=metric)
    check_moving(clips, metric=metric)


def _change(before: Tensor, after: Tensor) -> Tensor:
    """(B,) int64: Σ |after − before|, exact, so that the ratio has the same bits whatever the order of adding."""
    return error_sums(after, before).absolute.sum(dim=1)


def _ratio(made: Tensor, real: Tensor) -> Tensor:
    still = torch.ones_like(made, dtype=torch.float64)
    return torch.where((made == 0) & (real == 0), still, made.double() / real.double())


class MotionRatio(PairedMetric):
    """motion-ratio: change from frame to frame."""

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return motion_ratio(clips, references, metric=self.metric_id).unsqueeze(1)


class DriftRatio(PairedMetric):
    """drift-ratio: change from the first frame to the last."""

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return drift_ratio(clips, references, metric=self.metric_id).unsqueeze(1)
