"""Statistics of natural scenes: locally normalized luma, and the shape of its distribution.

Undistorted pictures, less their local mean and over their local deviation, are distributed much alike, and so are the products of
neighbours (D. L. Ruderman, 1994; A. Mittal, A. K. Moorthy, A. C. Bovik, IEEE TIP 21(12), 2012). NIQE and VIIDEO compare such shapes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from scipy.special import gamma

Floats = NDArray[np.float64]

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows and columns by which a neighbour lies off: beside, below, and on both diagonals."""
_OFFSETS = np.arange(-3, 4)
_WINDOW = np.exp(-(_OFFSETS**2) / (2 * (7 / 6) ** 2))
_WINDOW /= _WINDOW.sum()


class Normalized(NamedTuple):
    """A picture and what was taken from it."""

    values: Floats
    """(H, W): (x − mean) / (deviation + 1)."""
    mean: Floats
    """(H, W): under a Gaussian window of 7×7, σ = 7/6; borders repeat the outermost pixels."""


def normalized(picture: Floats) -> Normalized:
    """A picture (H, W), 0 to 255, by its local mean and deviation."""
    mean = _blurred(picture)
    deviation = np.sqrt(np.abs(_blurred(picture**2) - mean**2))
    return Normalized((picture - mean) / (deviation + 1), mean)


def _blurred(picture: Floats) -> Floats:
    rows = correlate1d(picture, _WINDOW, axis=0, mode="nearest")
    blurred: Floats = correlate1d(rows, _WINDOW, axis=1, mode="nearest")
    return blurred


class Shapes:
    """The shapes that a fit may choose from, as the authors' programs list them."""

    def __init__(self, start: float, stop: float, step: float) -> None:
        self.values: Floats = start + step * np.arange(round((stop - start) / step) + 1, dtype=np.float64)
        self._ratios = gamma(2 / self.values) ** 2 / (gamma(1 / self.values) * gamma(3 / self.values))
        """(E|x|)² / E[x²] of a generalized Gaussian; it rises with the shape."""

    def nearest(self, ratios: Floats) -> Floats:
        """The shape whose ratio is nearest to each; the first one for NaN."""
        above = np.clip(np.searchsorted(self._ratios, ratios), 1, len(self._ratios) - 1)
        is_lower = ratios - self._ratios[above - 1] <= self._ratios[above] - ratios
        chosen: Floats = self.values[np.where(np.isnan(ratios), 0, above - is_lower)]
        return chosen


class Fit(NamedTuple):
    """Asymmetric generalized Gaussians, one for each block (N. E. Lasmar, Y. Stitou, Y. Berthoumieu, ICIP 2009)."""

    shape: Floats
    """(N,): 2 for a Gaussian, 1 for a Laplacian."""
    left: Floats
    """(N,): the scale of the negative values; NaN where there are none."""
    right: Floats
    """(N,): the scale of the positive values; zeros belong to neither side."""


def fitted(blocks: Floats, shapes: Shapes) -> Fit:
    """blocks: (N, …), each block's values."""
    values = blocks.reshape(len(blocks), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        left, right = (_root_mean_square(values, side) for side in (values < 0, values > 0))
        skew = left / right
        ratio = np.abs(values).mean(axis=1) ** 2 / (values**2).mean(axis=1)
        shape = shapes.nearest(ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2)
        scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return Fit(shape, left * scale, right * scale)


def _root_mean_square(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """(N,): of the chosen values of each block; NaN where there are none."""
    mean_square: Floats = (values**2 * chosen).sum(axis=1) / chosen.sum(axis=1)
    return np.sqrt(mean_square)
