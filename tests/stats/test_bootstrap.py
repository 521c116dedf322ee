"""Intervals behave as their theory says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from vgbench.stats.bootstrap import Interval, Sample, influences, intervals

SOURCE_OF = np.arange(60) // 3
VALUES = np.random.default_rng(7).normal(size=60)


def interval(values: np.ndarray, source_of: np.ndarray, of_mean=None, pool=None, **options: int) -> Interval | None:
    (found,) = intervals([Sample(values, source_of, of_mean, pool)], int(source_of.max()) + 1, **options)
    return found


def plain_studentized(values: np.ndarray, source_of: np.ndarray, resamples: int, seed: int) -> Interval:
    """The textbook's, resample by resample: the drawn clips' mean and the standard error of a ratio of sums over the drawn sources."""
    n = int(source_of.max()) + 1

    def mean_and_error(drawn: list[int]) -> tuple[float, float]:
        sums = np.array([values[source_of == source].sum() for source in drawn])
        sizes = np.array([(source_of == source).sum() for source in drawn])
        mean = sums.sum() / sizes.sum()
        return mean, np.sqrt(n / (n - 1) * ((sums - mean * sizes) ** 2).sum()) / sizes.sum()

    mean, error = mean_and_error(list(range(n)))
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
    drawn = [mean_and_error([source for source, times in enumerate(row) for _ in range(times)]) for row in counts]
    ratios = sorted((other - mean) / its_error for other, its_error in drawn)
    low, high = ratios[int(0.025 * (resamples - 1))], ratios[-1 - int(0.025 * (resamples - 1))]
    return Interval(mean - high * error, mean - low * error)


def test_it_is_the_textbooks_studentized_bootstrap_with_unequal_sources():
    rng = np.random.default_rng(3)
    source_of = np.repeat(np.arange(9), rng.integers(1, 6, size=9))
    values = np.exp(rng.normal(size=len(source_of))) - 1
    expected = plain_studentized(values, source_of, 250, 5)
    assert interval(values, source_of, resamples=250, seed=5) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n_sources", "least", "most"), [(5, 0.91, 0.985), (20, 0.92, 0.98)])
def test_the_interval_covers_the_mean_of_normal_sources_about_as_often_as_it_says(n_sources, least, most):
    samples = [Sample(values, np.arange(n_sources)) for values in np.random.default_rng(0).normal(size=(400, n_sources))]
    assert least <= np.mean([low <= 0 <= high for low, high in intervals(samples, n_sources, resamples=500)]) <= most


def test_skewed_means_of_five_sources_are_covered_where_percentiles_are_not():
    samples = [Sample(np.exp(values), np.arange(5)) for values in np.random.default_rng(1).normal(size=(400, 5))]
    found = intervals(samples, 5, resamples=500)
    assert np.mean([low <= np.exp(0.5) <= high for low, high in found]) >= 0.84
    percentiles = intervals([sample._replace(pool=np.mean) for sample in samples], 5, resamples=500)
    assert np.mean([low <= np.exp(0.5) <= high for low, high in percentiles]) <= 0.8


def test_clips_of_one_source_do_not_narrow_the_interval():
    """Copying every clip five times adds no information, so the interval stays as wide."""
    values = np.random.default_rng(1).normal(size=30)
    assert interval(np.repeat(values, 5), np.repeat(np.arange(30), 5)) == pytest.approx(interval(values, np.arange(30)))


def test_the_draws_are_seeded_and_do_not_depend_on_what_else_is_drawn():
    alone = interval(VALUES, SOURCE_OF)
    together = intervals([Sample(VALUES + 1, SOURCE_OF), Sample(VALUES, SOURCE_OF), Sample(VALUES, SOURCE_OF, pool=np.median)], 20)
    assert together[1] == pytest.approx(alone, rel=1e-12)
    assert interval(VALUES, SOURCE_OF, seed=1) != alone


def test_a_function_of_the_mean_carries_the_means_interval_over():
    errors = VALUES**2
    low, high = interval(errors, SOURCE_OF)
    assert interval(errors, SOURCE_OF, np.sqrt) == pytest.approx((low**0.5, high**0.5))
    assert interval(errors, SOURCE_OF, lambda mean: -np.log10(mean)) == pytest.approx((-np.log10(high), -np.log10(low)))


def test_the_mean_of_what_is_never_negative_is_not_either():
    errors = np.array([0.0, 0.0, 0.0, 0.1, 5.0])
    assert interval(errors, np.arange(5)).low == 0
    assert interval(errors - 0.01, np.arange(5)).low < 0


def test_where_all_sources_but_one_are_equal_the_quantiles_are_students():
    values = np.array([0.0] * 9 + [1.0]) - 0.5
    margin = t.ppf(0.975, 9) * values.std(ddof=1) / 10**0.5
    assert interval(values, np.arange(10)) == pytest.approx((-0.4 - margin, -0.4 + margin))
    assert interval(np.full(10, 0.1), np.arange(10)) == pytest.approx((0.1, 0.1), abs=1e-15)


def test_four_sources_have_no_interval():
    assert interval(VALUES[:12], SOURCE_OF[:12]) is None
    assert interval(VALUES[:15], SOURCE_OF[:15]) is not None


def test_another_pool_has_the_percentiles_of_its_bootstrap():
    rng = np.random.default_rng(0)
    medians = []
    for counts in rng.multinomial(20, np.full(20, 1 / 20), size=250):
        medians.append(np.median(np.concatenate([np.tile(VALUES[source == SOURCE_OF], times) for source, times in enumerate(counts)])))
    assert interval(VALUES, SOURCE_OF, pool=np.median, resamples=250) == pytest.approx(np.quantile(medians, [0.025, 0.975]))


def test_influences_of_a_mean_by_hand_and_of_a_pool_near_them():
    values, source_of = np.array([1.0, 2.0, 6.0, 3.0]), np.array([0, 0, 1, 2])
    assert influences(Sample(values, source_of)) == pytest.approx([-3 * 3 / 4, 3 * 3 / 4, 0])
    of_mean, of_pool = (influences(Sample(VALUES, SOURCE_OF, pool=pool)) for pool in (None, np.mean))
    assert of_pool == pytest.approx(of_mean, abs=0.06 * np.abs(of_mean).max())
    assert of_pool.sum() == pytest.approx(0, abs=1e-9)
