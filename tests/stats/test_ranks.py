"""Ranges of ranks hold the true ranks of all rows at once, and are the plain computation of their definition."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from vgbench.stats.ranks import order_of

finite = st.floats(-100, 100, allow_nan=False).map(lambda value: round(value, 3))


def plain_p_values(scores: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Order by order, the furthest apart first, each against the largest of those that are left in each draw."""
    n = scores.shape[1]
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    drawn = [np.repeat(np.arange(n), row) for row in counts]

    def t_value(differences: np.ndarray) -> float:
        return differences.mean() / (differences.std(ddof=1) / n**0.5)

    orders = list(permutations(range(len(scores)), 2))
    observed = {(a, b): t_value(scores[a] - scores[b]) for a, b in orders}
    left, found, largest_p = sorted(orders, key=lambda order: -observed[order]), np.ones((len(scores),) * 2), 0.0
    while left:
        reached = 1
        for places in drawn:
            differences = [scores[a] - scores[b] for a, b in left]
            reached += max(t_value((one - one.mean())[places]) for one in differences) >= observed[left[0]]
        largest_p = max(largest_p, reached / (resamples + 1))
        first = left.pop(0)
        found[first] = largest_p if observed[first] > 0 else 1
    return found


def test_it_is_the_plain_computation_of_its_definition():
    scores = np.random.default_rng(2).normal(size=(4, 12)) + np.array([0.0, 0.3, 1.2, 2.0])[:, None]
    found = order_of(scores, resamples=80, seed=4)
    assert found.p_better == pytest.approx(plain_p_values(scores, 80, 4))
    assert found.ranges()[3][0] == 1


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("steps", [(0, 0, 0, 0, 0), (0, 0, 0.5, 1, 1)])
def test_the_true_ranks_of_all_rows_lie_in_their_ranges_as_often_as_is_said(steps, skewed):
    rng = np.random.default_rng(len(steps))
    true = np.array(steps)
    first = 1 + (true[:, None] < true).sum(axis=1)  # rows that are equal share all their ranks
    last = len(true) - (true[:, None] > true).sum(axis=1)
    missed = 0
    for _ in range(300):
        noise = rng.normal(size=(5, 20)) + rng.normal(size=20)
        scores = (np.exp(noise) - np.exp(1) if skewed else noise) + true[:, None]
        ranges = order_of(scores, resamples=300).ranges()
        missed += any(low > true_low or high < true_high for (low, high), true_low, true_high in zip(ranges, first, last, strict=True))
    assert missed <= 26  # 5 % of 300 and three standard errors


def test_rows_far_apart_have_one_rank_each_and_equal_rows_all():
    noise = np.random.default_rng(0).normal(size=(3, 30))
    assert order_of(noise + np.array([[0], [40], [20]])).ranges() == [(3, 3), (1, 1), (2, 2)]
    same = np.tile(noise[0], (3, 1))
    assert order_of(same).ranges() == [(1, 3)] * 3


def test_the_smallest_difference_is_the_one_that_is_found_in_four_tables_of_five():
    rng = np.random.default_rng(1)
    found, expected = 0, order_of(rng.normal(size=(4, 2000))).smallest_difference(0, 1) * (2000 / 40) ** 0.5
    for _ in range(300):
        scores = rng.normal(size=(4, 40))
        scores[0] += expected
        order = order_of(scores, resamples=300)
        found += (order.p_better[0, 1:] < 0.05).sum() / 3
    assert found / 300 == pytest.approx(0.8, abs=0.06)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(2, 5), st.integers(6, 9)), elements=finite))
def test_ranges_are_ranks_and_hold_the_order_of_the_means(scores):
    order = order_of(scores, resamples=50)
    ranks = 1 + (scores.mean(axis=1)[:, None] < scores.mean(axis=1)).sum(axis=1)
    for (low, high), rank in zip(order.ranges(), ranks, strict=True):
        assert 1 <= low <= rank
        assert high <= len(scores)
        assert low <= high
    assert ((order.p_better < 0.05) & (order.p_better.T < 0.05)).sum() == 0


def test_few_sources_are_refused():
    with pytest.raises(ValueError, match="at least 6 sources, not 5"):
        order_of(np.zeros((2, 5)))
