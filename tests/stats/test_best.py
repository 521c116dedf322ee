"""The test against the best keeps its level over a whole table, and is the plain computation of its definition."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from vgbench.stats.best import p_against_best

finite = st.floats(-100, 100, allow_nan=False).map(lambda value: round(value, 3))


def plain_p_values(scores: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Row by row: draw the sources again at each step, take the largest |t| of all pairs that are still in."""
    n = scores.shape[1]
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    drawn = [np.repeat(np.arange(n), row) for row in counts]

    def t_value(differences: np.ndarray) -> float:
        spread = differences.std(ddof=1)
        return 0.0 if differences.mean() == 0 else differences.mean() / (spread / n**0.5) if spread > 1e-9 else np.inf

    left, found, largest_p = list(range(len(scores))), np.ones(len(scores)), 0.0
    while len(left) > 1:
        gap, row = max((t_value(scores[a] - scores[b]), b) for a in left for b in left if a != b)
        reached = 1
        for places in drawn:
            differences = [scores[a] - scores[b] for a, b in combinations(left, 2)]
            reached += max(abs(t_value((one - one.mean())[places])) for one in differences) >= gap
        largest_p = max(largest_p, reached / (resamples + 1))
        found[row] = largest_p
        left.remove(row)
    return found


def test_it_is_the_plain_computation_of_its_definition():
    scores = np.random.default_rng(2).normal(size=(4, 12)) + np.array([0.0, 0.3, 0.8, 2.0])[:, None]
    found = p_against_best(scores, resamples=100, seed=4)
    assert found == pytest.approx(plain_p_values(scores, 100, 4))
    assert found[3] == 1
    assert found[0] < 0.05


@pytest.mark.parametrize("rows", [2, 6])
@pytest.mark.parametrize("skewed", [False, True])
def test_equal_rows_lose_their_mark_in_no_more_tables_than_the_level_says(rows, skewed):
    rng = np.random.default_rng(rows)
    lost = 0
    for _ in range(300):
        scores = rng.normal(size=(rows, 20)) + rng.normal(size=20)
        lost += (p_against_best(np.exp(scores) if skewed else scores, resamples=300) < 0.05).any()
    assert lost <= 26  # 5 % of 300 and three standard errors


def test_rows_that_are_far_behind_cost_the_others_no_power():
    """A row half as good leaves first; then the two best are tested as if they were alone."""
    rng = np.random.default_rng(0)
    best = rng.normal(size=40)
    near = best - 0.8 + rng.normal(size=40)
    far = [best - 10 + rng.normal(size=40) for _ in range(20)]
    alone = p_against_best(np.stack([best, near]))
    assert p_against_best(np.stack([best, near, *far]))[1] == alone[1] < 0.05


def test_a_small_constant_difference_is_seen_and_none_is_not():
    scores = np.random.default_rng(1).normal(size=20)
    assert p_against_best(np.stack([scores, scores - 0.01])) == pytest.approx([1, 1 / 10_001])
    assert p_against_best(np.stack([scores, scores, scores + 1e-16])).tolist() == [1, 1, 1]


def test_five_sources_cannot_be_tested():
    with pytest.raises(ValueError, match="at least 6 sources, not 5"):
        p_against_best(np.ones((2, 5)))


@settings(deadline=None, max_examples=60)
@given(arrays(np.float64, st.tuples(st.integers(2, 5), st.integers(6, 9)), elements=finite), st.randoms())
def test_the_best_keeps_its_mark_and_the_order_of_rows_is_of_no_matter(scores, random):
    found = p_against_best(scores, resamples=100)
    assert ((found > 0) & (found <= 1)).all()
    assert found[scores.mean(axis=1).argmax()] == 1 or np.ptp(scores.mean(axis=1)) < 1e-9
    order = list(range(len(scores)))
    random.shuffle(order)
    if len({round(float(value), 9) for value in scores.mean(axis=1)}) == len(scores):
        assert p_against_best(scores[order], resamples=100) == pytest.approx(found[order])
