"""Videos in blocks of 2×2 pixels, and back, in one pass each: Triton kernels."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

_LANES = 1024


def to_blocks(video: Tensor, blocks: Tensor) -> Tensor:
    """Fill blocks (B, T, h + 1, w + 1, 2, 2, c), contiguous, from a video (B, T, 2·h, 2·w, C), with zeros around and beyond C."""
    batch, frames, height, width, channels = video.shape
    numbers = blocks[0, 0].numel()
    _to_blocks[batch * frames, triton.cdiv(numbers, _LANES)](
        video, *video.stride(), blocks, numbers, frames, height, width, channels, blocks.shape[3], IN_BLOCK=blocks.shape[6], LANES=_LANES
    )
    return blocks


def from_blocks(blocks: Tensor, video: Tensor) -> Tensor:
    """Fill a video (B, T, 2·h, 2·w, C), contiguous, from blocks (B, T, h + 1, w + 1, 2, 2, ≥ C)."""
    batch, frames, _, width, channels = video.shape
    numbers = video[0, 0].numel()
    _from_blocks[batch * frames, triton.cdiv(numbers, _LANES)](
        blocks, *blocks.stride(), video, numbers, frames, width, channels, LANES=_LANES
    )
    return video


@triton.jit
def _to_blocks(
    video,
    at_clip,
    at_frame,
    at_row,
    at_column,
    at_channel,
    blocks,
    numbers,
    frames,
    height,
    width,
    channels,
    columns,
    IN_BLOCK: tl.constexpr,
    LANES: tl.constexpr,
):
    frame = tl.program_id(0)
    place = tl.program_id(1) * LANES + tl.arange(0, LANES)
    channel, pixel, block = place % IN_BLOCK, place // IN_BLOCK % 4, place // (4 * IN_BLOCK)
    row, column = 2 * (block // columns) + pixel // 2 - 1, 2 * (block % columns) + pixel % 2 - 1
    inside = (place < numbers) & (channel < channels) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    video += (frame // frames).to(tl.int64) * at_clip + (frame % frames).to(tl.int64) * at_frame
    value = tl.load(video + row * at_row + column * at_column + channel * at_channel, mask=inside, other=0)
    tl.store(blocks + frame.to(tl.int64) * numbers + place, value.to(blocks.dtype.element_ty), mask=place < numbers)


@triton.jit
def _from_blocks(
    blocks,
    at_clip,
    at_frame,
    at_row,
    at_column,
    at_dy,
    at_dx,
    at_channel,
    video,
    numbers,
    frames,
    width,
    channels,
    LANES: tl.constexpr,
):
    frame = tl.program_id(0)
    place = tl.program_id(1) * LANES + tl.arange(0, LANES)
    channel, pixel = place % channels, place // channels
    row, column = pixel // width + 1, pixel % width + 1  # with the border's
    blocks += (frame // frames).to(tl.int64) * at_clip + (frame % frames).to(tl.int64) * at_frame
    offset = row // 2 * at_row + column // 2 * at_column + row % 2 * at_dy + column % 2 * at_dx + channel * at_channel
    inside = place < numbers
    value = tl.load(blocks + offset, mask=inside, other=0)
    tl.store(video + frame.to(tl.int64) * numbers + place, value.to(video.dtype.element_ty), mask=inside)
