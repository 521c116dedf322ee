"""The arithmetic of the procedural sky, against exact values and against plain Python integers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from vgbench_datasets.sky.fixed import FULL, TURN, UNIT, Draws, blend, cosine, mix32, mix64, sine, smooth_step
from vgbench_datasets.sky.light import DAY_AND_NIGHT, colours_at, elevation
from vgbench_datasets.sky.noise import PERIOD, TILE, lattice, noise, spline_weights


def column(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32).reshape(1, 1, -1)


def test_mix64_is_the_published_splitmix64() -> None:
    # The first outputs of Vigna's splitmix64.c for the seed 0.
    assert [mix64(0), mix64(0x9E3779B97F4A7C15)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


def test_mix32_is_the_published_finaliser() -> None:
    assert mix32(np.array([0, 1, 0xFFFFFFFF], dtype=np.uint32)).tolist() == [0, 0x514E28B7, 0x81F16F39]


def test_draws_stay_in_their_range_and_reach_its_ends() -> None:
    draws = Draws(1)
    assert {draws.between(-2, 2) for _ in range(200)} == {-2, -1, 0, 1, 2}


@given(st.integers(-(1 << 40), 1 << 40))
def test_sine_and_cosine_are_near_the_real_ones(angle: int) -> None:
    turns = 2 * math.pi * (angle % TURN) / TURN
    assert sine(angle) / UNIT == pytest.approx(math.sin(turns), abs=0.002)
    assert cosine(angle) / UNIT == pytest.approx(math.cos(turns), abs=0.002)


def test_spline_weights_add_up_to_exactly_one() -> None:
    weights = spline_weights(np.arange(FULL, dtype=np.int32))
    assert (sum(weights) == FULL).all()
    assert min(weight.min() for weight in weights) >= 0


def test_smooth_step_goes_from_none_to_all() -> None:
    assert smooth_step(column(-5, 0, 500, 1000, 2000), 0, 1000).ravel().tolist() == [0, 0, FULL // 2, FULL, FULL]


def test_blend_gives_both_ends_exactly() -> None:
    assert blend(column(65280), column(100), column(0)).item() == 65280
    assert blend(column(65280), column(100), column(FULL)).item() == 100


def spline_sum(values: np.ndarray, u: int, v: int) -> float:
    """The noise in floating point, tap by tap."""

    def weights(part: float) -> list[float]:
        return [(1 - part) ** 2 / 2, 0.5 + part * (1 - part), part**2 / 2]

    across, down = weights(u % FULL / FULL), weights(v % FULL / FULL)
    taps = ((values[(v // FULL + j) % TILE, (u // FULL + i) % TILE], down[j] * across[i]) for j in range(3) for i in range(3))
    return sum(float(value) * weight for value, weight in taps) / (1 << 14)


@settings(max_examples=50)
@given(st.integers(-PERIOD, PERIOD), st.integers(-PERIOD, PERIOD))
def test_noise_is_the_quadratic_spline_through_the_lattice(u: int, v: int) -> None:
    values = lattice(7, range(3, 4), 10)
    assert noise(values, column(u), column(v)).item() / UNIT == pytest.approx(spline_sum(values[0], u, v), abs=0.002)
    assert noise(values, column(u + PERIOD), column(v - PERIOD)).item() == noise(values, column(u), column(v)).item()


def test_noise_has_the_spread_it_states() -> None:
    values = lattice(mix64(3), range(8), 10)
    u, v = np.meshgrid(np.arange(0, PERIOD, 1500, dtype=np.int32), np.arange(0, PERIOD, 1500, dtype=np.int32))
    sample = noise(values, np.stack([u] * 8), np.stack([v] * 8)) / UNIT
    assert sample.std() == pytest.approx(0.24, abs=0.02)
    assert abs(sample.mean()) < 0.01


def test_a_lattice_frame_depends_on_its_number_alone() -> None:
    whole = lattice(11, range(40), 7)
    assert np.array_equal(whole[23:30], lattice(11, range(23, 30), 7))


def test_the_lattice_evolves_without_leaps() -> None:
    values = lattice(11, range(40), 20).astype(int)
    assert np.abs(np.diff(values, axis=0)).max() < 3 * (1 << 14) / 20
    assert np.abs(values[39] - values[0]).mean() > (1 << 14) / 5


def test_the_sun_rises_sets_and_is_lowest_at_midnight() -> None:
    assert [elevation(hour) for hour in (0, UNIT // 2, UNIT)] == [0, UNIT, 0]
    midnight = (UNIT + DAY_AND_NIGHT) // 2
    assert elevation(midnight) == pytest.approx(-0.3 * UNIT, abs=2)


def test_colours_change_without_leaps_and_stay_colours() -> None:
    colours = np.array([colours_at(value) for value in range(-UNIT * 3 // 10, UNIT + 1, UNIT // 400)])
    assert colours.min() >= 0
    assert colours.max() <= 255 * 256
    assert np.abs(np.diff(colours, axis=0)).max() < 4 * 256
