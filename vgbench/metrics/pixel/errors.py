"""MSE, MAE and RMSE: variants of one sum of errors that differ in the unit and in where the mean and the root are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from vgbench.metrics.frames import FrameMetric
from vgbench.metrics.pairs import check_data_range
from vgbench.metrics.pixel.sums import error_sums

LEVELS = 255.0
"""The data range of 8-bit clips: dividing by it gives [0, 1]."""


def sum_squared_error(clips: Tensor, references: Tensor, *, data_range: float, metric: str = "sum_squared_error") -> Tensor:
    """Sum over the channels and pixels of each frame of ((x − y) / data_range)².

    clips, references: uint8 (B, T, C, H, W).  data_range: the level that counts as 1: 255 for values in [0, 1], 1 for levels.
    Returns (B, T) float64.
    """
    check_data_range(data_range, metric=metric)
    return error_sums(clips, references, metric=metric).squared.double() / data_range**2


def mse(clips: Tensor, references: Tensor, *, data_range: float, metric: str = "mse") -> Tensor:
    """Mean over the channels and pixels of each frame of ((x − y) / data_range)².

    clips, references: uint8 (B, T, C, H, W).  data_range: the level that counts as 1: 255 for values in [0, 1], 1 for levels.
    Returns (B, T) float64.

    >>> import torch
    >>> black = torch.zeros(1, 2, 3, 8, 8, dtype=torch.uint8)
    >>> mse(black + 51, black, data_range=255)
    tensor([[0.0400, 0.0400]], dtype=torch.float64)
    """
    check_data_range(data_range, metric=metric)
    sums = error_sums(clips, references, metric=metric)
    return sums.squared.double() / (sums.values * data_range**2)


def sum_absolute_error(clips: Tensor, references: Tensor, *, data_range: float, metric: str = "sum_absolute_error") -> Tensor:
    """Sum over the channels and pixels of each frame of |x − y| / data_range; arguments and result as `sum_squared_error`."""
    check_data_range(data_range, metric=metric)
    return error_sums(clips, references, metric=metric).absolute.double() / data_range


def mae(clips: Tensor, references: Tensor, *, data_range: float, metric: str = "mae") -> Tensor:
    """Mean over the channels and pixels of each frame of |x − y| / data_range; arguments and result as `mse`.

    >>> import torch
    >>> black = torch.zeros(1, 1, 1, 8, 8, dtype=torch.uint8)
    >>> mae(black + 51, black, data_range=255)
    tensor([[0.2000]], dtype=torch.float64)
    """
    check_data_range(data_range, metric=metric)
    sums = error_sums(clips, references, metric=metric)
    return sums.absolute.double() / (sums.values * data_range)


def rmse(clips: Tensor, references: Tensor, *, data_range: float, metric: str = "rmse") -> Tensor:
    """Square root of each frame's `mse`; arguments and result as there.

    >>> import torch
    >>> black = torch.zeros(1, 1, 1, 8, 8, dtype=torch.uint8)
    >>> rmse(black + 51, black, data_range=255)
    tensor([[0.2000]], dtype=torch.float64)
    """
    return mse(clips, references, data_range=data_range, metric=metric).sqrt()


def rooted_sum_squared_error(clips: Tensor, references: Tensor, *, data_range: float, metric: str = "rooted_sum_squared_error") -> Tensor:
    """Square root of each frame's `sum_squared_error`; arguments and result as there."""
    return sum_squared_error(clips, references, data_range=data_range, metric=metric).sqrt()


class RootOfMean(FrameMetric):
    """The root of the mean over all frames and clips; values of frames and clips are without it."""

    def of_mean(self, mean: Any) -> Any:
        return np.sqrt(mean)


def mse_mean() -> FrameMetric:
    """Mean over values in [0, 1]."""
    return FrameMetric(mse, data_range=LEVELS)


def mse_sum() -> FrameMetric:
    """Sum over a frame's values in [0, 1]."""
    return FrameMetric(sum_squared_error, data_range=LEVELS)


def mse_255() -> FrameMetric:
    """Mean over values in 0..255."""
    return FrameMetric(mse, data_range=1)


def mae_mean() -> FrameMetric:
    """Mean over values in [0, 1]."""
    return FrameMetric(mae, data_range=LEVELS)


def mae_sum() -> FrameMetric:
    """Sum over a frame's values in [0, 1]."""
    return FrameMetric(sum_absolute_error, data_range=LEVELS)


def rmse_frame() -> FrameMetric:
    """The root for each frame."""
    return FrameMetric(rmse, data_range=LEVELS)


def rmse_pooled() -> FrameMetric:
    """The root of the mean over everything."""
    return RootOfMean(mse, data_range=LEVELS)


def rmse_openstl() -> FrameMetric:
    """The root of mse@sum."""
    return RootOfMean(sum_squared_error, data_range=LEVELS)


def rmse_predbench() -> FrameMetric:
    """The root of each frame's sum."""
    return FrameMetric(rooted_sum_squared_error, data_range=LEVELS)
