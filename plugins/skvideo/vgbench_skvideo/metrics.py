"""STRRED, NIQE and VIIDEO on luma, clip by clip."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vgbench import MetricError, PairedMetric
from vgbench_skvideo.library import library

Luma = NDArray[np.uint8]
_WEIGHTS = (299, 587, 114)
"""Thousandths of red, green and blue."""


def luma(clip: Tensor) -> Luma:
    """uint8 (T, C, H, W) → (T, H, W): 0.299·R + 0.587·G + 0.114·B, rounded; grey is its own."""
    frames = clip.cpu().numpy()
    if frames.shape[1] == 1:
        return np.ascontiguousarray(frames[:, 0])
    total = sum(frames[:, channel].astype(np.int32) * weight for channel, weight in enumerate(_WEIGHTS))
    return np.asarray((total + 500) // 1000, dtype=np.uint8)


@contextmanager
def _quietly() -> Iterator[None]:
    """The library uses np.matrix, and divides by zero on flat patches, whose numbers are looked at afterwards."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _checked(values: NDArray[np.float64], metric: str) -> Tensor:
    if not np.isfinite(values).all():
        raise MetricError(f"{metric} has no value for a clip with frames that are flat or nearly so.")
    return torch.from_numpy(values)


def _check_size(clips: Tensor, metric: str, *, side: int, frames: int) -> None:
    length, _, height, width = clips.shape[1:]
    if min(height, width) < side:
        raise MetricError(f"{metric} needs frames of at least {side}×{side} pixels; these are {height}×{width}.")
    if length < frames:
        raise MetricError(f"{metric} needs clips of at least {frames} frames that count; these have {length}.")


class Strred(PairedMetric):
    """strred: spatial times temporal entropic difference, each the mean over pairs of frames."""

    least_side = 48
    least_frames = 2

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        if clips.shape != references.shape:
            raise MetricError(f"strred compares clips of one shape; these are {tuple(clips.shape)} and {tuple(references.shape)}.")
        _check_size(clips, "strred", side=self.least_side, frames=self.least_frames)
        function = library("measure.strred").strred
        with _quietly():
            values = [[function(luma(real), luma(made))[1]] for made, real in zip(clips, references, strict=True)]
        return _checked(np.array(values, dtype=np.float64), "strred").to(clips.device)


class Niqe(PairedMetric):
    """niqe: distance of each frame's statistics from those of natural pictures."""

    span = 1
    least_side = 194

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        _check_size(clips, "niqe", side=self.least_side, frames=1)
        function = library("measure.niqe").niqe
        with _quietly():
            values = [function(luma(clip)) for clip in clips]
        return _checked(np.array(values, dtype=np.float64), "niqe").to(clips.device)


class Viideo(PairedMetric):
    """viideo: correlation of the statistics of frame differences between two scales."""

    least_side = 20
    least_frames = 4

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        _check_size(clips, "viideo", side=self.least_side, frames=self.least_frames)
        function = library("measure.viideo").viideo_score
        with _quietly():
            values = [[function(luma(clip))] for clip in clips]
        return _checked(np.array(values, dtype=np.float64), "viideo").to(clips.device)
