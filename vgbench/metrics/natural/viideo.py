"""VIIDEO: how regularly the statistics of frame differences change, without a reference and without a model.

A. Mittal, M. A. Saad, A. C. Bovik, "A completely blind video integrity oracle", IEEE TIP 25(1), 2016, as the authors' program computes
it with the settings of its example (blocks of 18 pixels with 8 around).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from vgbench.errors import MetricError
from vgbench.interfaces import PairedMetric
from vgbench.metrics.luma import rounded_luma
from vgbench.metrics.natural.statistics import NEIGHBOURS, Floats, Shapes, fitted, normalized

BLOCK, AROUND = 18, 8
LEAST_FRAMES = 4
_SHAPES = Shapes(0.2, 5, 0.01)
_COARSER = 14
"""The first feature of the coarser scale."""
_OF_PRODUCTS = slice(2, 14)
"""Of a scale's 14 features, those of the products of neighbours."""


def viideo(frames: Floats) -> float:
    """The mean correlation between the changes of features at two scales, plus how much that correlation changes in time.

    frames: (T, H, W), luma from 0 to 255, T ≥ 4; frames are taken in pairs, 0 and 1, 2 and 3, ….  About 0 to 1, lower is better.
    NaN where nothing changes, as in a clip that stands still.
    """
    pairs = [_block_features(first - second) for first, second in zip(frames[::2], frames[1::2], strict=False)]
    n_changes = len(pairs) - 1
    reach = n_changes // 10
    step = max(int(reach / 2 + 0.5), 1)
    changes = [_changes(before, after) for before, after in pairwise(pairs)]
    windows = [np.concatenate(changes[start : min(start + reach, n_changes - 1) + 1]) for start in range(0, n_changes, step)]
    scores = np.array([_correlation(window) for window in windows if len(window)])
    steps = np.abs(np.roll(scores, 1) - scores)
    if not np.isfinite(steps).any():
        return float("nan")
    return float(np.nanmean(scores) + np.nanmean(steps))


def _changes(before: Floats, after: Floats) -> Floats:
    """(blocks, 2, 12): how far each feature of the finer and of the coarser scale moves; blocks without all features are left out."""
    moved = np.abs(after - before)
    scales = np.stack([moved[:, _OF_PRODUCTS], moved[:, _COARSER:][:, _OF_PRODUCTS]], axis=1)
    kept: Floats = scales[np.isfinite(scales).all(axis=(1, 2))]
    return kept


def _correlation(changes: Floats) -> float:
    """The mean over features of Pearson's correlation between the scales; NaN where one does not vary."""
    centred = changes - changes.mean(axis=0)
    finer, coarser = centred[:, 0], centred[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = (finer * coarser).sum(axis=0) / np.sqrt((finer**2).sum(axis=0) * (coarser**2).sum(axis=0))
    return float(correlations.mean())


def _block_features(difference: Floats) -> Floats:
    """(blocks, 28): 14 features of the normalized difference of two frames, and of that of its local mean."""
    features = []
    for _ in range(2):
        values, mean = normalized(difference)
        own = fitted(_blocks(values), _SHAPES)
        features += [own.shape, (own.left + own.right) / 2]
        for offset in NEIGHBOURS:
            features += fitted(_blocks(values * np.roll(values, offset, axis=(0, 1))), _SHAPES)
        difference = mean
    return np.stack(features, axis=1)


def _blocks(picture: Floats) -> Floats:
    """(H, W) → (blocks, 34, 34): blocks of 18×18 with 8 pixels around, zeros beyond the borders."""
    padded = np.pad(picture, [(AROUND, AROUND + -length % BLOCK) for length in picture.shape])
    side = BLOCK + 2 * AROUND
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))[::BLOCK, ::BLOCK]
    return windows.reshape(-1, side, side)


class Viideo(PairedMetric):
    """viideo, of each clip's luma."""

    def measure(self, clips: Tensor, references: Tensor | None) -> Tensor:
        if clips.shape[1] < LEAST_FRAMES:
            raise MetricError(f"{self.metric_id} takes at least {LEAST_FRAMES} frames that count; these clips have {clips.shape[1]}.")
        values = [[viideo(rounded_luma(clip).astype(np.float64))] for clip in clips]
        return torch.tensor(values, dtype=torch.float64, device=clips.device)
