"""MSE, MAE and RMSE: variants of one sum of errors that differ in the unit and in where the mean and the root are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from vgbench.interfaces import PairedMetric
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


class MseMean(PairedMetric):
    """mse@mean: mean over values in [0, 1], then frames, then clips."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return mse(clips, references, data_range=LEVELS, metric="mse@mean")


class MseSum(PairedMetric):
    """mse@sum: sum over a frame's values in [0, 1], mean over frames and clips."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return sum_squared_error(clips, references, data_range=LEVELS, metric="mse@sum")


class Mse255(PairedMetric):
    """mse@255: mean over values in 0..255."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return mse(clips, references, data_range=1, metric="mse@255")


class MaeMean(PairedMetric):
    """mae@mean: mean over values in [0, 1], then frames, then clips."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return mae(clips, references, data_range=LEVELS, metric="mae@mean")


class MaeSum(PairedMetric):
    """mae@sum: sum over a frame's values in [0, 1], mean over frames and clips."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return sum_absolute_error(clips, references, data_range=LEVELS, metric="mae@sum")


class RmseFrame(PairedMetric):
    """rmse@frame: mean of each frame's root."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return rmse(clips, references, data_range=LEVELS, metric="rmse@frame")


class RmsePooled(PairedMetric):
    """rmse@pooled: root of the mean over everything; values of frames and clips are mean squared errors."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return mse(clips, references, data_range=LEVELS, metric="rmse@pooled")

    def pool(self, per_clip: Any) -> Any:
        return np.sqrt(per_clip.mean(axis=-1))


class RmseOpenstl(PairedMetric):
    """rmse@openstl: root of mse@sum; values of frames and clips are sums of squared errors."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return sum_squared_error(clips, references, data_range=LEVELS, metric="rmse@openstl")

    def pool(self, per_clip: Any) -> Any:
        return np.sqrt(per_clip.mean(axis=-1))


class RmsePredbench(PairedMetric):
    """rmse@predbench: mean over frames of the root of the frame's sum of squared errors."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return sum_squared_error(clips, references, data_range=LEVELS, metric="rmse@predbench").sqrt()
