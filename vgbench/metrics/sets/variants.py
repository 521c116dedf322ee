"""The set metrics that the core offers: an extractor with a distance each."""

from __future__ import annotations

from functools import cache

from vgbench.metrics.networks.placement import Placement
from vgbench.metrics.sets.distances import FrechetDistance, KernelDistance
from vgbench.metrics.sets.extractors import I3dLogits, SlidingWindows, i3d_as_styleganv_calls_it, inception_as_stylegan_calls_it


@cache
def _i3d(placement: Placement) -> I3dLogits:
    """One network for all metrics that place frames alike."""
    return I3dLogits(placement)


def fvd_i3d() -> FrechetDistance:
    """fvd@i3d: squashed to 224, biased covariance."""
    return FrechetDistance(_i3d(Placement()), unbiased=False)


def fvd_center_crop() -> FrechetDistance:
    """fvd@center-crop: the middle square at 224, biased covariance."""
    return FrechetDistance(_i3d(Placement("center-crop")), unbiased=False)


def fvd_i3d_context() -> FrechetDistance:
    """fvd@i3d-context: fvd@i3d of clips with the frames given in front."""
    return FrechetDistance(_i3d(Placement()), unbiased=False, joins_context=True)


def fvd_i3d_sliding() -> FrechetDistance:
    """fvd@i3d-sliding: fvd@i3d of all windows of 16 frames, one every 8."""
    return FrechetDistance(SlidingWindows(_i3d(Placement()), length=16, stride=8), unbiased=False)


def fvd_tf() -> FrechetDistance:
    """fvd@tf: TensorFlow 1's sampling, unbiased covariance."""
    return FrechetDistance(_i3d(Placement(sampling="corner")), unbiased=True)


def fvd_styleganv() -> FrechetDistance:
    """fvd@styleganv: the user's TorchScript I3D, biased covariance."""
    return FrechetDistance(i3d_as_styleganv_calls_it(), unbiased=False)


def kvd_i3d() -> KernelDistance:
    """kvd@i3d: the features of fvd@i3d."""
    return KernelDistance(_i3d(Placement()))


def fid_inception() -> FrechetDistance:
    """fid@inception: features of frames."""
    return FrechetDistance(inception_as_stylegan_calls_it(), unbiased=True)
