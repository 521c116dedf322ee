"""The same numbers as the code that each definition was published with."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from skimage.metrics import structural_similarity
from torch import Tensor

from vgbench.metrics.pixel.cards import error_specs
from vgbench.metrics.similarity.cards import ssim_specs
from vgbench.metrics.similarity.ssim import GAUSSIAN
from vgbench.plugins.registry import load_registry

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pytorch_msssim
    from torchmetrics.functional.image import (
        peak_signal_noise_ratio,
        structural_similarity_index_measure,
    )

PARITY = Path(__file__).parents[2].parent / "shared" / "data" / "parity"
LOOSE = {"ssim@piq", "ssim@torchmetrics"}
"""Their published numbers come from float32 code."""


def frame_values(metric_id: str, clips: Tensor, references: Tensor) -> Tensor:
    return load_registry().metrics.get(metric_id).load()().measure(clips, references)


def pooled(metric_id: str, clips: Tensor, references: Tensor) -> float:
    metric = load_registry().metrics.get(metric_id).load()()
    return float(metric.pool(metric.per_clip(metric.measure(clips, references).numpy())))


@pytest.mark.skipif(not PARITY.is_dir(), reason="the parity pixels are not beside this checkout")
@pytest.mark.parametrize("metric_id", [spec.id for spec in [*error_specs(), *ssim_specs()]])
def test_every_variant_gives_the_number_of_its_peers_own_code(metric_id):
    with np.load(PARITY / "rgb64.npz") as arrays:
        generated, reference = (torch.from_numpy(arrays[name]).permute(0, 1, 4, 2, 3).contiguous() for name in ("pred", "gt"))
    known = json.loads((PARITY / "rgb64.expected.json").read_text())
    if metric_id not in known:
        pytest.skip("its peer is computed in tests/metrics/similarity/test_luma.py")
    expected = known[metric_id]
    assert pooled(metric_id, generated, reference) == pytest.approx(expected, rel=3e-5 if metric_id in LOOSE else 1e-5)


@st.composite
def pairs(draw: st.DrawFn, *, least: int) -> tuple[Tensor, Tensor]:
    """Two clips of two frames: noise, flat, identical, one level apart, in colour or grey, of odd and even sizes."""
    height, width = draw(st.integers(least, least + 22)), draw(st.integers(least, least + 22))
    channels = draw(st.sampled_from([1, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (1, 2, channels, height, width)
    kind = draw(st.sampled_from(["noise", "flat", "identical", "one level apart", "nearly flat"]))
    reference = rng.integers(0, 256, shape)
    if kind in ("flat", "nearly flat"):
        reference = np.full(shape, rng.integers(0, 256))
    generated = {"noise": rng.integers(0, 256, shape), "flat": np.full(shape, rng.integers(0, 256))}.get(kind, reference.copy())
    if kind == "one level apart":
        generated.flat[0] = 1 if generated.flat[0] == 0 else generated.flat[0] - 1
    if kind == "nearly flat":
        generated = np.clip(reference + rng.integers(-1, 2, shape), 0, 255)
    return torch.from_numpy(generated.astype(np.uint8)), torch.from_numpy(reference.astype(np.uint8))


def by_skimage(generated: Tensor, reference: Tensor, **options: object) -> list[float]:
    return [
        structural_similarity(y.permute(1, 2, 0).numpy() / 255, x.permute(1, 2, 0).numpy() / 255, channel_axis=-1, **options)
        for x, y in zip(generated[0], reference[0], strict=True)
    ]


@settings(deadline=None, max_examples=60)
@given(pairs(least=11))
def test_ssim_wang_agrees_with_scikit_image_to_1e_6(pair):
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    assert frame_values("ssim@wang", *pair)[0].tolist() == pytest.approx(by_skimage(*pair, **options), abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(pairs(least=7), st.sampled_from([("ssim@skimage", 1), ("ssim@openstl", 2)]))
def test_ssim_skimage_and_openstl_agree_with_scikit_images_default_to_1e_6(pair, variant):
    metric_id, data_range = variant
    assert frame_values(metric_id, *pair)[0].tolist() == pytest.approx(by_skimage(*pair, data_range=data_range), abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(pairs(least=11))
def test_ssim_wang_agrees_with_pytorch_msssim(pair):
    """Its own window is rounded to float32 and adds up to 1 − 3e-8, which costs it up to 2e-5 on flat frames; in ours it agrees to 1e-9."""
    generated, reference = (clip[0].double() for clip in pair)
    window = torch.tensor(GAUSSIAN.taps, dtype=torch.float64).expand(generated.shape[1], 1, 1, -1)
    values = frame_values("ssim@wang", *pair)[0].tolist()
    for win, tolerance in ((None, 3e-5), (window, 1e-9)):
        expected = pytorch_msssim.ssim(generated, reference, data_range=255, size_average=False, win=win)
        assert values == pytest.approx(expected.tolist(), abs=tolerance)


@settings(deadline=None, max_examples=6)
@given(pairs(least=161))
def test_ms_ssim_agrees_with_pytorch_msssim(pair):
    generated, reference = (clip[0].double() for clip in pair)
    window = torch.tensor(GAUSSIAN.taps, dtype=torch.float64).expand(generated.shape[1], 1, 1, -1)
    expected = pytorch_msssim.ms_ssim(generated, reference, data_range=255, size_average=False, win=window)
    assert frame_values("ms-ssim", *pair)[0].tolist() == pytest.approx(expected.tolist(), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(pairs(least=11))
def test_ssim_torchmetrics_and_psnr_dataset_agree_with_torchmetrics(pair):
    generated, reference = (clip[0].double() / 255 for clip in pair)
    expected = structural_similarity_index_measure(generated, reference, data_range=1.0, reduction="none")
    assert frame_values("ssim@torchmetrics", *pair)[0].tolist() == pytest.approx(expected.tolist(), abs=1e-5)
    if not torch.equal(generated, reference):
        decibels = peak_signal_noise_ratio(generated, reference, data_range=1.0)
        assert pooled("psnr@dataset", *pair) == pytest.approx(min(100, float(decibels)), rel=1e-6)


@settings(deadline=None, max_examples=40)
@given(pairs(least=1))
def test_errors_agree_with_numpy(pair):
    x, y = (clip.numpy().astype(np.float64) / 255 for clip in pair)
    squared, absolute = (x - y) ** 2, np.abs(x - y)
    for metric_id, values in {
        "mse@mean": squared.mean(axis=(2, 3, 4)),
        "mse@sum": squared.sum(axis=(2, 3, 4)),
        "mse@255": 65025 * squared.mean(axis=(2, 3, 4)),
        "mae@mean": absolute.mean(axis=(2, 3, 4)),
        "mae@sum": absolute.sum(axis=(2, 3, 4)),
    }.items():
        np.testing.assert_allclose(frame_values(metric_id, *pair).numpy(), values, rtol=1e-12, atol=1e-15)
    assert pooled("rmse@pooled", *pair) == pytest.approx(np.sqrt(squared.mean()), rel=1e-12)
    assert pooled("rmse@openstl", *pair) == pytest.approx(np.sqrt(squared.sum() / 2), rel=1e-12)
    assert pooled("rmse@predbench", *pair) == pytest.approx(np.sqrt(squared.sum(axis=(2, 3, 4))).mean(), rel=1e-12)
