"""What frames of several tiles, pooled frames and luma add to SSIM; and which memory the shared pass trusts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn import functional

from vgbench.errors import MetricError
from vgbench.metrics import backends
from vgbench.metrics.luma import yiq_luma
from vgbench.metrics.pixel.sums import error_sums
from vgbench.metrics.similarity import tiled
from vgbench.metrics.similarity.ssim import (
    OPENSTL,
    PIQ,
    PYIQA,
    SKIMAGE,
    TORCHMETRICS,
    WANG,
    Definition,
    pooled_like_piq,
    ssim,
)

NAMED = {"wang": WANG, "skimage": SKIMAGE, "openstl": OPENSTL, "torchmetrics": TORCHMETRICS, "piq": PIQ, "pyiqa": PYIQA}
DEFINITIONS = pytest.mark.parametrize("definition", NAMED.values(), ids=NAMED)


def noisy_pair(shape: tuple[int, ...], seed: int = 0, spread: int = 20) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    reference = rng.integers(0, 256, shape)
    generated = np.clip(reference + rng.integers(-spread, spread + 1, shape), 0, 255)
    return torch.from_numpy(generated.astype(np.uint8)), torch.from_numpy(reference.astype(np.uint8))


def by_skimage(generated: Tensor, reference: Tensor) -> float:
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    x, y = (frame.permute(1, 2, 0).numpy() for frame in (generated, reference))
    return float(structural_similarity(x, y, channel_axis=-1, data_range=255, **options))


@pytest.mark.parametrize("size", [(11, 700), (97, 61), (330, 301), (500, 260)])
def test_frames_cut_into_several_tiles_agree_with_scikit_image(size):
    generated, reference = noisy_pair((1, 2, 3, *size))
    expected = [by_skimage(generated[0, frame], reference[0, frame]) for frame in range(2)]
    assert ssim(generated, reference, WANG)[0].tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("noise", [0.5, 1, 4])
def test_black_and_white_halves_lose_no_digits(noise):
    """Bright flat regions are where a variance computed in float32 is wrong by 1e-6 to 1e-4."""
    rng = np.random.default_rng(0)
    halves = np.zeros((1, 1, 3, 64, 64))
    halves[..., 32:] = 250
    generated, reference = (
        torch.from_numpy(np.clip(np.round(halves + rng.normal(0, noise, halves.shape)), 0, 255).astype(np.uint8)) for _ in range(2)
    )
    assert ssim(generated, reference, WANG).item() == pytest.approx(by_skimage(generated[0, 0], reference[0, 0]), abs=1e-10)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (254, 255), (0, 255), (3, 77)])
def test_flat_frames_give_the_luminance_term_alone(one, other):
    generated, reference = (torch.full((1, 1, 3, 16, 16), level, dtype=torch.uint8) for level in (one, other))
    c1 = (0.01 * 255) ** 2
    expected = (2 * one * other + c1) / (one**2 + other**2 + c1)
    assert ssim(generated, reference, WANG).item() == pytest.approx(expected, rel=1e-9)


@DEFINITIONS
def test_clips_of_many_tiles_keep_their_bits_whatever_the_batch_and_the_threads(definition):
    generated, reference = noisy_pair((3, 7, 3, 96, 70))
    whole = ssim(generated, reference, definition)
    assert torch.equal(whole[1:2], ssim(generated[1:2], reference[1:2], definition))
    assert torch.equal(whole.flip(0), ssim(generated.flip(0), reference.flip(0), definition))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        assert torch.equal(whole, ssim(generated, reference, definition))
    finally:
        torch.set_num_threads(threads)


@DEFINITIONS
def test_generated_and_reference_may_change_places(definition):
    generated, reference = noisy_pair((1, 2, 3, 20, 31), spread=100)
    assert torch.equal(ssim(generated, reference, definition), ssim(reference, generated, definition))


def test_the_size_of_a_tile_changes_nothing_that_can_be_seen(monkeypatch):
    monkeypatch.setattr(backends, "has_numba", lambda: False)
    generated, reference = noisy_pair((1, 5, 3, 40, 33))
    usual = ssim(generated, reference, WANG)
    monkeypatch.setattr(tiled, "_TILE_VALUES_CPU", 33 * 14)
    torch.testing.assert_close(ssim(generated, reference, WANG), usual, rtol=1e-12, atol=0)


@DEFINITIONS
@pytest.mark.parametrize("size", [(11, 11), (12, 150), (75, 64), (139, 74)])
def test_the_compiled_loop_and_the_matrix_products_agree(monkeypatch, definition, size):
    pytest.importorskip("numba")
    generated, reference = noisy_pair((2, 3, 3, *size), spread=120)
    reference[0, 0], generated[0, 1], reference[0, 1] = 255, 0, 1
    compiled = ssim(generated, reference, definition)
    monkeypatch.setattr(backends, "has_numba", lambda: False)
    torch.testing.assert_close(compiled, ssim(generated, reference, definition), rtol=0, atol=1e-12)


def test_piq_is_wang_below_384_pixels_and_wang_of_the_averaged_frames_above():
    small = noisy_pair((1, 1, 3, 383, 400))
    assert torch.equal(ssim(*small, PIQ), ssim(*small, WANG))
    generated, reference = noisy_pair((1, 1, 3, 384, 400))
    x, y = (functional.avg_pool2d(clip[0].double(), 2)[0].permute(1, 2, 0).numpy() for clip in (generated, reference))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = structural_similarity(x, y, channel_axis=-1, data_range=255, **options)
    assert ssim(generated, reference, PIQ).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("size", "factor"), [(383, 1), (384, 2), (639, 2), (640, 2), (641, 3)])
def test_piqs_pooling_factor_is_rounded_half_to_even(size, factor):
    assert pooled_like_piq(torch.zeros(1, 1, size, 650, dtype=torch.uint8)).shape[-1] == 650 // factor


def test_luma_is_the_nearest_level_a_tie_going_where_float32_sends_it():
    colours = [(r, g, b) for r in range(256) for g in range(0, 256, 5) for b in range(0, 256, 15)]
    pixels = torch.tensor(colours, dtype=torch.uint8).T.reshape(1, 3, 1, -1)
    exact = torch.tensor([(299 * r + 587 * g + 114 * b) / 1000 for r, g, b in colours])
    assert (yiq_luma(pixels).flatten() - exact).abs().max() == 0.5
    x = pixels[0, :, 0].T.float() / 255
    by_matrix = (x @ torch.tensor([0.299, 0.587, 0.114]) * 255).round()
    assert (yiq_luma(pixels).flatten() != by_matrix).float().mean() < 1e-3


def test_grey_is_its_own_luma():
    grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(yiq_luma(grey), grey)
    assert torch.equal(yiq_luma(grey.expand(-1, 3, -1, -1)), grey)


def test_a_range_that_is_not_positive_is_refused():
    clip = torch.zeros(1, 1, 1, 16, 16, dtype=torch.uint8)
    with pytest.raises(MetricError, match=r"ssim@mine needs a positive, finite data_range in 8-bit levels, such as 255; got 0\."):
        ssim(clip, clip, Definition(data_range=0), metric="ssim@mine")


def test_memory_that_numpy_can_write_to_is_never_trusted():
    shared = np.zeros((1, 1, 1, 8, 8), dtype=np.uint8)
    clip, reference = torch.from_numpy(shared), torch.zeros(1, 1, 1, 8, 8, dtype=torch.uint8)
    assert error_sums(clip, reference).squared.item() == 0
    shared[:] = 2
    assert error_sums(clip, reference).squared.item() == 4 * 64
    own = torch.zeros(1, 1, 1, 8, 8, dtype=torch.uint8)
    assert error_sums(own, reference).squared.item() == 0
    own.numpy()[:] = 3
    assert error_sums(own, reference).squared.item() == 9 * 64
