"""Mean structural similarity as a Triton kernel: one pass over both sides, nothing in between goes through memory.

A lane of the GPU walks down one column of outputs. For each row it filters along the row: the pixels at equal distance from the
column share a weight, so that their sums, u = x + y and v = x − y and the squares of both, are formed in 32-bit integers, exactly, and
only then weighted in float64. Down the column it keeps the ten unfinished outputs of each of the four maps in registers. The
arithmetic is that of `vgbench.metrics.similarity.similarity`, in float64 up to the quotient.
"""

from __future__ import annotations

from functools import cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from vgbench.metrics.similarity.windows import Stability, Term, Window

_REACH = 5
"""Pixels to either side of a window's centre that the kernel looks at: smaller windows have weights of zero there."""
_LANES = 128
_ROWS = 128
"""Rows of outputs for one program; fixed, so that the order of adding does not depend on how many planes there are."""
_MAGIC = 2.0**52 + 2.0**31
"""The float64 whose last 32 bits an integer takes, with its sign bit turned over, to become _MAGIC + integer: a conversion for one
subtraction, where the hardware's own takes four times as long."""


def takes(x: Tensor, window: Window) -> bool:
    """Whether the kernel can do it: 8-bit levels, or int32 sums of such, under a symmetric window that it reaches."""
    is_symmetric = all(abs(one - other) < 1e-15 for one, other in zip(window.taps, reversed(window.taps), strict=True))
    return x.dtype in (torch.uint8, torch.int32) and window.size % 2 == 1 and window.size // 2 <= _REACH and is_symmetric


def mean_similarity(x: Tensor, y: Tensor, window: Window, stability: Stability, term: Term) -> Tensor:
    """(N, P, H, W) twice → (N, P), as `vgbench.metrics.similarity.similarity.mean_similarity` says; uint8, or int32 below 2¹⁶."""
    x, y = x.contiguous(), y.contiguous()
    height, width = x.shape[2:]
    rows, columns = height - window.size + 1, width - window.size + 1
    strips, parts = triton.cdiv(columns, _LANES), triton.cdiv(rows, _ROWS)
    planes = x.shape[0] * x.shape[1]
    sums = torch.empty((planes, parts, strips), dtype=torch.float64, device=x.device)
    _similarity_sums[planes, parts, strips](
        x,
        y,
        _constants(window, stability, x.device),
        sums,
        height,
        width,
        rows,
        columns,
        HALF=window.size // 2,
        ROWS=_ROWS,
        LANES=_LANES,
        IS_WIDE=x.dtype != torch.uint8,
        HAS_LUMINANCE=term.has_luminance,
        CLAMPS=term.clamp_contrast,
        num_warps=_LANES // 32,
    )
    return sums.flatten(1).sum(1).view(x.shape[:2]) / (rows * columns)


def sums_of_four(planes: Tensor) -> Tensor:
    """(N, C, H, W), uint8 or int32 → int32 sums of 2×2 pixels; an odd side gets a border of zeros at both ends."""
    planes = planes.contiguous()
    height, width = planes.shape[2:]
    border_y, border_x = height % 2, width % 2
    rows, columns = (height + 2 * border_y) // 2, (width + 2 * border_x) // 2
    sums = torch.empty((*planes.shape[:2], rows, columns), dtype=torch.int32, device=planes.device)
    block = min(1024, triton.next_power_of_2(columns))
    _sums_of_four[planes.shape[0] * planes.shape[1], rows, triton.cdiv(columns, block)](
        planes, sums, height, width, border_y, border_x, columns, BLOCK=block
    )
    return sums


def luma(clip: Tensor, tables: Tensor) -> Tensor:
    """uint8 (T, 3, H, W) → (T, 1, H, W) uint8: what the tables, float32 (3, 256), give red, green and blue, added, times 255, rounded."""
    clip = clip.contiguous()
    pixels = clip.shape[2:].numel()
    levels = torch.empty((len(clip), 1, *clip.shape[2:]), dtype=torch.uint8, device=clip.device)
    # Without fusing: the product by 255 is rounded before anything is added to it.
    _luma[len(clip), triton.cdiv(pixels, 1024)](clip, tables, levels, pixels, BLOCK=1024, enable_fp_fusion=False)
    return levels


@cache
def _constants(window: Window, stability: Stability, device: torch.device) -> Tensor:
    """What the kernel is told in float64: six weights from the outermost in, the magic number, 2·C₁ and 2·C₂."""
    half = window.size // 2
    weights = [0.0] * (_REACH - half) + list(window.taps[: half + 1])
    values = [*weights, _MAGIC, 2 * stability.luminance, 2 * stability.contrast]
    return torch.tensor(values, dtype=torch.float64).to(device)


@triton.jit
def _exact(number, magic):
    """An int32 as float64."""
    bits = (number.to(tl.uint32, bitcast=True) ^ 0x80000000).to(tl.uint64) | 0x4330000000000000
    return bits.to(tl.float64, bitcast=True) - magic


@triton.jit
def _pixel(row, column):
    return tl.load(row + column).to(tl.int32)


@triton.jit
def _both_sides(x_row, y_row, left, right, magic, IS_WIDE: tl.constexpr):
    """Sums of u, v, u² and v² over two pixels of a row."""
    xl, yl = _pixel(x_row, left), _pixel(y_row, left)
    xr, yr = _pixel(x_row, right), _pixel(y_row, right)
    ul, vl, ur, vr = xl + yl, xl - yl, xr + yr, xr - yr
    u, v = _exact(ul + ur, magic), _exact(vl + vr, magic)
    if IS_WIDE:  # their squares need more than 32 bits
        dul, dvl, dur, dvr = _exact(ul, magic), _exact(vl, magic), _exact(ur, magic), _exact(vr, magic)
        uu, vv = dul * dul + dur * dur, dvl * dvl + dvr * dvr
    else:
        uu, vv = _exact(ul * ul + ur * ur, magic), _exact(vl * vl + vr * vr, magic)
    return u, v, uu, vv


@triton.jit
def _along(x_row, y_row, centre, w0, w1, w2, w3, w4, w5, magic, HALF: tl.constexpr, IS_WIDE: tl.constexpr):
    """u, v, u² and v² filtered along a row; weights beyond HALF are zeros, and so left out."""
    x, y = _pixel(x_row, centre), _pixel(y_row, centre)
    a, b = x + y, x - y
    da, db = _exact(a, magic), _exact(b, magic)
    u, v = w5 * da, w5 * db
    if IS_WIDE:
        uu, vv = w5 * (da * da), w5 * (db * db)
    else:
        uu, vv = w5 * _exact(a * a, magic), w5 * _exact(b * b, magic)
    if HALF >= 1:
        a, b, aa, bb = _both_sides(x_row, y_row, centre - 1, centre + 1, magic, IS_WIDE)
        u, v, uu, vv = u + w4 * a, v + w4 * b, uu + w4 * aa, vv + w4 * bb
    if HALF >= 2:
        a, b, aa, bb = _both_sides(x_row, y_row, centre - 2, centre + 2, magic, IS_WIDE)
        u, v, uu, vv = u + w3 * a, v + w3 * b, uu + w3 * aa, vv + w3 * bb
    if HALF >= 3:
        a, b, aa, bb = _both_sides(x_row, y_row, centre - 3, centre + 3, magic, IS_WIDE)
        u, v, uu, vv = u + w2 * a, v + w2 * b, uu + w2 * aa, vv + w2 * bb
    if HALF >= 4:
        a, b, aa, bb = _both_sides(x_row, y_row, centre - 4, centre + 4, magic, IS_WIDE)
        u, v, uu, vv = u + w1 * a, v + w1 * b, uu + w1 * aa, vv + w1 * bb
    if HALF >= 5:
        a, b, aa, bb = _both_sides(x_row, y_row, centre - 5, centre + 5, magic, IS_WIDE)
        u, v, uu, vv = u + w0 * a, v + w0 * b, uu + w0 * aa, vv + w0 * bb
    return u, v, uu, vv


@triton.jit
def _quotient(u, v, uu, vv, c1, c2, HAS_LUMINANCE: tl.constexpr, CLAMPS: tl.constexpr):
    """Equation 13 of Wang et al. in u and v; c1 and c2 are 2·C₁ and 2·C₂."""
    mean_u, mean_v = u * u + c1, v * v
    variance_u, variance_v = uu - u * u + c2, vv - mean_v
    contrast = variance_u - variance_v
    if CLAMPS:
        contrast = tl.maximum(contrast, 0.0)
    spread = variance_u + variance_v
    if HAS_LUMINANCE:
        contrast, spread = (mean_u - mean_v) * contrast, (mean_u + mean_v) * spread
    # In float32, rounded to nearest: off by 6e-8 of the quotient at most, exactly 1 where both are equal, and a tenth of the work.
    return tl.div_rn(contrast.to(tl.float32), spread.to(tl.float32)).to(tl.float64)


@triton.jit
def _similarity_sums(
    x,
    y,
    constants,
    sums,
    height,
    width,
    rows,
    columns,
    HALF: tl.constexpr,
    ROWS: tl.constexpr,
    LANES: tl.constexpr,
    IS_WIDE: tl.constexpr,
    HAS_LUMINANCE: tl.constexpr,
    CLAMPS: tl.constexpr,
):
    plane, part, strip = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    x += plane.to(tl.int64) * height * width
    y += plane.to(tl.int64) * height * width
    w0, w1, w2 = tl.load(constants), tl.load(constants + 1), tl.load(constants + 2)
    w3, w4, w5 = tl.load(constants + 3), tl.load(constants + 4), tl.load(constants + 5)
    magic, c1, c2 = tl.load(constants + 6), tl.load(constants + 7), tl.load(constants + 8)
    column = strip * LANES + tl.arange(0, LANES)
    centre = tl.minimum(column, columns - 1) + HALF
    first = part * ROWS
    last = tl.minimum(first + ROWS, rows)
    zero = tl.zeros([LANES], dtype=tl.float64)
    total = zero
    # The outputs that are under way: number 0 lacks one row more, number 9 has had its first.
    u0, u1, u2, u3, u4, u5, u6, u7, u8, u9 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    v0, v1, v2, v3, v4, v5, v6, v7, v8, v9 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    q0, q1, q2, q3, q4, q5, q6, q7, q8, q9 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    for output in range(first - 10, last):
        # Rows beyond the plane are only met under weights of zero, or for outputs that do not count: any row will do.
        place = tl.minimum(tl.maximum(output + HALF + 5, 0), height - 1) * width
        u, v, uu, vv = _along(x + place, y + place, centre, w0, w1, w2, w3, w4, w5, magic, HALF, IS_WIDE)
        done_u, done_v, done_uu, done_vv = u0 + w0 * u, v0 + w0 * v, p0 + w0 * uu, q0 + w0 * vv
        u0, u1, u2, u3, u4 = u1 + w1 * u, u2 + w2 * u, u3 + w3 * u, u4 + w4 * u, u5 + w5 * u
        u5, u6, u7, u8, u9 = u6 + w4 * u, u7 + w3 * u, u8 + w2 * u, u9 + w1 * u, w0 * u
        v0, v1, v2, v3, v4 = v1 + w1 * v, v2 + w2 * v, v3 + w3 * v, v4 + w4 * v, v5 + w5 * v
        v5, v6, v7, v8, v9 = v6 + w4 * v, v7 + w3 * v, v8 + w2 * v, v9 + w1 * v, w0 * v
        p0, p1, p2, p3, p4 = p1 + w1 * uu, p2 + w2 * uu, p3 + w3 * uu, p4 + w4 * uu, p5 + w5 * uu
        p5, p6, p7, p8, p9 = p6 + w4 * uu, p7 + w3 * uu, p8 + w2 * uu, p9 + w1 * uu, w0 * uu
        q0, q1, q2, q3, q4 = q1 + w1 * vv, q2 + w2 * vv, q3 + w3 * vv, q4 + w4 * vv, q5 + w5 * vv
        q5, q6, q7, q8, q9 = q6 + w4 * vv, q7 + w3 * vv, q8 + w2 * vv, q9 + w1 * vv, w0 * vv
        value = _quotient(done_u, done_v, done_uu, done_vv, c1, c2, HAS_LUMINANCE, CLAMPS)
        total += tl.where((column < columns) & (output >= first), value, zero)
    tl.store(sums + (plane * tl.num_programs(1) + part) * tl.num_programs(2) + strip, tl.sum(total))


@triton.jit
def _sums_of_four(planes, sums, height, width, border_y, border_x, columns, BLOCK: tl.constexpr):
    plane, row = tl.program_id(0).to(tl.int64), tl.program_id(1)
    column = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    planes += plane * height * width
    total = tl.zeros([BLOCK], dtype=tl.int32)
    for dy in tl.static_range(2):
        for dx in tl.static_range(2):
            y, x = 2 * row + dy - border_y, 2 * column + dx - border_x
            mask = (x >= 0) & (x < tl.where((y >= 0) & (y < height), width, 0))
            total += tl.load(planes + y * width + x, mask=mask, other=0).to(tl.int32)
    tl.store(sums + (plane * tl.num_programs(1) + row) * columns + column, total, mask=column < columns)


@triton.jit
def _luma(clips, tables, levels, pixels, BLOCK: tl.constexpr):
    frame = tl.program_id(0).to(tl.int64)
    places = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = places < pixels
    clips += frame * 3 * pixels
    red = tl.load(tables + tl.load(clips + places, mask=inside, other=0).to(tl.int32))
    green = tl.load(tables + 256 + tl.load(clips + pixels + places, mask=inside, other=0).to(tl.int32))
    blue = tl.load(tables + 512 + tl.load(clips + 2 * pixels + places, mask=inside, other=0).to(tl.int32))
    # Adding 1.5 · 2²³ leaves a float32's whole part in its last bits, rounded half to even.
    bits = ((red + green + blue) * 255.0 + 12582912.0).to(tl.int32, bitcast=True)
    tl.store(levels + frame * pixels + places, (bits & 255).to(tl.uint8), mask=inside)
