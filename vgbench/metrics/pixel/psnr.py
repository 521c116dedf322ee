"""PSNR: variants that differ in where the logarithm is taken and in what the error is measured on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vgbench.interfaces import PairedMetric
from vgbench.metrics.pairs import check_data_range, check_pair
from vgbench.metrics.pixel.errors import LEVELS, mse
from vgbench.metrics.pixel.sums import channel_products, wrapped_square_sums

CEILING = 100.0
"""dB; also the value of identical frames."""
LUMA_WEIGHTS = (65.481 / 255, 128.553 / 255, 24.966 / 255)
"""ITU-R BT.601, limited range: levels of luma, 16 to 235, per level of red, green and blue."""


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
    return _frame_decibels(mse(clips, references, data_range=1, metric=metric), data_range=data_range)


def wrapped_psnr(clips: Tensor, references: Tensor, *, metric: str = "wrapped_psnr") -> Tensor:
    """PSNR of each frame as a historical bug computed it: with differences and squares that wrap around at 256.

    Differences near a multiple of 16 levels vanish, so the number is neither an upper nor a lower bound of PSNR; it exists to
    reproduce old tables.  clips, references: uint8 (B, T, C, H, W).  Returns (B, T) float64, dB.
    """
    check_pair(clips, references, metric=metric)
    sums = wrapped_square_sums(clips, references)
    return _frame_decibels(sums.double() / clips.shape[2:].numel(), data_range=LEVELS)


def luma_psnr(clips: Tensor, references: Tensor, *, data_range: float, metric: str = "luma_psnr") -> Tensor:
    """PSNR of each frame's luma (ITU-R BT.601, limited range, not rounded), in dB; 100 for identical frames.

    clips, references: uint8 (B, T, C, H, W); grey counts as three equal channels.  data_range: the peak in 8-bit levels, 255.
    Returns (B, T) float64.
    """
    check_pair(clips, references, metric=metric)
    check_data_range(data_range, metric=metric)
    # Σ (w·d)² = Σᵢⱼ wᵢwⱼ Σ dᵢdⱼ: the inner sums are exact integers, so the result does not depend on any order of addition.
    products = channel_products(clips, references).double()
    r, g, b = LUMA_WEIGHTS
    total = torch.zeros_like(products[..., 0])
    for weight, sums in zip((r * r, g * g, b * b, 2 * r * g, 2 * r * b, 2 * g * b), products.unbind(-1), strict=True):
        total = total + sums * weight
    return _frame_decibels(total.clamp_min(0) / clips.shape[3:].numel(), data_range=data_range)


def _frame_decibels(frame_mse: Tensor, *, data_range: float) -> Tensor:
    """In numpy, whose logarithm gives a value the same bits wherever in an array it stands."""
    return torch.from_numpy(decibels(frame_mse.cpu().numpy(), data_range=data_range)).to(frame_mse.device)


class PsnrFrame(PairedMetric):
    """psnr@frame: mean of each frame's dB."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return psnr(clips, references, data_range=LEVELS, metric="psnr@frame")


class PsnrVideo(PairedMetric):
    """psnr@video: mean squared error pooled within a clip, then dB, then the mean; values of frames are MSE."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return mse(clips, references, data_range=LEVELS, metric="psnr@video")

    def per_clip(self, values: Any) -> Any:
        return decibels(values.mean(axis=-1), data_range=1)


class PsnrDataset(PairedMetric):
    """psnr@dataset: mean squared error pooled over everything, then dB; values of frames and clips are MSE."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return mse(clips, references, data_range=LEVELS, metric="psnr@dataset")

    def pool(self, per_clip: Any) -> Any:
        return decibels(per_clip.mean(axis=-1), data_range=1)


class PsnrUint8Wrap(PairedMetric):
    """psnr@uint8wrap: the arithmetic of code whose uint8 differences and squares wrap around."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return wrapped_psnr(clips, references, metric="psnr@uint8wrap")


class PsnrYLimited(PairedMetric):
    """psnr@y-limited: on luma between 16 and 235, peak 255."""

    span = 1

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return luma_psnr(clips, references, data_range=LEVELS, metric="psnr@y-limited")
