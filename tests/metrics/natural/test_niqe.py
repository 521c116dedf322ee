"""NIQE against a plain computation of its definition, block by block and tap by tap; on the authors' model where that is."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from scipy.special import gamma

from vgbench.errors import MetricError, WeightsError
from vgbench.metrics.natural.niqe import NaturalModel, Niqe, halved, niqe
from vgbench.metrics.natural.statistics import Shapes, fitted, normalized
from vgbench.weights.adoption import add_weights
from vgbench.weights.store import is_here

PUBLISHED = pytest.mark.skipif(not is_here("niqe"), reason="weights niqe are not here: vgbench weights get niqe")
PICTURE = Path(__file__).parents[4] / "shared" / "faults" / "niqe-clean.jpg"
SHAPES = np.arange(0.2, 10.0001, 0.001)
RATIOS = np.array([math.gamma(2 / shape) ** 2 / (math.gamma(1 / shape) * math.gamma(3 / shape)) for shape in SHAPES])


def model(seed: int = 0) -> NaturalModel:
    root = np.random.default_rng(seed).normal(size=(36, 36))
    return NaturalModel(np.linspace(0, 2, 36), root @ root.T / 36)


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Pictures with structure at several scales, 0 to 255."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((height, width))
    return np.clip(120 + 50 * np.sin(rows / 9) * np.cos(columns / 13) + 15 * rng.normal(size=(height, width)), 0, 255).round()


def plain_normalized(picture: np.ndarray) -> np.ndarray:
    taps = np.array([math.exp(-(offset**2) / (2 * (7 / 6) ** 2)) for offset in range(-3, 4)])
    window = np.outer(taps, taps) / taps.sum() ** 2
    padded = np.pad(picture, 3, mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, (7, 7))
    mean, square = (views * window).sum(axis=(2, 3)), (views**2 * window).sum(axis=(2, 3))
    return (picture - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)


def plain_fit(values: np.ndarray) -> tuple[float, float, float]:
    left = math.sqrt(np.mean([value**2 for value in values.flat if value < 0]))
    right = math.sqrt(np.mean([value**2 for value in values.flat if value > 0]))
    skew = left / right
    ratio = np.abs(values).mean() ** 2 / (values**2).mean() * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = SHAPES[np.argmin((RATIOS - ratio) ** 2)]
    scale = math.sqrt(math.gamma(1 / shape) / math.gamma(3 / shape))
    return shape, left * scale, right * scale


def plain_features(block: np.ndarray) -> list[float]:
    shape, left, right = plain_fit(block)
    features = [shape, (left + right) / 2]
    side = len(block)
    for down, along in ((0, 1), (1, 0), (1, 1), (1, -1)):
        neighbour = np.array([[block[(row - down) % side, (column - along) % side] for column in range(side)] for row in range(side)])
        shape, left, right = plain_fit(block * neighbour)
        features += [shape, (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape), left, right]
    return features


def plain_halved(picture: np.ndarray) -> np.ndarray:
    """MATLAB's weights: the cubic stretched by two, at eight pixels around the middle of two."""

    def cubic(x: float) -> float:
        x = abs(x)
        return 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    def along(lines: np.ndarray) -> np.ndarray:
        mirrored = np.concatenate([lines[::-1], lines, lines[::-1]])
        n = len(lines)
        return np.stack(
            [sum(cubic((2 * i + 0.5 - j) / 2) / 2 * mirrored[n + j] for j in range(2 * i - 3, 2 * i + 5)) for i in range(n // 2)]
        )

    return along(along(picture).T).T


def plain_niqe(picture: np.ndarray, natural: NaturalModel) -> float:
    rows, columns = (side // 96 for side in picture.shape)
    picture = picture[: rows * 96, : columns * 96]
    fine, coarse = plain_normalized(picture), plain_normalized(plain_halved(picture))
    features = np.array(
        [
            plain_features(fine[row * 96 :, column * 96 :][:96, :96]) + plain_features(coarse[row * 48 :, column * 48 :][:48, :48])
            for row in range(rows)
            for column in range(columns)
        ]
    )
    difference = features.mean(axis=0) - natural.mean
    spread = (natural.covariance + np.cov(features.T)) / 2
    return math.sqrt(difference @ np.linalg.pinv(spread) @ difference)


def test_it_is_the_plain_computation_of_its_definition():
    picture = texture(200, 300)
    assert niqe(picture, model()) == pytest.approx(plain_niqe(picture, model()), rel=1e-9)


def test_halving_is_the_stretched_cubic_at_eight_pixels():
    picture = np.random.default_rng(1).uniform(0, 255, (12, 20))
    np.testing.assert_allclose(halved(picture), plain_halved(picture), atol=1e-9)
    np.testing.assert_allclose(halved(np.full((8, 8), 77.0)), 77)


def test_the_fit_finds_the_shape_and_scales_that_values_were_drawn_with():
    """An asymmetric generalized Gaussian of shape 1.4, drawn by way of the gamma distribution."""
    rng = np.random.default_rng(2)
    left, right, shape, n = 1.5, 0.6, 1.4, 400_000
    sides = rng.random(n) < left / (left + right)
    drawn = np.where(sides, -left, right) * rng.gamma(1 / shape, size=n) ** (1 / shape)
    found = fitted(drawn[None], Shapes(0.2, 10, 0.001))
    assert (found.shape[0], found.left[0], found.right[0]) == pytest.approx((shape, left, right), rel=0.02)


def test_shapes_are_the_nearest_of_the_list():
    shapes = Shapes(0.2, 5, 0.01)
    assert len(shapes.values) == 481
    exact = gamma(2 / 1.234) ** 2 / (gamma(1 / 1.234) * gamma(3 / 1.234))
    assert shapes.nearest(np.array([exact, -1, 9, np.nan])).tolist() == pytest.approx([1.23, 0.2, 5, 0.2])


def test_a_normalized_picture_by_a_plain_window():
    picture = texture(20, 31)
    np.testing.assert_allclose(normalized(picture).values, plain_normalized(picture), atol=1e-9)


def test_flat_blocks_are_left_out_and_a_flat_frame_has_no_value():
    picture = texture(192, 288)
    picture[:, :96] = 50.0
    assert math.isfinite(niqe(picture, model()))
    assert math.isnan(niqe(np.full((192, 192), 9.0), model()))


@pytest.fixture
def own_model(tmp_path, monkeypatch) -> NaturalModel:
    monkeypatch.setenv("VGBENCH_WEIGHTS", str(tmp_path / "weights"))
    with pytest.raises(WeightsError, match="The weights niqe are not here. Get them with: vgbench weights get niqe"):
        Niqe().prepare()
    natural = model(3)
    np.savez(tmp_path / "natural.npz", mu_pris_param=natural.mean[None], cov_pris_param=natural.covariance, gaussian_window=np.ones((7, 7)))
    add_weights("niqe", tmp_path / "natural.npz")
    return natural


def test_the_metric_scores_each_frames_luma_with_the_stored_model(own_model):
    grey = torch.from_numpy(np.stack([texture(192, 200, seed) for seed in (1, 2)]).astype(np.uint8))[None, :, None]
    metric = Niqe()
    metric.prepare()
    values = metric.measure(grey.expand(-1, -1, 3, -1, -1), None)
    assert values.shape == (1, 2)
    assert values[0, 1].item() == niqe(grey[0, 1, 0].double().numpy(), own_model)
    assert list(metric.weights()) == ["niqe"]
    with pytest.raises(MetricError, match="frames of at least 192×192 pixels for two blocks each way; these are 191×200"):
        metric.measure(grey[..., :191, :], None)


def test_a_model_without_its_arrays_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("VGBENCH_WEIGHTS", str(tmp_path / "weights"))
    np.savez(tmp_path / "other.npz", mu=np.zeros(36))
    with pytest.raises(WeightsError, match="lack the array 'mu_pris_param'"):
        add_weights("niqe", tmp_path / "other.npz")
    np.savez(tmp_path / "words.npz", mu_pris_param=np.array(["a"] * 36), cov_pris_param=np.eye(36))
    with pytest.raises(WeightsError, match="an array of the file is <U1"):
        add_weights("niqe", tmp_path / "words.npz")
    np.savez(tmp_path / "short.npz", mu_pris_param=np.zeros(35), cov_pris_param=np.eye(36))
    with pytest.raises(WeightsError, match=r"mean has the shape \(35,\); this network's is \(36,\)"):
        add_weights("niqe", tmp_path / "short.npz")


def test_a_networks_weights_are_not_taken_from_an_npz(tmp_path, monkeypatch):
    monkeypatch.setenv("VGBENCH_WEIGHTS", str(tmp_path / "weights"))
    np.savez(tmp_path / "other.npz", mu=np.zeros(36))
    for name in ("i3d-k400", "lpips-squeeze"):
        with pytest.raises(WeightsError, match=r"other\.npz cannot be read as a state dict"):
            add_weights(name, tmp_path / "other.npz")


@PUBLISHED
@pytest.mark.skipif(not PICTURE.exists(), reason=f"there is no {PICTURE}")
def test_a_clean_picture_has_3_04_and_a_blurred_one_more():
    """3.041 and 3.05 by two other implementations; scikit-video 1.1.11 gives 13.63."""
    picture = Image.open(PICTURE)
    clip, blurred = (
        torch.from_numpy(np.array(one.convert("RGB"))).permute(2, 0, 1)[None, None]
        for one in (picture, picture.filter(ImageFilter.GaussianBlur(2)))
    )
    metric = Niqe()
    metric.prepare()
    value = metric.measure(clip, None).item()
    assert value == pytest.approx(3.045, abs=0.01)
    assert metric.measure(blurred, None).item() > 2 * value
