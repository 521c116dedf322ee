"""Exact sums of errors per frame: the one pass over the pixels that MSE, MAE, RMSE and every order of PSNR share.

8-bit differences are integers. Their squares, at most 255², are added in float32 in groups of 256, which stays under 2²⁴ and is
therefore exact, and the groups are added in float64, exact as well: the sums do not depend on the order, the batch, the number
of threads or the device.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vgbench.metrics.pairs import check_pair, last_pair

_GROUP = 256
_TILE_VALUES = {"cpu": 1 << 17}
"""Values at a time: few enough to stay in a core's cache; on other devices as many as memory comfortably holds."""
_TILE_VALUES_ELSEWHERE = 1 << 26


class ErrorSums(NamedTuple):
    """Sums over the channels and pixels of each frame, in 8-bit levels."""

    squared: Tensor
    """(B, T) int64: Σ (x − y)²."""
    absolute: Tensor
    """(B, T) int64: Σ |x − y|."""
    values: int
    """How many values a frame has: C·H·W."""


def error_sums(clips: Tensor, references: Tensor, *, metric: str = "error_sums") -> ErrorSums:
    """Exact sums of squared and absolute errors of each frame; computed once for metrics that ask for the same pair in a row.

    clips, references: uint8 (B, T, C, H, W).
    """
    check_pair(clips, references, metric=metric)
    return last_pair.recall(clips, references, "error_sums", lambda: _error_sums(clips, references))


def _error_sums(clips: Tensor, references: Tensor) -> ErrorSums:
    squared, absolute = [], []
    for x, y in frame_tiles(clips, references):
        difference = x.sub_(y).flatten(1)
        squared.append(exact_sums(difference.square()))
        absolute.append(exact_sums(difference.abs_()))
    batch_and_time = clips.shape[:2]
    return ErrorSums(_joined(squared, batch_and_time, clips), _joined(absolute, batch_and_time, clips), clips[0:1, 0].numel() or _values(clips))


def channel_products(clips: Tensor, references: Tensor) -> Tensor:
    """(B, T, 6) int64: for each frame Σ dᵢ·dⱼ over the pixels, d = x − y, for the channel pairs rr, gg, bb, rg, rb, gb.

    clips, references: uint8 (B, T, C, H, W); grey counts as three equal channels.
    """
    tiles = []
    for x, y in frame_tiles(clips, references):
        red, green, blue = x.sub_(y).expand(-1, 3, -1, -1).flatten(2).unbind(1)
        pairs = ((red, red), (green, green), (blue, blue), (red, green), (red, blue), (green, blue))
        tiles.append(torch.stack([exact_sums(a * b) for a, b in pairs], dim=-1))
    return _joined(tiles, (*clips.shape[:2], 6), clips)


def frame_tiles(clips: Tensor, references: Tensor) -> list[tuple[Tensor, Tensor]]:
    raise NotImplementedError
