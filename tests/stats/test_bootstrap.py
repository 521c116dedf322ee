"""Intervals and tests behave as their theory says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from vgbench.stats.bootstrap import Sample, holm, paired_p_value, percentile_interval, replicates

SOURCE_OF = np.arange(60) // 3
VALUES = np.random.default_rng(7).normal(size=60)


def bootstrap(values: np.ndarray, source_of: np.ndarray, pool=None, **options: int) -> np.ndarray:
    return replicates([Sample(values, source_of, pool)], int(source_of.max()) + 1, **options)[0]


def test_the_fast_mean_equals_the_general_pool():
    options = {"resamples": 600, "seed": 3}
    np.testing.assert_allclose(bootstrap(VALUES, SOURCE_OF, **options), bootstrap(VALUES, SOURCE_OF, np.mean, **options), rtol=1e-12)


def test_windows_of_a_source_are_drawn_together():
    """Two sources, each constant: a resample's mean can only be one of three values."""
    values = bootstrap(np.array([0.0] * 5 + [1.0] * 5), np.array([0] * 5 + [1] * 5))
    assert set(np.unique(values)) == {0.0, 0.5, 1.0}


def test_the_interval_covers_the_mean_of_normal_sources_about_as_often_as_it_says():
    samples = [Sample(values, np.arange(40)) for values in np.random.default_rng(0).normal(size=(300, 40))]
    intervals = [percentile_interval(one) for one in replicates(samples, 40, resamples=500)]
    assert 0.90 <= np.mean([low <= 0 <= high for low, high in intervals]) <= 0.98


def test_clips_of_one_source_do_not_narrow_the_interval():
    """Copying every clip five times adds no information, so the interval stays as wide."""
    values = np.random.default_rng(1).normal(size=30)
    wide = percentile_interval(bootstrap(values, np.arange(30)))
    narrow = percentile_interval(bootstrap(np.repeat(values, 5), np.repeat(np.arange(30), 5)))
    assert narrow == pytest.approx(wide)


def test_the_draws_are_seeded_and_do_not_depend_on_what_else_is_drawn():
    alone = bootstrap(VALUES, SOURCE_OF)
    together = replicates([Sample(VALUES + 1, SOURCE_OF), Sample(VALUES, SOURCE_OF), Sample(VALUES, SOURCE_OF, np.median)], 20)
    np.testing.assert_allclose(together[1], alone, rtol=1e-12)
    assert not np.array_equal(bootstrap(VALUES, SOURCE_OF, seed=1), alone)


def test_a_paired_test_sees_a_small_constant_difference_that_intervals_hide():
    first, second = replicates([Sample(VALUES, SOURCE_OF), Sample(VALUES + 0.01, SOURCE_OF)], 20)
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
