"""A generator's output is checked and rounded once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from vgbench.errors import GeneratorError
from vgbench.generation.boundary import checked_output, clip_seed, to_uint8
from vgbench.interfaces import Request

REQUEST = Request(torch.zeros(2, 1, 3, 4, 5), 6, 0, (1, 2))
GOOD = torch.full((2, 6, 3, 4, 5), 0.5)


def with_value(value: float) -> torch.Tensor:
    video = GOOD.clone()
    video[1, 4, 0, 0, 0] = value
    return video


def test_a_good_output_passes_unchanged():
    assert checked_output(GOOD, REQUEST, generator="g") is GOOD


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (None, "g returned NoneType; generate() returns a float32 tensor of shape (2, 6, 3, 4, 5)."),
        (GOOD[:, :5], "g returned shape (2, 5, 3, 4, 5); asked for (B, frames, C, H, W) = (2, 6, 3, 4, 5)."),
        (GOOD.double(), "g returned torch.float64; generate() returns torch.float32 in [0, 1]."),
        (with_value(np.nan), "g returned 1 values that are NaN or infinite, of 720; the first is in frame 4 of clip 1 of the batch."),
        (with_value(np.inf), "g returned 1 values that are NaN or infinite, of 720; the first is in frame 4 of clip 1 of the batch."),
        (with_value(1.25), "g returned values from 0.5 to 1.25; generate() returns values in [0, 1]."),
        (with_value(-0.5), "g returned values from -0.5 to 0.5; generate() returns values in [0, 1]."),
    ],
)
def test_a_bad_output_is_refused_with_its_numbers(video, message):
    with pytest.raises(GeneratorError) as caught:
        checked_output(video, REQUEST, generator="g")
    assert str(caught.value) == message


def test_eight_bits_survive_the_way_to_float_and_back():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(levels.float() / 255), levels)


@given(st.floats(0, 1, width=32))
def test_rounding_is_half_to_even_of_255_x(value):
    expected = int(np.rint(np.float32(255) * np.float32(value)))
    assert to_uint8(torch.tensor(value, dtype=torch.float32)).item() == expected


def test_seeds_are_fixed_and_differ_by_clip_and_sample():
    seeds = {clip_seed(seed, clip, sample) for seed in (0, 1) for clip in ("a", "b") for sample in (0, 1)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert clip_seed(0, "test-0000/000000", 0) == 3099079148325003285
