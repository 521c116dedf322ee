"""NIQE: how far a picture's statistics are from those of pictures without distortions.

A. Mittal, R. Soundararajan, A. C. Bovik, "Making a 'completely blind' image quality analyzer", IEEE SPL 20(3), 2013, with the model
that the authors fitted to 125 pictures and published with their program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import correlate1d
from scipy.special import gamma
from torch import Tensor

from vgbench.interfaces import PairedMetric
from vgbench.metrics.luma import rounded_luma
from vgbench.metrics.natural.statistics import NEIGHBOURS, Floats, Shapes, fitted, normalized
from vgbench.metrics.pairs import check_size
from vgbench.weights.store import load_weights

WEIGHTS = "niqe"
BLOCK = 96
"""Pixels along a block's side; half of it at the second scale."""
LEAST_SIDE = 2 * BLOCK
_SHAPES = Shapes(0.2, 10, 0.001)
_HALVING = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
"""Bicubic interpolation (a = −1/2), stretched twofold against aliasing, halfway between two pixels."""


class NaturalModel(NamedTuple):
    """The features of undistorted pictures, as a Gaussian."""

    mean: Floats
    """(36,)."""
    covariance: Floats
    """(36, 36)."""


def niqe(picture: Floats, model: NaturalModel) -> float:
    """√((ν − μ)ᵀ ((Σ + S)/2)⁺ (ν − μ)), ν and S the mean and covariance of the features of the picture's blocks.

    picture: (H, W), luma from 0 to 255, at least 192×192; what does not fill a block at the right and the bottom is left out.
    NaN where fewer than two blocks have features, since the others are flat.
    """
    features = block_features(picture)
    whole = features[np.isfinite(features).all(axis=1)]
    if len(whole) < 2:
        return float("nan")
    difference = np.nanmean(np.where(np.isfinite(features), features, np.nan), axis=0) - model.mean
    spread = np.linalg.pinv((model.covariance + np.cov(whole, rowvar=False)) / 2)
    return float(np.sqrt(difference @ spread @ difference))


def block_features(picture: Floats) -> Floats:
    """(blocks, 36): 18 features of each 96×96 block, and the same 18 after halving the picture; NaN in blocks that are flat."""
    height, width = (side // BLOCK * BLOCK for side in picture.shape)
    scaled, scales = picture[:height, :width], []
    for side in (BLOCK, BLOCK // 2):
        scales.append(_features(_blocks(normalized(scaled).values, side)))
        scaled = halved(scaled)
    return np.concatenate(scales, axis=1)


def halved(picture: Floats) -> Floats:
    """(H, W) → (H/2, W/2), even sides: MATLAB's imresize by a half; borders are mirrored."""
    for axis in (0, 1):
        # The eight taps reach from 3 pixels before an even place to 4 after it.
        filtered = correlate1d(picture, _HALVING, axis=axis, mode="reflect", origin=-1)
        picture = filtered[::2] if axis == 0 else filtered[:, ::2]
    return picture


def _blocks(picture: Floats, side: int) -> Floats:
    """(H, W) → (blocks, side, side)."""
    rows, columns = (length // side for length in picture.shape)
    return picture.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)


def _features(blocks: Floats) -> Floats:
    """(blocks, 18): the shape of a block's values and their mean scale; of its products with each neighbour, round the block's
    borders, shape, mean and both scales."""
    own = fitted(blocks, _SHAPES)
    features = [own.shape, (own.left + own.right) / 2]
    for offset in NEIGHBOURS:
        products = fitted(blocks * np.roll(blocks, offset, axis=(1, 2)), _SHAPES)
        mean = (products.right - products.left) * gamma(2 / products.shape) / gamma(1 / products.shape)
        features += [products.shape, mean, products.left, products.right]
    return np.stack(features, axis=1)


class Niqe(PairedMetric):
    """niqe, of each frame's luma."""

    span = 1

    def __init__(self) -> None:
        self._model: NaturalModel | None = None
        self._sha256 = ""

    def prepare(self) -> None:
        weights = load_weights(WEIGHTS)
        mean, covariance = (weights.tensors[name].double().numpy() for name in ("mean", "covariance"))
        self._model, self._sha256 = NaturalModel(mean, covariance), weights.sha256

    def weights(self) -> Mapping[str, str]:
        return {WEIGHTS: self._sha256} if self._sha256 else {}

    def measure(self, clips: Tensor, references: Tensor | None) -> Tensor:
        check_size(clips, LEAST_SIDE, metric=self.metric_id, reason=" for two blocks each way")
        if self._model is None:
            self.prepare()
        assert self._model is not None
        values = [[niqe(frame, self._model) for frame in rounded_luma(clip).astype(np.float64)] for clip in clips]
        return torch.tensor(values, dtype=torch.float64, device=clips.device)
