"""Sums of squared and absolute errors as one compiled loop over bytes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vgbench.metrics.compiled import array_of, compiled, in_parts

_GROUP = 1 << 14
"""255² · 2¹⁴ < 2³¹: the most squares, as a power of two, whose sum 32 bits hold."""


def error_sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """uint8 (N, n) twice → Σ (x − y)² and Σ |x − y|, each (N,) int64."""
    pair = array_of(x), array_of(y)
    squared, absolute = np.empty((2, len(x)), dtype=np.int64)
    in_parts(len(x), lambda first, last: _sums(*(side[first:last] for side in (*pair, squared, absolute))))
    return torch.from_numpy(squared), torch.from_numpy(absolute)


@compiled
def _sums(x, y, squared, absolute):  # type: ignore[no-untyped-def]
    for i in range(len(x)):
        squared[i] = absolute[i] = 0
        for start in range(0, x.shape[1], _GROUP):
            one, other = x[i, start : start + _GROUP], y[i, start : start + _GROUP]
            squares = distances = np.int32(0)
            for j in range(len(one)):
                difference = np.int32(one[j]) - np.int32(other[j])
                squares = np.int32(squares + difference * difference)
                distances = np.int32(distances + abs(difference))
            squared[i] += squares
            absolute[i] += distances
