"""Exact sums of errors per frame: the one pass over the pixels that MSE, MAE, RMSE and the orders of PSNR share.

8-bit differences are integers. Their squares, at most 255², are added in float32 in groups of 256, which stays under 2²⁴ and is
therefore exact, and the groups are added in float64, exact as well: the sums do not depend on the order, the batch, the number
of threads or the device; nor on whether numba is there to compile them as a loop over bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from vgbench.metrics.backends import loops_of, on_gpu
from vgbench.metrics.pairs import check_pair, last_pair

_GROUP = 256
"""255² · 256 < 2²⁴: the most squares whose sum float32 holds exactly."""
_TILE_VALUES_CPU = 1 << 17
"""Values at a time, few enough to stay in a core's cache."""
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
    """Exact sums of squared and absolute errors of each frame; computed once for metrics that ask for one pair in a row.

    clips, references: uint8 (B, T, C, H, W).  metric: the name that an error message begins with.
    """
    check_pair(clips, references, metric=metric)
    return last_pair.recall(clips, references, "error_sums", lambda: _error_sums(clips, references))


def _error_sums(clips: Tensor, references: Tensor) -> ErrorSums:
    values = clips.shape[2:].numel()
    sums: tuple[Tensor, Tensor] | None = on_gpu("pixel", clips.device, lambda gpu: gpu.error_sums(clips, references))
    if sums is not None:
        return ErrorSums(sums[0], sums[1], values)
    loops = loops_of("pixel", clips.device)
    if loops is not None:
        sums = loops.error_sums(clips.flatten(0, 1).flatten(1), references.flatten(0, 1).flatten(1))
        return ErrorSums(sums[0].view(clips.shape[:2]), sums[1].view(clips.shape[:2]), values)
    squared, absolute = [], []
    for x, y in _tiles(clips, references):
        difference = x.float().sub_(y).flatten(1)
        squared.append(exact_sums(difference.square()))
        absolute.append(exact_sums(difference.abs_()))
    batch, frames = clips.shape[:2]
    return ErrorSums(_join(squared, batch, frames), _join(absolute, batch, frames), values)


def channel_products(clips: Tensor, references: Tensor) -> Tensor:
    """Exact sums Σ dᵢ·dⱼ over the pixels of each frame, d = x − y, for the channel pairs rr, gg, bb, rg, rb, gb.

    clips, references: uint8 (B, T, C, H, W); grey counts as three equal channels.  Returns (B, T, 6) int64.
    """
    if clips.shape[2] == 1:
        return error_sums(clips, references).squared.unsqueeze(-1).expand(-1, -1, 6)
    products: Tensor | None = on_gpu("pixel", clips.device, lambda gpu: gpu.channel_products(clips, references))
    if products is not None:
        return products
    sums = []
    for x, y in _tiles(clips, references):
        difference = x.float().sub_(y).flatten(2)
        red, green, blue = difference.unbind(1)
        pairs = ((red, red), (green, green), (blue, blue), (red, green), (red, blue), (green, blue))
        sums.append(torch.stack([exact_sums(one * other) for one, other in pairs], dim=-1))
    return _join(sums, *clips.shape[:2])


def wrapped_square_sums(clips: Tensor, references: Tensor) -> Tensor:
    """Sums of squared errors of each frame as uint8 arithmetic gives them: difference and square both modulo 256.

    The levels first lose what `uint8(float32(v / 255) · 255)` loses.  clips, references: uint8 (B, T, C, H, W).
    Returns (B, T) int64.
    """
    # On the processor, whatever the clips' device: a GPU divides by a constant as it multiplies by its inverse, rounded.
    truncated = (torch.arange(256, dtype=torch.float32) / 255 * 255).to(torch.uint8).to(clips.device)
    wrapped: Tensor | None = on_gpu("pixel", clips.device, lambda gpu: gpu.wrapped_square_sums(clips, references, truncated))
    if wrapped is not None:
        return wrapped
    sums = []
    for x, y in _tiles(clips, references):
        difference = truncated[x.int()] - truncated[y.int()]
        sums.append(exact_sums((difference * difference).flatten(1).float()))
    return _join(sums, *clips.shape[:2])


def exact_sums(values: Tensor) -> Tensor:
    """(N, n) float32 integers of magnitude at most 255² → their exact sums, (N,) int64."""
    grouped = values.shape[1] // _GROUP * _GROUP
    whole = values[:, :grouped].reshape(len(values), -1, _GROUP).sum(-1) if grouped else values.new_zeros(len(values), 1)
    return (whole.double().sum(-1) + values[:, grouped:].sum(-1).double()).to(torch.int64)


def _tiles(clips: Tensor, references: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The frames of both, (n, C, H, W) at a time."""
    at_once = _TILE_VALUES_CPU if clips.device.type == "cpu" else _TILE_VALUES_ELSEWHERE
    frames = max(1, at_once // clips.shape[2:].numel())
    return zip(torch.split(clips.flatten(0, 1), frames), torch.split(references.flatten(0, 1), frames), strict=True)


def _join(sums: list[Tensor], batch: int, frames: int) -> Tensor:
    joined = torch.cat(sums)
    return joined.view(batch, frames, *joined.shape[1:])
