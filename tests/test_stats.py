"""Intervals and tests behave as their theory says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from vgbench.stats import draw_sources, holm, paired_p_value, percentile_interval, replicates

SOURCES = [f"video-{index // 3}" for index in range(60)]
VALUES = np.random.default_rng(7).normal(size=60)


def test_the_fast_mean_equals_the_general_pool():
    draws = draw_sources(SOURCES, resamples=200)
    np.testing.assert_allclose(replicates(VALUES, draws), replicates(VALUES, draws, np.mean), rtol=1e-12)


def test_windows_of_a_source_are_drawn_together():
    """Two sources, each constant: a resample's mean can only be one of three values."""
    draws = draw_sources(["a"] * 5 + ["b"] * 5)
    values = replicates(np.array([0.0] * 5 + [1.0] * 5), draws)
    assert set(np.unique(values)) == {0.0, 0.5, 1.0}


def test_the_interval_covers_the_mean_of_normal_sources_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    sources = [f"video-{index}" for index in range(40)]
    draws = draw_sources(sources, resamples=500)
    intervals = [percentile_interval(replicates(rng.normal(size=40), draws)) for _ in range(300)]
    assert 0.90 <= np.mean([low <= 0 <= high for low, high in intervals]) <= 0.98


def test_clips_of_one_source_do_not_narrow_the_interval():
    """Copying every clip five times adds no information, so the interval stays as wide."""
    once = [f"video-{index}" for index in range(30)]
    values = np.random.default_rng(1).normal(size=30)
    wide = percentile_interval(replicates(values, draw_sources(once)))
    narrow = percentile_interval(replicates(np.repeat(values, 5), draw_sources([name for name in once for _ in range(5)])))
    assert narrow == pytest.approx(wide)


def test_the_draws_are_seeded():
    np.testing.assert_array_equal(draw_sources(SOURCES, resamples=9).counts, draw_sources(SOURCES, resamples=9).counts)
    assert (draw_sources(SOURCES, resamples=9).counts.sum(axis=1) == 20).all()


def test_a_paired_test_sees_a_small_constant_difference_that_intervals_hide():
    draws = draw_sources(SOURCES)
    first, second = replicates(VALUES, draws), replicates(VALUES + 0.01, draws)
    assert percentile_interval(first).high > percentile_interval(second).low
    assert paired_p_value(first, second) < 0.001
    assert paired_p_value(first, first) == 1.0


def test_holm_by_hand():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1), min_size=1))
def test_holm_never_lowers_a_p_value_nor_changes_the_order(p_values):
    adjusted = holm(p_values)
    ordered = sorted(p_values, key=p_values.__getitem__)
    assert all(p_values[name] <= adjusted[name] <= 1 for name in p_values)
    assert all(adjusted[first] <= adjusted[second] for first, second in pairwise(ordered))
