"""PSNR: variants that differ in where the logarithm is taken and in what the error is measured on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vgbench.metrics.frames import FrameMetric
from vgbench.metrics.luma import LIMITED_RANGE
from vgbench.metrics.pairs import check_data_range, check_pair, check_size, without_border
from vgbench.metrics.pixel.errors import LEVELS, mse
from vgbench.metrics.pixel.sums import channel_products, wrapped_square_sums

CEILING = 100.0
"""dB; also the value of identical frames."""


def decibels(mean_squared_error: Any, *, data_range: float) -> Any:
    """10·log₁₀(data_range² / MSE), at most 100; NaN stays NaN.

    mean_squared_error: float64 array of any shape, or a number, in the unit of data_range squared.

    >>> [float(decibels(error, data_range=1)) for error in (0.01, 1e-12, 0.0)]
    [20.0, 100.0, 100.0]
    """
    with np.errstate(divide="ignore", over="ignore"):
        return np.minimum(10 * np.log10(data_range**2 / np.asarray(mean_squared_error, dtype=np.float64)), CEILING)


def psnr(clips: Tensor, references: Tensor, *, data_range: float, metric: str = "psnr") -> Tensor:
    """Peak signal-to-noise ratio of each frame, in dB; 100 for identical frames.

    clips, references: uint8 (B, T, C, H, W).  data_range: the peak in 8-bit levels, 255.  Returns (B, T) float64.

    >>> import torch
    >>> black = torch.zeros(1, 1, 3, 8, 8, dtype=torch.uint8)
    >>> psnr(black + 51, black, data_range=255)
    tensor([[13.9794]], dtype=torch.float64)
    """
    check_data_range(data_range, metric=metric)
    return frame_decibels(mse(clips, references, data_range=1, metric=metric), data_range=data_range)


def wrapped_psnr(clips: Tensor, references: Tensor, *, metric: str = "wrapped_psnr") -> Tensor:
    """PSNR of each frame as a historical bug computed it: with differences and squares that wrap around at 256.

    Differences near a multiple of 16 levels vanish, so the number is neither an upper nor a lower bound of PSNR; it exists to
    reproduce old tables.  clips, references: uint8 (B, T, C, H, W).  Returns (B, T) float64, dB.
    """
    check_pair(clips, references, metric=metric)
    sums = wrapped_square_sums(clips, references)
    return frame_decibels(sums.double() / clips.shape[2:].numel(), data_range=LEVELS)


def luma_psnr(clips: Tensor, references: Tensor, *, data_range: float, border: int = 0, metric: str = "luma_psnr") -> Tensor:
    """PSNR of each frame's luma (ITU-R BT.601, limited range, not rounded), in dB; 100 for identical frames.

    clips, references: uint8 (B, T, C, H, W); grey counts as three equal channels.  data_range: the peak in 8-bit levels, 255.
    border: pixels at each edge that do not count.  Returns (B, T) float64.
    """
    check_pair(clips, references, metric=metric)
    check_data_range(data_range, metric=metric)
    check_size(clips, 2 * border + 1, metric=metric, reason=f", since {border} at each edge do not count")
    clips, references = without_border(clips, border), without_border(references, border)
    # Σ (w·d)² = Σᵢⱼ wᵢwⱼ Σ dᵢdⱼ: the inner sums are exact integers, so the result does not depend on any order of addition.
    products = channel_products(clips, references).double()
    r, g, b = LIMITED_RANGE
    total = torch.zeros_like(products[..., 0])
    for weight, sums in zip((r * r, g * g, b * b, 2 * r * g, 2 * r * b, 2 * g * b), products.unbind(-1), strict=True):
        total = total + sums * weight
    return frame_decibels(total.clamp_min(0) / clips.shape[3:].numel(), data_range=data_range)


def frame_decibels(frame_mse: Tensor, *, data_range: float) -> Tensor:
    """dB of each frame's mean squared error, (B, T) float64, in the unit of data_range squared.

    In numpy, whose logarithm gives a value the same bits wherever in an array it stands.
    """
    return torch.from_numpy(decibels(frame_mse.cpu().numpy(), data_range=data_range)).to(frame_mse.device)


class DecibelsOfClip(FrameMetric):
    """The errors pooled within a clip, then dB, then the mean over clips; values of frames are errors."""

    def per_clip(self, values: Any) -> Any:
        return decibels(values.mean(axis=-1), data_range=1)


class DecibelsOfAll(FrameMetric):
    """The errors pooled over everything, then dB; values of frames and clips are errors."""

    def of_mean(self, mean: Any) -> Any:
        return decibels(mean, data_range=1)


def psnr_frame() -> FrameMetric:
    """Mean of each frame's dB."""
    return FrameMetric(psnr, data_range=LEVELS)


def psnr_video() -> FrameMetric:
    """Mean of each clip's dB."""
    return DecibelsOfClip(mse, data_range=LEVELS)


def psnr_dataset() -> FrameMetric:
    """dB of the mean squared error over everything."""
    return DecibelsOfAll(mse, data_range=LEVELS)


def psnr_uint8wrap() -> FrameMetric:
    """The arithmetic of code whose uint8 differences and squares wrap around."""
    return FrameMetric(wrapped_psnr)


def psnr_y_limited() -> FrameMetric:
    """On luma between 16 and 235, peak 255."""
    return FrameMetric(luma_psnr, data_range=LEVELS)


def psnr_y_limited_crop4() -> FrameMetric:
    """The same, without a border of 4 pixels."""
    return FrameMetric(luma_psnr, data_range=LEVELS, border=4)
