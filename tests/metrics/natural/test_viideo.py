"""VIIDEO against a plain computation of its definition, block by block."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

from vgbench.errors import MetricError
from vgbench.metrics.natural.viideo import Viideo, viideo

SHAPES = np.arange(0.2, 5.0001, 0.01)
RATIOS = np.array([math.gamma(2 / shape) ** 2 / (math.gamma(1 / shape) * math.gamma(3 / shape)) for shape in SHAPES])
TAPS = np.array([math.exp(-(offset**2) / (2 * (7 / 6) ** 2)) for offset in range(-3, 4)])
WINDOW = np.outer(TAPS, TAPS) / TAPS.sum() ** 2


def clip(frames: int, height: int = 40, width: int = 53, seed: int = 0) -> np.ndarray:
    """A texture that drifts under a little noise, whole levels: (T, H, W)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices((height, width))
    drift = rng.normal(size=frames).cumsum()
    moving = [120 + 60 * np.sin((rows + 2 * step) / 5) * np.cos((columns - step) / 7) for step in drift]
    return np.clip(np.stack(moving) + 4 * rng.normal(size=(frames, height, width)), 0, 255).round()


def fit(values: np.ndarray) -> tuple[float, float, float] | None:
    negative, positive = values[values < 0], values[values > 0]
    if not len(negative) or not len(positive):
        return None
    left, right = math.sqrt((negative**2).mean()), math.sqrt((positive**2).mean())
    skew = left / right
    ratio = np.abs(values).mean() ** 2 / (values**2).mean() * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = SHAPES[np.argmin((RATIOS - ratio) ** 2)]
    scale = math.sqrt(math.gamma(1 / shape) / math.gamma(3 / shape))
    return shape, left * scale, right * scale


def products_of_blocks(difference: np.ndarray) -> tuple[list[list[float] | None], np.ndarray]:
    """Twelve numbers for each block, and the local mean."""
    height, width = difference.shape
    views = np.lib.stride_tricks.sliding_window_view(np.pad(difference, 3, mode="edge"), (7, 7))
    mean, square = (views * WINDOW).sum(axis=(2, 3)), (views**2 * WINDOW).sum(axis=(2, 3))
    values = (difference - mean) / (np.sqrt(np.abs(square - mean**2)) + 1)
    products = []
    for down, along in ((0, 1), (1, 0), (1, 1), (1, -1)):
        products.append(
            values * np.array([[values[row - down, (column - along) % width] for column in range(width)] for row in range(height)])
        )
    blocks: list[list[float] | None] = []
    for top in range(0, height, 18):
        for left in range(0, width, 18):
            fits = []
            for product in products:
                block = np.zeros((34, 34))
                for row in range(max(0, top - 8), min(height, top + 26)):
                    for column in range(max(0, left - 8), min(width, left + 26)):
                        block[row - top + 8, column - left + 8] = product[row, column]
                fits.append(fit(block))
            blocks.append(None if None in fits else [number for one in fits for number in one])
    return blocks, mean


def plain_viideo(frames: np.ndarray) -> float:
    pairs = []
    for number in range(len(frames) // 2):
        fine, mean = products_of_blocks(frames[2 * number] - frames[2 * number + 1])
        pairs.append((fine, products_of_blocks(mean)[0]))
    last = len(pairs) - 1
    reach = last // 10
    scores = []
    for start in range(0, last, max(1, math.floor(reach / 2 + 0.5))):
        moved = []
        for place in range(start, min(start + reach, last - 1) + 1):
            for block in range(len(pairs[0][0])):
                numbers = [pairs[place + step][scale][block] for scale in (0, 1) for step in (0, 1)]
                if None not in numbers:
                    moved.append([np.abs(np.subtract(numbers[2 * scale], numbers[2 * scale + 1])) for scale in (0, 1)])
        fine, coarse = np.array(moved).swapaxes(0, 1)
        scores.append(np.mean([pearsonr(fine[:, feature], coarse[:, feature])[0] for feature in range(12)]))
    return float(np.mean(scores) + np.mean([abs(scores[place - 1] - score) for place, score in enumerate(scores)]))


@pytest.mark.parametrize("frames", [4, 7, 24])
def test_it_is_the_plain_computation_of_its_definition(frames):
    """24 frames are 11 changes, where windows reach over two; an odd last frame has no partner."""
    made = clip(frames)
    assert viideo(made) == pytest.approx(plain_viideo(made), rel=1e-6)


def test_a_clip_that_stands_still_has_no_value():
    assert math.isnan(viideo(np.repeat(clip(1), 8, axis=0)))


def test_still_blocks_are_left_out():
    made = clip(8, height=90)
    whole = viideo(made)
    made[:, :36] = made[:1, :36]
    assert math.isfinite(viideo(made))
    assert viideo(made) != whole


def test_colour_is_scored_on_its_luma_clip_by_clip():
    clips = torch.from_numpy(np.stack([clip(6, seed=seed) for seed in (0, 1)]).astype(np.uint8))[:, :, None]
    values = Viideo().measure(clips.expand(-1, -1, 3, -1, -1), None)
    assert values.flatten().tolist() == [viideo(one[:, 0].double().numpy()) for one in clips]
    with pytest.raises(MetricError, match="takes at least 4 frames that count; these clips have 3"):
        Viideo().measure(clips[:, :3], None)
