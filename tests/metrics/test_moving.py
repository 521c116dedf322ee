"""Metrics on the moving region against their definition, computed another way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from skimage.metrics import structural_similarity

from vgbench.interfaces import PairedMetric
from vgbench.metrics.moving import moving_region
from vgbench.metrics.moving_rule import CHANGE
from vgbench.metrics.similarity.moving import similarity_map
from vgbench.metrics.similarity.similarity import mean_similarity
from vgbench.metrics.similarity.ssim import WANG
from vgbench.scoring.loaded_metric import load_metric
from vgbench.scoring.lookup import find_metric

NAMES = ("mse@moving", "mae@moving", "rmse@moving", "psnr@moving", "ssim@moving")


def measured(metric_id, clips, references):
    return load_metric(find_metric(metric_id), PairedMetric).metric.measure(clips, references).numpy()


def clips_of(seed, shape=(2, 4, 3, 20, 24)):
    """A pair whose reference moves in a part of the frame alone."""
    rng = np.random.default_rng(seed)
    real = np.broadcast_to(rng.integers(0, 200, (shape[0], 1, *shape[2:])), shape).astype(np.uint8).copy()
    top, left = rng.integers(2, 8, 2)
    real[:, :, :, top : top + 7, left : left + 9] += rng.integers(0, 56, (*shape[:3], 7, 9)).astype(np.uint8)
    made = (real.astype(int) + rng.integers(-20, 21, shape)).clip(0, 255).astype(np.uint8)
    return torch.from_numpy(made), torch.from_numpy(real)


def plain_region(real):
    """(T, C, H, W) → (H, W), pixel by pixel."""
    spread = real.max(axis=0).astype(int) - real.min(axis=0)
    region = (spread > CHANGE).any(axis=0)
    return region if region.any() else np.ones_like(region)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([1, 3]), st.integers(1, 4))
def test_pixel_errors_are_those_of_the_moving_pixels(seed, channels, frames):
    made, real = clips_of(seed, (2, frames, channels, 20, 24))
    for b in range(2):
        region = plain_region(real[b].numpy())
        x, y = (side[b].numpy().astype(float)[:, :, region] / 255 for side in (made, real))
        squared, absolute = ((x - y) ** 2).mean(axis=(1, 2)), np.abs(x - y).mean(axis=(1, 2))
        expected = {"mse@moving": squared, "mae@moving": absolute, "rmse@moving": squared**0.5}
        with np.errstate(divide="ignore"):
            expected["psnr@moving"] = np.minimum(-10 * np.log10(squared), 100)
        for metric_id, values in expected.items():
            np.testing.assert_allclose(measured(metric_id, made, real)[b], values, rtol=1e-12)


def test_ssim_is_the_mean_of_another_librarys_map_over_the_moving_windows():
    made, real = clips_of(3)
    found = measured("ssim@moving", made, real)
    for b in range(2):
        region = plain_region(real[b].numpy())[5:-5, 5:-5]
        for t in range(4):
            x, y = (side[b, t].numpy().transpose(1, 2, 0) / 255 for side in (made, real))
            _, whole = structural_similarity(
                x, y, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, full=True
            )
            assert found[b, t] == pytest.approx(whole[5:-5, 5:-5][region].mean(), rel=1e-9)


def test_the_map_of_similarities_averages_to_the_similarity():
    made, real = clips_of(4)
    expected = mean_similarity(made[:, 0], real[:, 0], window=WANG.window, stability=WANG.stability)
    found = [[similarity_map(made[b, 0, c], real[b, 0, c], WANG.window, WANG.stability).mean().item() for c in range(3)] for b in range(2)]
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-11)


@pytest.mark.parametrize("metric_id", NAMES)
def test_where_nothing_moves_the_whole_frame_counts(metric_id):
    rng = np.random.default_rng(0)
    real = torch.from_numpy(np.repeat(rng.integers(0, 240, (1, 1, 3, 16, 16)), 3, axis=1).astype(np.uint8))
    real[:, 1] += CHANGE  # as far as a pixel goes that does not move
    made = torch.from_numpy(rng.integers(0, 256, (1, 3, 3, 16, 16)).astype(np.uint8))
    whole = {"mse": "mse@mean", "mae": "mae@mean", "rmse": "rmse@frame", "psnr": "psnr@frame", "ssim": "ssim@wang"}
    expected = measured(whole[metric_id.partition("@")[0]], made, real)
    np.testing.assert_allclose(measured(metric_id, made, real), expected, rtol=1e-11)


def test_one_channel_that_moves_by_more_than_the_rule_says_is_enough():
    real = torch.zeros(1, 3, 3, 4, 4, dtype=torch.uint8)
    real[0, 2, 1, 2, 3] = CHANGE + 1
    real[0, 1, 0, 0, 0] = CHANGE
    assert moving_region(real)[0].nonzero().tolist() == [[2, 3]]


def test_where_only_the_border_moves_every_window_of_ssim_counts():
    real = (
        torch.randint(0, 100, (1, 1, 1, 16, 16), generator=torch.Generator().manual_seed(0)).expand(1, 2, 1, 16, 16).to(torch.uint8).clone()
    )
    real[0, 1, 0, 0] += 50
    made = real.flip(-1)
    np.testing.assert_allclose(measured("ssim@moving", made, real), measured("ssim@wang", made, real), rtol=1e-11)


def test_what_a_clip_does_where_the_reference_stands_still_does_not_count():
    made, real = clips_of(5)
    changed = made.clone()
    changed[:, :, :, 17:, 20:] = 255
    for metric_id in NAMES[:4]:
        assert np.array_equal(measured(metric_id, made, real), measured(metric_id, changed, real))
