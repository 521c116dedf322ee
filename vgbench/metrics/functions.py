"""The paired metrics as plain functions of two clips; `vgbench.metrics` offers them.

Each takes uint8 tensors or arrays, one pair (T, C, H, W) or a batch (B, T, C, H, W), and returns float64, (K,) or (B, K): a value for
each of T frames, for each of T − 1 pairs of neighbours, or one for the clip. `variant` names one of the metric's definitions, which
`vgbench explain` lists; the default is what the bare name means everywhere in vgbench. MetricError: the clips do not fit the metric.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vgbench.errors import UnknownName
from vgbench.interfaces import PairedMetric
from vgbench.metrics.catalogue import metric_specs

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Clips = Tensor | NDArray[Any]


def mse(clips: Clips, references: Clips, *, variant: str = "mean") -> Tensor:
    """Mean squared error of each frame, of values in [0, 1].

    >>> white, black = torch.full((2, 3, 8, 8), 255, dtype=torch.uint8), torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    >>> mse(white, black).tolist()
    [1.0, 1.0]
    """
    return _measured(f"mse@{variant}", clips, references)


def mae(clips: Clips, references: Clips, *, variant: str = "mean") -> Tensor:
    """Mean absolute error of each frame, of values in [0, 1]."""
    return _measured(f"mae@{variant}", clips, references)


def rmse(clips: Clips, references: Clips, *, variant: str = "frame") -> Tensor:
    """Root of the mean squared error of each frame, of values in [0, 1]."""
    return _measured(f"rmse@{variant}", clips, references)


def psnr(clips: Clips, references: Clips, *, variant: str = "frame") -> Tensor:
    """Peak signal-to-noise ratio of each frame, in dB; 100 for identical frames.

    >>> white, black = torch.full((2, 3, 8, 8), 255, dtype=torch.uint8), torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    >>> psnr(white, white).tolist(), psnr(white, black).tolist()
    ([100.0, 100.0], [0.0, 0.0])
    """
    return _measured(f"psnr@{variant}", clips, references)


def ssim(clips: Clips, references: Clips, *, variant: str = "wang") -> Tensor:
    """Mean structural similarity of each frame, at most 1 (Wang et al. 2004)."""
    return _measured(f"ssim@{variant}", clips, references)


def ms_ssim(clips: Clips, references: Clips) -> Tensor:
    """Multi-scale structural similarity of each frame, at most 1; frames of at least 176×176 pixels (Wang et al. 2003)."""
    return _measured("ms-ssim", clips, references)


def lpips(clips: Clips, references: Clips, *, variant: str = "alex") -> Tensor:
    """Perceptual distance of each frame, 0 for identical frames (Zhang et al. 2018).  WeightsError: the network's weights are missing."""
    return _measured(f"lpips@{variant}", clips, references)


def vmaf(clips: Clips, references: Clips) -> Tensor:
    """Netflix's VMAF of each frame, from 0 to 100.  MetricError: no ffmpeg with libvmaf is at hand."""
    return _measured("vmaf", clips, references)


def motion_ratio(clips: Clips, references: Clips) -> Tensor:
    """How much the clip moves, relative to its reference: one number for each clip, 1 where both move alike."""
    return _measured("motion-ratio", clips, references)


def drift_ratio(clips: Clips, references: Clips) -> Tensor:
    """How far the last frame is from the first, relative to the reference: one number for each clip."""
    return _measured("drift-ratio", clips, references)


def flow_epe(clips: Clips, references: Clips) -> Tensor:
    """Endpoint error between the optical flows of clip and reference, in pixels, for each pair of neighbouring frames."""
    return _measured("flow-epe", clips, references)


def gram_motion(clips: Clips, references: Clips) -> Tensor:
    """Distance of Gram matrices of I3D's features: one number for each clip.  WeightsError: the network's weights are missing."""
    return _measured("gram-motion", clips, references)


def _measured(metric_id: str, clips: Clips, references: Clips) -> Tensor:
    first, second = torch.as_tensor(clips), torch.as_tensor(references)
    metric = _loaded(metric_id)
    if first.ndim == second.ndim == 4:
        return metric.measure(first[None], second[None])[0]
    return metric.measure(first, second)


@cache
def _loaded(metric_id: str) -> PairedMetric:
    specs = {spec.id: spec for spec in metric_specs()}
    if metric_id not in specs:
        name = metric_id.split("@", maxsplit=1)[0]
        raise UnknownName("metric", metric_id, [spec for spec in specs if spec.split("@")[0] == name])
    module, _, target = specs[metric_id].target.partition(":")
    metric: PairedMetric = getattr(import_module(module), target)()
    metric.metric_id = metric_id
    metric.prepare()
    return metric
