"""Windows of local statistics, and the separable filter that slides them over many maps at once.

A window that slides over n values gives sums which a banded matrix gives as well. Cut into blocks of some twenty outputs the
matrix is nearly full, and a processor multiplies small full matrices faster than it shifts and adds: one product a block, the
rows of all maps side by side.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

_LONGEST_BLOCK = 24


class Window(NamedTuple):
    """A separable window of local statistics."""

    name: str
    taps: tuple[float, ...]
    """The weights along one axis; they add up to 1."""

    @property
    def size(self) -> int:
        """Its height and width in pixels."""
        return len(self.taps)


def gaussian_window(size: int, sigma: float) -> Window:
    """A Gaussian of standard deviation sigma, cut off at size pixels and normalised."""
    weights = [math.exp(-((i - size // 2) ** 2) / (2 * sigma**2)) for i in range(size)]
    return Window(f"{size}×{size} Gaussian, σ {sigma}", tuple(weight / math.fsum(weights) for weight in weights))


def uniform_window(size: int) -> Window:
    """Equal weights."""
    return Window(f"{size}×{size} uniform", (1 / size,) * size)


def slide_down(maps: Tensor, window: Window, out: Tensor) -> None:
    """Filter the columns of `maps` (rows, n), contiguous, where the window fits, into `out` (rows − size + 1, n)."""
    for start, length in _blocks(len(out)):
        band = _band(window.taps, length, maps.device)
        torch.mm(band, maps[start : start + length + window.size - 1], out=out[start : start + length])


def slide_along(maps: Tensor, window: Window, out: Tensor) -> None:
    """Filter the rows of `maps` (n, columns), contiguous, where the window fits, into `out` (n, columns − size + 1)."""
    for start, length in _blocks(out.shape[1]):
        band = _band(window.taps, length, maps.device)
        torch.mm(maps[:, start : start + length + window.size - 1], band.T, out=out[:, start : start + length])


@cache
def _blocks(length: int) -> tuple[tuple[int, int], ...]:
    """(start, length) of blocks, of nearly equal length, that cover `length` outputs."""
    count = -(-length // _LONGEST_BLOCK)
    step = -(-length // count)
    return tuple((start, min(step, length - start)) for start in range(0, length, step))


@cache
def _band(taps: tuple[float, ...], outputs: int, device: torch.device) -> Tensor:
    """(outputs, outputs + size − 1) float64: row i holds the taps from column i on."""
    band = torch.zeros(outputs, outputs + len(taps) - 1, dtype=torch.float64)
    for row in range(outputs):
        band[row, row : row + len(taps)] = torch.tensor(taps, dtype=torch.float64)
    return band.to(device)


class Stability(NamedTuple):
    """The constants that keep the quotient finite, in levels squared."""

    luminance: float
    """C₁, beside the squared means."""
    contrast: float
    """C₂, beside the variances; divided by n/(n − 1) it stands for sample covariances."""


class Term(NamedTuple):
    """What is averaged."""

    has_luminance: bool = True
    """Whether the luminance term counts; without it the mean is that of the contrast-structure term."""
    clamp_contrast: bool = False
    """Whether the contrast-structure term counts as 0 where it is negative."""
