"""Intervals, bias curves and limits of set metrics behave as their theory says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from vgbench.metrics.sets.frechet import frechet_distance
from vgbench.metrics.sets.kernel_distance import kernel_distance
from vgbench.stats.set_distance import SetEstimate, estimate

WIDTH = 8


def names(n: int) -> list[str]:
    return [f"video-{index}" for index in range(n)]


def of(real: np.ndarray, generated: np.ndarray, distance=frechet_distance, sources: list[str] | None = None) -> SetEstimate:
    n, m = len(real), len(generated)
    given = {"real_sources": sources or names(n), "generated_sources": sources or names(m)}
    return estimate(distance, real, generated, n_real=n, n_generated=m, **given)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_the_interval_covers_the_expected_value_at_this_n_about_as_often_as_it_says(distance):
    rng = np.random.default_rng(5)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=(60, WIDTH)), rng.normal(size=(60, WIDTH)) * 1.3 + 0.4

    expected = np.mean([distance(*draw()) for _ in range(3000)])
    found = [of(*draw(), distance) for _ in range(150)]
    assert 0.88 <= np.mean([one.ci_low <= expected <= one.ci_high for one in found]) <= 0.99


def test_the_limit_takes_away_most_of_the_bias():
    """Both sets from one distribution: the distance is 0, and its values on few clips are far from it."""
    rng = np.random.default_rng(2)
    found = [of(rng.normal(size=(256, 24)), rng.normal(size=(256, 24))) for _ in range(10)]
    values, limits = np.array([one.value for one in found]), np.array([one.at_infinity for one in found])
    assert values.mean() > 1
    assert abs(limits.mean()) < 0.2 * values.mean()
    for one in found:
        assert [point.n_clips for point in one.curve] == [32, 64, 128, 256]
        assert [point.spread is None for point in one.curve] == [False, False, False, True]
        assert all(0 < point.spread < point.value for point in one.curve[:-1])
        assert all(before.value > after.value for before, after in zip(one.curve, one.curve[1:], strict=False))


def test_the_floor_is_what_equal_sets_give_at_half_the_clips():
    rng = np.random.default_rng(3)
    one = of(rng.normal(size=(128, 16)), rng.normal(size=(128, 16)))
    assert one.floor.n_clips == 64
    assert one.floor.value == pytest.approx(one.value_at(64), rel=0.15)


def test_windows_of_one_video_are_left_out_together():
    """Every clip five times over is no more information: the interval stays as wide as with one."""
    rng = np.random.default_rng(4)
    real, generated = rng.normal(size=(40, 4)), rng.normal(size=(40, 4)) + 0.5
    once = of(real, generated)
    repeated = of(np.repeat(real, 5, axis=0), np.repeat(generated, 5, axis=0), sources=[name for name in names(40) for _ in range(5)])
    assert repeated.ci_high - repeated.ci_low == pytest.approx(once.ci_high - once.ci_low, rel=1e-6)


def test_four_videos_have_no_interval():
    rng = np.random.default_rng(0)
    one = of(rng.normal(size=(8, 3)), rng.normal(size=(8, 3)), sources=list("aabbccdd"))
    assert (one.ci_low, one.ci_high, one.n_sources, one.group_values) == (None, None, 4, ())


def test_influences_are_the_jackknifes_by_hand():
    """Of a mean the jackknife gives each source's deviation, and so the standard error of the mean."""
    values = np.random.default_rng(6).normal(size=(12, 1))
    one = of(np.zeros((12, 1)), values, lambda real, generated: float(generated.mean()))
    assert sorted(one.influences()) == pytest.approx(sorted((values - values.mean()).ravel()))
    assert one.ci_high - one.value == pytest.approx(t.ppf(0.975, 11) * values.std(ddof=1) / 12**0.5)


def test_no_limit_is_given_under_four_clips_a_feature():
    rng = np.random.default_rng(8)
    real, generated = rng.normal(size=(256, 64)), rng.normal(size=(256, 64)) * 1.2
    assert of(real[:255], generated[:255]).at_infinity is None
    limits = [of(rng.normal(size=(256, 64)), rng.normal(size=(256, 64)) * 1.2).at_infinity for _ in range(5)]
    assert np.mean(limits) == pytest.approx(64 * 0.2**2, rel=0.35)


def test_names_and_order_of_clips_change_nothing():
    rng = np.random.default_rng(10)
    real, generated = rng.normal(size=(50, 4)), rng.normal(size=(50, 4)) + 0.5
    order = rng.permutation(50)
    one = of(real, generated)
    other = of(real[order], generated[order], sources=[f"{index:03}" for index in range(50)])
    for field in ("value", "ci_low", "ci_high", "group_values", "at_infinity"):
        assert getattr(other, field) == pytest.approx(getattr(one, field), rel=1e-9), field
    assert [point.value for point in other.curve] == pytest.approx([point.value for point in one.curve], rel=1e-9)
    assert other.floor.value == pytest.approx(one.floor.value, rel=1e-9)


def test_the_same_sets_give_the_same_estimate():
    rng = np.random.default_rng(9)
    real, generated = rng.normal(size=(30, 3)), rng.normal(size=(25, 3))
    assert of(real, generated) == of(real, generated)
