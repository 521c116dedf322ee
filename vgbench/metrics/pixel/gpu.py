"""Exact sums of pixel errors as Triton kernels: one pass over the bytes of both sides.

Differences of 8-bit levels, their squares and the sums over a slice of a frame are 32-bit integers; slices are added in 64 bits. So the
sums equal those of every other form to the last bit.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 4096
"""Values that a program looks at together."""
_SLICE = 8 * _BLOCK
"""Values of a frame, at most, for one program; 255² times as many stay below 2³¹."""


def error_sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 (B, T, C, H, W) twice → Σ (x − y)² and Σ |x − y| of each frame, each (B, T) int64."""
    x, y = _whole_frames(x), _whole_frames(y)
    slices = triton.cdiv(x.shape[2:].numel(), _SLICE)
    sums = torch.empty((2, *x.shape[:2], slices), dtype=torch.int64, device=x.device)
    _error_sums[_grid(x, slices)](
        x, y, sums[0], sums[1], x.shape[1], *x.stride()[:2], *y.stride()[:2], x.shape[2:].numel(), SLICE=_SLICE, BLOCK=_BLOCK
    )
    squared, absolute = sums.sum(-1)
    return squared, absolute


def channel_products(x: Tensor, y: Tensor) -> Tensor:
    """uint8 (B, T, 3, H, W) twice → Σ dᵢ·dⱼ of each frame, d = x − y, for rr, gg, bb, rg, rb, gb: (B, T, 6) int64."""
    x, y = _whole_frames(x), _whole_frames(y)
    pixels = x.shape[3:].numel()
    slices = triton.cdiv(pixels, _SLICE)
    sums = torch.empty((*x.shape[:2], slices, 6), dtype=torch.int64, device=x.device)
    _channel_products[_grid(x, slices)](x, y, sums, x.shape[1], *x.stride()[:2], *y.stride()[:2], pixels, SLICE=_SLICE, BLOCK=_BLOCK // 4)
    return sums.sum(2)


def wrapped_square_sums(x: Tensor, y: Tensor, levels: Tensor) -> Tensor:
    """uint8 (B, T, C, H, W) twice → Σ ((l(x) − l(y)) mod 256)² mod 256 of each frame, (B, T) int64.

    levels: l, uint8 (256,): what each level becomes first.
    """
    x, y = _whole_frames(x), _whole_frames(y)
    slices = triton.cdiv(x.shape[2:].numel(), _SLICE)
    sums = torch.empty((*x.shape[:2], slices), dtype=torch.int64, device=x.device)
    _wrapped_sums[_grid(x, slices)](
        x, y, levels, sums, x.shape[1], *x.stride()[:2], *y.stride()[:2], x.shape[2:].numel(), SLICE=_SLICE, BLOCK=_BLOCK
    )
    return sums.sum(-1)


def _whole_frames(clips: Tensor) -> Tensor:
    """The clips with each frame's values side by side; frames and clips may lie apart, as in a view of some of them."""
    return clips if clips[0, 0].is_contiguous() else clips.contiguous()


def _grid(clips: Tensor, slices: int) -> tuple[int, int]:
    return clips.shape[0] * clips.shape[1], slices


@triton.jit
def _frame(base, frames, clip_stride, frame_stride):
    """Where the program's frame begins."""
    number = tl.program_id(0).to(tl.int64)
    return base + (number // frames) * clip_stride + (number % frames) * frame_stride


@triton.jit
def _error_sums(x, y, squared, absolute, frames, x_clip, x_frame, y_clip, y_frame, values, SLICE: tl.constexpr, BLOCK: tl.constexpr):
    x, y = _frame(x, frames, x_clip, x_frame), _frame(y, frames, y_clip, y_frame)
    squares = tl.zeros([BLOCK], dtype=tl.int32)
    distances = tl.zeros([BLOCK], dtype=tl.int32)
    start = tl.program_id(1) * SLICE
    for step in range(0, SLICE, BLOCK):
        places = start + step + tl.arange(0, BLOCK)
        inside = places < values
        difference = tl.load(x + places, mask=inside, other=0).to(tl.int32) - tl.load(y + places, mask=inside, other=0).to(tl.int32)
        squares += difference * difference
        distances += tl.abs(difference)
    place = tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)
    tl.store(squared + place, tl.sum(squares.to(tl.int64)))
    tl.store(absolute + place, tl.sum(distances.to(tl.int64)))


@triton.jit
def _channel_products(x, y, sums, frames, x_clip, x_frame, y_clip, y_frame, pixels, SLICE: tl.constexpr, BLOCK: tl.constexpr):
    x, y = _frame(x, frames, x_clip, x_frame), _frame(y, frames, y_clip, y_frame)
    rr = tl.zeros([BLOCK], dtype=tl.int32)
    gg = tl.zeros([BLOCK], dtype=tl.int32)
    bb = tl.zeros([BLOCK], dtype=tl.int32)
    rg = tl.zeros([BLOCK], dtype=tl.int32)
    rb = tl.zeros([BLOCK], dtype=tl.int32)
    gb = tl.zeros([BLOCK], dtype=tl.int32)
    start = tl.program_id(1) * SLICE
    for step in range(0, SLICE, BLOCK):
        places = start + step + tl.arange(0, BLOCK)
        inside = places < pixels
        red = _difference(x, y, places, inside)
        green = _difference(x + pixels, y + pixels, places, inside)
        blue = _difference(x + 2 * pixels, y + 2 * pixels, places, inside)
        rr += red * red
        gg += green * green
        bb += blue * blue
        rg += red * green
        rb += red * blue
        gb += green * blue
    place = sums + (tl.program_id(0) * tl.num_programs(1) + tl.program_id(1)) * 6
    tl.store(place, tl.sum(rr.to(tl.int64)))
    tl.store(place + 1, tl.sum(gg.to(tl.int64)))
    tl.store(place + 2, tl.sum(bb.to(tl.int64)))
    tl.store(place + 3, tl.sum(rg.to(tl.int64)))
    tl.store(place + 4, tl.sum(rb.to(tl.int64)))
    tl.store(place + 5, tl.sum(gb.to(tl.int64)))


@triton.jit
def _difference(x, y, places, inside):
    return tl.load(x + places, mask=inside, other=0).to(tl.int32) - tl.load(y + places, mask=inside, other=0).to(tl.int32)


@triton.jit
def _wrapped_sums(x, y, levels, sums, frames, x_clip, x_frame, y_clip, y_frame, values, SLICE: tl.constexpr, BLOCK: tl.constexpr):
    x, y = _frame(x, frames, x_clip, x_frame), _frame(y, frames, y_clip, y_frame)
    total = tl.zeros([BLOCK], dtype=tl.int32)
    start = tl.program_id(1) * SLICE
    for step in range(0, SLICE, BLOCK):
        places = start + step + tl.arange(0, BLOCK)
        inside = places < values
        one = tl.load(levels + tl.load(x + places, mask=inside, other=0).to(tl.int32)).to(tl.int32)
        other = tl.load(levels + tl.load(y + places, mask=inside, other=0).to(tl.int32)).to(tl.int32)
        difference = (one - other) & 255
        total += (difference * difference) & 255
    tl.store(sums + tl.program_id(0) * tl.num_programs(1) + tl.program_id(1), tl.sum(total.to(tl.int64)))
