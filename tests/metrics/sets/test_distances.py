"""The Fréchet and the kernel distance against closed forms, naive computations and each other's laws."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings, strategies as st

from vgbench import FeatureExtractor, FrechetDistance, KernelDistance
from vgbench.errors import MetricError
from vgbench.metrics.sets.frechet import frechet_distance
from vgbench.metrics.sets.kernel_distance import kernel_distance

SIZES = st.tuples(st.integers(2, 30), st.integers(2, 30), st.integers(1, 12), st.integers(0, 10**6))
DISTANCES = pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])


def two_sets(size: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    n, m, width, seed = size
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)), rng.normal(size=(m, width)) * 2 + 1


def by_eigenvalues_in_fifty_digits(first: np.ndarray, second: np.ndarray) -> float:
    """Tr (Σ₁Σ₂)^½ from the eigenvalues of Σ₁Σ₂ itself."""
    with mpmath.workdps(50):
        covariances = []
        for vectors in (first, second):
            centred = mpmath.matrix((vectors - vectors.mean(axis=0)).tolist())
            covariances.append(centred.T * centred / len(vectors))
        eigenvalues, _ = mpmath.eig(covariances[0] * covariances[1])
        roots = sum(mpmath.sqrt(max(mpmath.re(value), 0)) for value in eigenvalues)
        traces = sum(sum(c[i, i] for i in range(c.rows)) for c in covariances)
        return float(traces - 2 * roots) + float(((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum())


@settings(deadline=None, max_examples=15)
@given(st.tuples(st.integers(2, 9), st.integers(2, 9), st.integers(1, 6), st.integers(0, 10**6)))
def test_frechet_agrees_with_fifty_digits_below_and_above_n_equal_d(size):
    sets = two_sets(size)
    assert frechet_distance(*sets) == pytest.approx(by_eigenvalues_in_fifty_digits(*sets), rel=1e-9, abs=1e-9)


def test_frechet_agrees_with_sqrtm_where_that_works():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(200, 8)), rng.normal(size=(150, 8)) @ rng.normal(size=(8, 8)) + 0.3
    for unbiased in (False, True):
        one, other = (np.cov(vectors, rowvar=False, bias=not unbiased) for vectors in (first, second))
        shift = first.mean(axis=0) - second.mean(axis=0)
        expected = shift @ shift + np.trace(one + other - 2 * scipy.linalg.sqrtm(one @ other).real)
        assert frechet_distance(first, second, unbiased=unbiased) == pytest.approx(expected, rel=1e-9)


def test_frechet_of_gaussians_with_known_moments():
    """Four corners have mean 0 and covariance 1: stretched by 3 and moved by (1, 2), d² = 1 + 4 + 2·(3 − 1)²."""
    corners = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
    assert frechet_distance(corners, 3 * corners + [1, 2]) == pytest.approx(13)


@settings(deadline=None, max_examples=40)
@given(SIZES)
def test_frechet_is_zero_of_itself_symmetric_and_blind_to_order_and_rotation(size):
    first, second = two_sets(size)
    distance = frechet_distance(first, second)
    near = {"rel": 1e-9, "abs": 1e-9}
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(second, first) == pytest.approx(distance, **near)
    assert frechet_distance(first[::-1], second) == pytest.approx(distance, **near)
    rotation, _ = np.linalg.qr(np.random.default_rng(size[3]).normal(size=(size[2], size[2])))
    assert frechet_distance(first @ rotation, second @ rotation) == pytest.approx(distance, **near)
    assert frechet_distance(first, first + 2) == pytest.approx(4 * size[2], **near)


def test_repeating_every_vector_changes_nothing_biased_though_n_passes_d():
    """n < D and n ≥ D take different factors of one covariance."""
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(6, 10)), rng.normal(size=(7, 10))
    few = frechet_distance(first, second)
    assert frechet_distance(np.repeat(first, 4, axis=0), np.repeat(second, 4, axis=0)) == pytest.approx(few, rel=1e-9)


def test_constant_features_are_only_as_far_as_their_means():
    assert frechet_distance(np.zeros((5, 3)), np.full((4, 3), 2.0)) == pytest.approx(12)
    assert frechet_distance(np.ones((2, 400)), np.ones((9, 400))) == 0


@settings(deadline=None, max_examples=20)
@given(SIZES)
def test_kernel_distance_is_the_double_loop(size):
    first, second = two_sets(size)

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return (x @ y / len(x) + 1) ** 3

    n, m = len(first), len(second)
    within = sum(k(first[i], first[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within += sum(k(second[i], second[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    across = sum(k(x, y) for x in first for y in second) / (n * m)
    assert kernel_distance(first, second) == pytest.approx(within - 2 * across, rel=1e-9, abs=1e-9)


def test_the_kernel_distance_has_no_bias_where_the_frechet_distance_has():
    rng = np.random.default_rng(1)
    pairs = [(rng.normal(size=(12, 16)), rng.normal(size=(12, 16))) for _ in range(400)]
    kernel = np.array([kernel_distance(*pair) for pair in pairs])
    assert abs(kernel.mean()) < 3 * kernel.std() / 20
    assert np.mean([frechet_distance(*pair) for pair in pairs[:50]]) > 5


@DISTANCES
@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros((1, 3)), np.zeros((5, 3)), "needs at least 2 clips on each side to know how they spread; there is 1 real one"),
        (np.zeros((5, 3)), np.zeros((5, 4)), "the real ones have 3 numbers, the generated 4"),
        (np.zeros((5, 3)), np.array([[0, 1, np.nan], [0, 0, 0]]), "1 of 2 generated feature vectors hold NaN or infinity"),
        (np.zeros(5), np.zeros((5, 3)), "the real ones have the shape (5,)"),
    ],
)
def test_what_is_no_two_sets_is_refused(distance, first, second, message):
    with pytest.raises(MetricError) as caught:
        distance(first, second)
    assert message in str(caught.value)


class Brightness(FeatureExtractor):
    """Mean and spread of a clip."""

    def features(self, clips: torch.Tensor) -> torch.Tensor:
        flat = clips.float().flatten(1)
        return torch.stack([flat.mean(dim=1), flat.std(dim=1)], dim=1)

    def key(self) -> str:
        return "brightness 1"


def test_a_metric_is_an_extractor_and_a_distance():
    clips = torch.randint(0, 256, (4, 2, 1, 8, 8), dtype=torch.uint8)
    for metric in (FrechetDistance(Brightness(), unbiased=True), KernelDistance(Brightness())):
        features = metric.features(clips).numpy()
        assert metric.feature_key() == "brightness 1"
        assert metric.distance(features, features + 10) > metric.distance(features, features + 1)
