"""Luma, in the three readings of published metrics; they differ in range, rounding and arithmetic, so that none stands for another."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vgbench.metrics.backends import on_gpu

LIMITED_RANGE = (65.481 / 255, 128.553 / 255, 24.966 / 255)
"""ITU-R BT.601, limited range, not rounded: levels of luma, 16 to 235, per level of red, green and blue."""
_THOUSANDTHS = (299, 587, 114)
"""BT.601, full range, of red, green and blue; whole numbers, so that no order of adding moves a tie."""


def limited_luma(clip: Tensor) -> Tensor:
    """Luma of limited range, 16 to 235, not rounded: uint8 (T, C, H, W) → float64 (T, 1, H, W); grey counts as three equal channels."""
    levels = clip.double()
    if clip.shape[1] == 1:
        return levels * sum(LIMITED_RANGE) + 16
    red, green, blue = (channel * weight for channel, weight in zip(levels.unbind(1), LIMITED_RANGE, strict=True))
    return (red + green + blue + 16).unsqueeze(1)


def grey_of(clip: Tensor) -> Tensor:
    """`rounded_luma` as a clip: uint8 (T, C, H, W) → (T, 1, H, W)."""
    return torch.from_numpy(rounded_luma(clip))[:, None]


def rounded_luma(clip: Tensor) -> NDArray[np.uint8]:
    """Luma of full range, 0.299·R + 0.587·G + 0.114·B, exact and rounded up from a half: uint8 (T, C, H, W) → (T, H, W).

    Grey is its own luma.
    """
    frames = clip.cpu().numpy()
    if frames.shape[1] == 1:
        return np.ascontiguousarray(frames[:, 0])
    red, green, blue = (frames[:, channel].astype(np.int32) * weight for channel, weight in enumerate(_THOUSANDTHS))
    luma: NDArray[np.uint8] = ((red + green + blue + 500) // 1000).astype(np.uint8)
    return luma


def yiq_luma(clip: Tensor) -> Tensor:
    """Luma of YIQ rounded to whole levels: uint8 (T, C, H, W) → (T, 1, H, W); grey is its own luma.

    In float32 on [0, 1] and in this order, as pyiqa computes it: one colour in a thousand lies exactly between two levels, and
    goes where float32's rounding sends it.
    """
    if clip.shape[1] == 1:
        return clip
    tables = _luma_tables(clip.device)
    found: Tensor | None = on_gpu("similarity", clip.device, lambda gpu: gpu.luma(clip, tables))
    if found is not None:
        return found
    red, green, blue = (table[channel.int()] for table, channel in zip(tables, clip.unbind(1), strict=True))
    luma: Tensor = ((red + green + blue) * 255).round().to(torch.uint8).unsqueeze(1)
    return luma


@cache
def _luma_tables(device: torch.device) -> Tensor:
    """float32 (3, 256): what each level of red, green and blue adds to the luma; made on the processor, since a GPU divides by a
    constant as it multiplies by its rounded inverse."""
    levels = torch.arange(256, dtype=torch.float32) / 255
    return torch.stack([levels * 0.299, levels * 0.587, levels * 0.114]).to(device)
