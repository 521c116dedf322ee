"""Mean structural similarity as one compiled loop over each plane: conversion, both passes of the window, quotient and sum.

A plane is cut into strips of columns; of a strip only as many filtered rows are kept as the window is high. So every value is read
once, and all that lies between the pixels and the mean stays in the nearest cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vgbench.metrics.compiled import array_of, compiled, in_parts
from vgbench.metrics.similarity.windows import Stability, Term, Window

_STRIP = 64
"""Columns of results in a strip: eleven rows of four maps are 22 KiB."""
_LINE = 8
"""Float64 values of a cache line, on which every row begins."""


def mean_similarity(x: Tensor, y: Tensor, window: Window, stability: Stability, term: Term) -> Tensor:
    """(N, P, H, W) twice → (N, P), as `vgbench.metrics.similarity.similarity.mean_similarity` says."""
    pair = _array(x), _array(y)
    out = np.empty(len(pair[0]), dtype=np.float64)
    settings = window.taps, 2 * stability.luminance, 2 * stability.contrast, term.has_luminance, term.clamp_contrast
    in_parts(len(out), lambda first, last: _planes(*pair, *settings, out[first:last], first))
    return torch.from_numpy(out).view(x.shape[:2])


def _array(planes: Tensor) -> np.ndarray[Any, Any]:
    """(N, P, H, W) → (N·P, H, W), contiguous, uint8 or float64: each type is compiled by itself."""
    planes = planes if planes.dtype == torch.uint8 else planes.double()
    return array_of(planes.flatten(0, 1))


@compiled
def _fill(x, y, maps, width):  # type: ignore[no-untyped-def]
    """A row of two planes → u, v, u² and v²."""
    for c in range(width):
        u, v = float(x[c]) + float(y[c]), float(x[c]) - float(y[c])
        maps[0, c], maps[1, c], maps[2, c], maps[3, c] = u, v, u * u, v * v


@compiled
def _slide_along(source, taps, filtered, width):  # type: ignore[no-untyped-def]
    """Filter a row of one map."""
    size, half = len(taps), len(taps) // 2
    for c in range(width):
        value = taps[half] * source[c + half]
        for j in range(half):
            value += taps[j] * (source[c + j] + source[c + size - 1 - j])
        filtered[c] = value


@compiled
def _sum_of_row(filtered, weights, taps, c1, c2, has_luminance, clamp_contrast, width):  # type: ignore[no-untyped-def]
    """Filter `filtered` downwards, each of its rows with its own weight, and add up the quotients."""
    total = 0.0
    for c in range(width):
        u = v = uu = vv = 0.0
        for k in range(len(taps)):
            u += weights[k] * filtered[k, 0, c]
            v += weights[k] * filtered[k, 1, c]
            uu += weights[k] * filtered[k, 2, c]
            vv += weights[k] * filtered[k, 3, c]
        mean_u, mean_v = u * u, v * v
        variance_u, variance_v = uu - mean_u, vv - mean_v
        numerator, denominator = variance_u - variance_v + c2, variance_u + variance_v + c2
        if clamp_contrast:
            numerator = max(numerator, 0.0)
        if has_luminance:
            numerator *= mean_u - mean_v + c1
            denominator *= mean_u + mean_v + c1
        total += numerator / denominator
    return total


@compiled
def _plane(x, y, taps, c1, c2, has_luminance, clamp_contrast):  # type: ignore[no-untyped-def]
    """(H, W) twice → the mean.  taps: an odd number of weights, the same from both ends; c1, c2: 2C₁, 2C₂."""
    size = len(taps)
    height, columns = x.shape[0], x.shape[1] - size + 1
    maps = np.empty((4, -(-(_STRIP + size - 1) // _LINE) * _LINE))
    filtered = np.empty((size, 4, _STRIP))  # row r of the strip lies at r % size
    weights = np.empty((size, size))  # [slot of the last row, slot]
    for last in range(size):
        for j in range(size):
            weights[last, (last + 1 + j) % size] = taps[j]
    total = 0.0
    for left in range(0, columns, _STRIP):
        width = min(_STRIP, columns - left)
        for row in range(height):
            slot = row % size
            _fill(x[row, left:], y[row, left:], maps, width + size - 1)
            for m in range(4):
                _slide_along(maps[m], taps, filtered[slot, m], width)
            if row >= size - 1:
                total += _sum_of_row(filtered, weights[slot], taps, c1, c2, has_luminance, clamp_contrast, width)
    return total / ((height - size + 1) * columns)


@compiled
def _planes(x, y, taps, c1, c2, has_luminance, clamp_contrast, out, first):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        out[i] = _plane(x[first + i], y[first + i], taps, c1, c2, has_luminance, clamp_contrast)
