"""What the motion metrics see: how much, and, with optical flow, which way."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from vgbench.errors import MetricError
from vgbench.interfaces import PairedMetric
from vgbench.metrics.motion.flow import flow_error
from vgbench.metrics.motion.ratios import drift_ratio, motion_ratio
from vgbench.scoring.loaded_metric import load_metric
from vgbench.scoring.lookup import find_metric


def moving_texture(frames: int = 6, size: int = 48, speed: float = 1.0) -> Tensor:
    """A smooth texture that glides to the right: uint8 (1, T, 1, H, W)."""
    noise = np.random.default_rng(0).normal(size=(size + 40, size + 40)).astype(np.float32)
    large = cv2.GaussianBlur(noise, (0, 0), 2.5)
    large = (large - large.min()) / np.ptp(large) * 255
    shots = [cv2.warpAffine(large, np.array([[1, 0, t * speed], [0, 1, 0]]), large.shape)[20:-20, 20:-20] for t in range(frames)]
    return torch.from_numpy(np.stack(shots).round().astype(np.uint8))[None, :, None]


def random_clip(seed: int, frames: int = 5) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (1, frames, 3, 9, 8), dtype=np.uint8))


def test_the_ratios_by_hand():
    """Steps of 10 and 20 against steps of 5 and 5; in the end 30 against 10."""
    clip = torch.tensor([0, 10, 30], dtype=torch.uint8).view(1, 3, 1, 1, 1)
    real = torch.tensor([50, 55, 60], dtype=torch.uint8).view(1, 3, 1, 1, 1)
    assert motion_ratio(clip, real).tolist() == [3.0]
    assert drift_ratio(clip, real).tolist() == [3.0]
    assert motion_ratio(clip[:, [0, 2, 0]], real).tolist() == [6.0]
    assert drift_ratio(clip[:, [0, 2, 0]], real).tolist() == [0.0]


def test_a_frozen_clip_moves_by_nothing_and_two_frozen_clips_agree():
    clip = random_clip(0)
    frozen = clip[:, :1].expand_as(clip)
    for ratio in (motion_ratio, drift_ratio):
        assert ratio(frozen, clip).tolist() == [0.0]
        assert ratio(frozen, frozen.clone()).tolist() == [1.0]
        assert ratio(clip, frozen).tolist() == [np.inf]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.integers(2, 7))
def test_the_ratios_are_blind_to_reversal_and_to_mirrors_and_inverse_to_each_other(seed, frames):
    clip, real = random_clip(seed, frames), random_clip(seed + 1, frames)
    for ratio in (motion_ratio, drift_ratio):
        assert ratio(clip.flip(1), clip).tolist() == [1.0]
        assert torch.equal(ratio(clip, real), ratio(clip.flip(4), real.flip(4)))
        assert ratio(clip, real).item() * ratio(real, clip).item() == pytest.approx(1, rel=1e-12)


def test_flow_error_is_the_difference_in_speed():
    """Two pixels a frame against one on frames of 48 pixels."""
    error = flow_error(moving_texture(speed=2.0), moving_texture(speed=1.0))
    assert error.shape == (1, 5)
    assert error.mean().item() == pytest.approx(1.0, abs=0.2)
    assert flow_error(moving_texture(), moving_texture()).abs().max() == 0


@pytest.mark.parametrize("size", [16, 40, 64, 96])
def test_flow_error_sees_reversal_shuffle_and_standing_still(size):
    clip = moving_texture(size=size)
    small = flow_error((clip.int() + 1).clamp(max=255).to(torch.uint8), clip).mean()
    for other in (clip.flip(1), clip[:, [3, 0, 5, 1, 4, 2]], clip[:, :1].expand_as(clip)):
        assert flow_error(other, clip).mean() > max(0.3, 5 * small)


def test_flow_error_takes_colour_and_does_not_depend_on_threads_or_batch():
    clip = moving_texture()
    grey, colour = flow_error(clip.flip(1), clip), flow_error(clip.flip(1).expand(-1, -1, 3, -1, -1), clip.expand(-1, -1, 3, -1, -1))
    assert torch.equal(grey, colour)
    both = flow_error(torch.cat([clip, clip.flip(1)]), torch.cat([clip.flip(1), clip]))
    assert torch.equal(both[1:], grey)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        assert torch.equal(flow_error(clip.flip(1), clip), grey)
    finally:
        cv2.setNumThreads(threads)


@pytest.mark.parametrize(
    ("metric", "shape", "message"),
    [
        (motion_ratio, (1, 1, 3, 20, 20), "motion-ratio compares motion, which takes at least 2 frames that count; these clips have 1."),
        (drift_ratio, (1, 1, 3, 20, 20), "drift-ratio compares motion, which takes at least 2 frames that count; these clips have 1."),
        (flow_error, (1, 1, 3, 20, 20), "flow-epe compares motion, which takes at least 2 frames that count; these clips have 1."),
        (flow_error, (1, 2, 3, 15, 20), "flow-epe follows windows over frames of at least 16×16 pixels; these are 15×20."),
    ],
)
def test_too_few_frames_or_pixels_are_refused(metric, shape, message):
    clips = torch.zeros(shape, dtype=torch.uint8)
    with pytest.raises(MetricError) as caught:
        metric(clips, clips)
    assert str(caught.value) == message


def test_without_opencv_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(MetricError, match=r"flow-epe needs OpenCV for the optical flow; install it with: pip install 'vgbench\[flow\]'"):
        load_metric(find_metric("flow-epe"), PairedMetric).prepared()
