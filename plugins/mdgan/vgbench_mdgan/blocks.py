"""Videos read in blocks of 2×2 pixels, whose pixels become channels; and back.

A border of one pixel belongs to it, so that block (i, j) holds the pixels of rows 2·i − 1 and 2·i, columns 2·j − 1 and 2·j. Both ways
are linear, each the other's gradient, any number of times.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor


def to_blocks(video: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, C, T, H, W) of even height and width → (B, 4·`in_block(C)`, T, H/2 + 1, W/2 + 1), channels last; what is missing is 0."""
    blocks: Tensor = _ToBlocks.apply(video, dtype)  # type: ignore[no-untyped-call]
    return blocks


def from_blocks(blocks: Tensor, channels: int) -> Tensor:
    """(B, 4·`in_block(C)`, T, h + 1, w + 1) → (B, C, T, 2·h, 2·w), channels last, without the border."""
    video: Tensor = _FromBlocks.apply(blocks, channels, blocks.dtype)  # type: ignore[no-untyped-call]
    return video


def in_block(channels: int) -> int:
    """How many channels a block has for each of its four pixels: a GPU's matrix units take channels by eights."""
    return channels + channels % 2


class _ToBlocks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, video: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.channels, ctx.dtype = video.shape[1], video.dtype
        batch, channels, frames, height, width = video.shape
        shape = (batch, frames, height // 2 + 1, width // 2 + 1, 2, 2, in_block(channels))
        frames_of = video.permute(0, 2, 3, 4, 1)
        blocks = _by_kernel(video, lambda gpu: gpu.to_blocks(frames_of, video.new_empty(shape, dtype=dtype)))
        if blocks is None:
            blocks = video.new_zeros(shape, dtype=dtype)
            for of_blocks, of_video in _places(blocks, frames_of):
                of_blocks.copy_(of_video)
        return blocks.flatten(4).permute(0, 4, 1, 2, 3)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _FromBlocks.apply(gradient, ctx.channels, ctx.dtype), None  # type: ignore[no-untyped-call]


class _FromBlocks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, blocks: Tensor, channels: int, dtype: torch.dtype) -> Tensor:
        ctx.dtype = blocks.dtype
        batch, _, frames, rows, columns = blocks.shape
        pixels = blocks.permute(0, 2, 3, 4, 1).unflatten(4, (2, 2, in_block(channels)))
        video = blocks.new_empty(batch, frames, 2 * rows - 2, 2 * columns - 2, channels, dtype=dtype)
        if _by_kernel(video, lambda gpu: gpu.from_blocks(pixels, video)) is None:
            for of_blocks, of_video in _places(pixels, video):
                of_video.copy_(of_blocks)
        return video.permute(0, 4, 1, 2, 3)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _ToBlocks.apply(gradient, ctx.dtype), None, None  # type: ignore[no-untyped-call]


def _places(blocks: Tensor, video: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """What is the same in blocks (B, T, h + 1, w + 1, 2, 2, ≥ C) and in the video (B, T, 2·h, 2·w, C)."""
    rows, columns = blocks.shape[2] - 1, blocks.shape[3] - 1
    for y in (0, 1):
        for x in (0, 1):
            inside = blocks[:, :, 1 - y : rows + 1 - y, 1 - x : columns + 1 - x, y, x, : video.shape[4]]
            yield inside, video[:, :, 1 - y :: 2, 1 - x :: 2]


_failures: list[Exception] = []


def _by_kernel(tensor: Tensor, move: Callable[[ModuleType], Tensor]) -> Tensor | None:
    """What `move` gives with the GPU's kernels; None for a tensor elsewhere, without Triton, and where they fail, which is said once."""
    kernels = _kernels() if tensor.is_cuda and not _failures else None
    if kernels is None:
        return None
    try:
        return move(kernels)
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:
        _failures.append(error)
        warnings.warn(f"mdgan's GPU kernels failed ({type(error).__name__}: {error}); slower tensor operations take over.", stacklevel=2)
        return None


@cache
def _kernels() -> ModuleType | None:
    if find_spec("triton") is None:
        warnings.warn("Triton is not installed; mdgan's outermost convolutions take slower tensor operations.", stacklevel=2)
        return None
    return import_module("vgbench_mdgan.blocks_gpu")
