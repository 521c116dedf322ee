"""MSE, MAE, RMSE and PSNR on the moving region alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vgbench.metrics.frames import FrameMetric
from vgbench.metrics.moving import moving_region
from vgbench.metrics.pairs import check_pair
from vgbench.metrics.pixel.errors import LEVELS
from vgbench.metrics.pixel.psnr import frame_decibels


class RegionMetric(FrameMetric):
    """A value a frame that needs the whole clip, since that is what tells the region."""

    span = None


def region_mse(clips: Tensor, references: Tensor, *, metric: str = "region_mse") -> Tensor:
    """Mean squared error of each frame's values in the moving region, in levels squared.

    clips, references: uint8 (B, T, C, H, W).  Returns (B, T) float64.
    """
    return _mean_over_region(clips, references, torch.square, metric)


def region_mae(clips: Tensor, references: Tensor, *, metric: str = "region_mae") -> Tensor:
    """Mean absolute error of each frame's values in the moving region, in levels; arguments and result as `region_mse`."""
    return _mean_over_region(clips, references, torch.abs, metric)


def _mean_over_region(clips: Tensor, references: Tensor, error: Callable[[Tensor], Tensor], metric: str) -> Tensor:
    """Sums are of whole numbers, so that no order of addition changes a bit."""
    check_pair(clips, references, metric=metric)
    means = []
    for clip, real, region in zip(clips, references, moving_region(references), strict=True):
        inside = [side.movedim((-2, -1), (0, 1))[region].int() for side in (clip, real)]  # (pixels, T, C)
        errors = error(inside[0] - inside[1])
        means.append(errors.sum((0, 2)).double() / (len(errors) * errors.shape[2]))
    return torch.stack(means)


def _scaled(function: Callable[..., Tensor], scale: float) -> Callable[..., Tensor]:
    return lambda clips, references, *, metric: function(clips, references, metric=metric) / scale


def mse_moving() -> FrameMetric:
    """Over values in [0, 1]."""
    return RegionMetric(_scaled(region_mse, LEVELS**2))


def mae_moving() -> FrameMetric:
    """Over values in [0, 1]."""
    return RegionMetric(_scaled(region_mae, LEVELS))


def rmse_moving() -> FrameMetric:
    """The root for each frame, over values in [0, 1]."""
    return RegionMetric(lambda clips, references, *, metric: region_mse(clips, references, metric=metric).sqrt() / LEVELS)


def psnr_moving() -> FrameMetric:
    """The dB of each frame."""
    return RegionMetric(_decibels)


def _decibels(clips: Tensor, references: Tensor, *, metric: str) -> Tensor:
    return frame_decibels(region_mse(clips, references, metric=metric), data_range=LEVELS)
