"""Mean structural similarity as a Triton kernel: one pass over both sides, nothing in between goes through memory.

A lane of the GPU walks down one column of outputs. For each row it filters along the row: the pixels at equal distance from the
column share a weight, so that their sums of x, y, x² + y² and x·y are formed in 32-bit integers, exactly, and only then weighted in
float64. Down the column it keeps the ten unfinished outputs of each of the four maps in registers. With u = x + y and v = x − y,
2·(x² + y²) = u² + v² and 4·x·y = u² − v², so that the quotient is that of `vgbench.metrics.similarity.similarity`.
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
_MAGIC = 2.0**52
"""The float64 whose last 32 bits an integer takes to become _MAGIC + integer: a conversion for one subtraction, where the hardware's own
takes four times as long."""


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
    """What the kernel is told in float64: six weights from the outermost in, _MAGIC, 2·C₁ and 2·C₂."""
    half = window.size // 2
    weights = [0.0] * (_REACH - half) + list(window.taps[: half + 1])
    values = [*weights, _MAGIC, 2 * stability.luminance, 2 * stability.contrast]
    return torch.tensor(values, dtype=torch.float64).to(device)


@triton.jit
def _exact(number, magic):
    """A uint32 as float64."""
    return (number.to(tl.uint64) | 0x4330000000000000).to(tl.float64, bitcast=True) - magic


@triton.jit
def _pixel(place):
    return tl.load(place).to(tl.uint32)


@triton.jit
def _products(xl, yl, xr, yr, magic, IS_WIDE: tl.constexpr):
    """x² + y² and x·y, added up over two pixels."""
    if IS_WIDE:  # they need more than 32 bits
        xl, yl, xr, yr = _exact(xl, magic), _exact(yl, magic), _exact(xr, magic), _exact(yr, magic)
        squares, products = xl * xl + xr * xr + (yl * yl + yr * yr), xl * yl + xr * yr
    else:
        squares, products = _exact(xl * xl + xr * xr + (yl * yl + yr * yr), magic), _exact(xl * yl + xr * yr, magic)
    return squares, products


@triton.jit
def _both_sides(sums, x, y, AWAY: tl.constexpr, weight, magic, IS_WIDE: tl.constexpr):
    """The sums of x, y, x² + y² and x·y along a row, with the two pixels so far from the centre."""
    xl, yl, xr, yr = _pixel(x - AWAY), _pixel(y - AWAY), _pixel(x + AWAY), _pixel(y + AWAY)
    squares, products = _products(xl, yl, xr, yr, magic, IS_WIDE)
    sum_x, sum_y, sum_squares, sum_products = sums
    sum_x, sum_y = sum_x + weight * _exact(xl + xr, magic), sum_y + weight * _exact(yl + yr, magic)
    return sum_x, sum_y, sum_squares + weight * squares, sum_products + weight * products


@triton.jit
def _along(x, y, w0, w1, w2, w3, w4, w5, magic, HALF: tl.constexpr, IS_WIDE: tl.constexpr):
    """x, y, x² + y² and x·y filtered along a row; weights beyond HALF are zeros, and so left out."""
    a, b = _pixel(x), _pixel(y)
    squares, products = _products(a, b, a * 0, b * 0, magic, IS_WIDE)
    sums = w5 * _exact(a, magic), w5 * _exact(b, magic), w5 * squares, w5 * products
    if HALF >= 1:
        sums = _both_sides(sums, x, y, 1, w4, magic, IS_WIDE)
    if HALF >= 2:
        sums = _both_sides(sums, x, y, 2, w3, magic, IS_WIDE)
    if HALF >= 3:
        sums = _both_sides(sums, x, y, 3, w2, magic, IS_WIDE)
    if HALF >= 4:
        sums = _both_sides(sums, x, y, 4, w1, magic, IS_WIDE)
    if HALF >= 5:
        sums = _both_sides(sums, x, y, 5, w0, magic, IS_WIDE)
    return sums


@triton.jit
def _quotient(x, y, squares, products, c1, c2, HAS_LUMINANCE: tl.constexpr, CLAMPS: tl.constexpr):
    """Equation 13 of Wang et al. in the means of x, y, x² + y² and x·y, both sides of the fraction doubled; c1 and c2 are 2·C₁ and 2·C₂."""
    u, v = x + y, x - y
    uu, vv = u * u, v * v
    mixed, mean = uu - vv, uu + vv
    contrast, spread = 4 * products - mixed + c2, 2 * squares - mean + c2
    if CLAMPS:
        contrast = tl.maximum(contrast, 0.0)
    if HAS_LUMINANCE:
        contrast, spread = (mixed + c1) * contrast, (mean + c1) * spread
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
    x, y = x + centre, y + centre
    first = part * ROWS
    last = tl.minimum(first + ROWS, rows)
    zero = tl.zeros([LANES], dtype=tl.float64)
    total = zero
    # The outputs that are under way, of x, y, x² + y² (s) and x·y (p): number 0 lacks one row more, number 9 has had its first.
    x0, x1, x2, x3, x4, x5, x6, x7, x8, x9 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    y0, y1, y2, y3, y4, y5, y6, y7, y8, y9 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    for output in range(first - 10, last):
        # Rows beyond the plane are only met under weights of zero, or for outputs that do not count: any row will do.
        place = tl.minimum(tl.maximum(output + HALF + 5, 0), height - 1) * width
        a, b, s, p = _along(x + place, y + place, w0, w1, w2, w3, w4, w5, magic, HALF, IS_WIDE)
        value = _quotient(x0 + w0 * a, y0 + w0 * b, s0 + w0 * s, p0 + w0 * p, c1, c2, HAS_LUMINANCE, CLAMPS)
        x0, x1, x2, x3, x4 = x1 + w1 * a, x2 + w2 * a, x3 + w3 * a, x4 + w4 * a, x5 + w5 * a
        x5, x6, x7, x8, x9 = x6 + w4 * a, x7 + w3 * a, x8 + w2 * a, x9 + w1 * a, w0 * a
        y0, y1, y2, y3, y4 = y1 + w1 * b, y2 + w2 * b, y3 + w3 * b, y4 + w4 * b, y5 + w5 * b
        y5, y6, y7, y8, y9 = y6 + w4 * b, y7 + w3 * b, y8 + w2 * b, y9 + w1 * b, w0 * b
        s0, s1, s2, s3, s4 = s1 + w1 * s, s2 + w2 * s, s3 + w3 * s, s4 + w4 * s, s5 + w5 * s
        s5, s6, s7, s8, s9 = s6 + w4 * s, s7 + w3 * s, s8 + w2 * s, s9 + w1 * s, w0 * s
        p0, p1, p2, p3, p4 = p1 + w1 * p, p2 + w2 * p, p3 + w3 * p, p4 + w4 * p, p5 + w5 * p
        p5, p6, p7, p8, p9 = p6 + w4 * p, p7 + w3 * p, p8 + w2 * p, p9 + w1 * p, w0 * p
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
