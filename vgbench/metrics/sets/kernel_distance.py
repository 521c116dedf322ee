"""The kernel distance: an estimate of the squared maximum mean discrepancy that has no bias in n.

M. Bińkowski, D. J. Sutherland, M. Arbel, A. Gretton, "Demystifying MMD GANs", ICLR 2018: k(x, y) = (x·y / D + 1)³.
"""

from __future__ import annotations

from typing import Any

from vgbench.metrics.sets.feature_sets import Vectors, checked_sets

_BLOCK = 1024
"""Rows of a kernel matrix at a time."""


def kernel_distance(real: Any, generated: Any, *, metric: str = "the kernel distance") -> float:
    """Unbiased squared MMD over all pairs; 0 on average for equal distributions, so it may be negative.

    real, generated: (N, D) and (M, D).

    MetricError: fewer than two vectors on a side, different widths, or values that are not finite.
    """
    first, second = checked_sets(real, generated, metric=metric)
    return _mean_within(first) + _mean_within(second) - 2 * _sum(first, second) / (len(first) * len(second))


def _mean_within(vectors: Vectors) -> float:
    """Over pairs of two different vectors."""
    n, width = vectors.shape
    itself = float((((vectors * vectors).sum(axis=1) / width + 1) ** 3).sum())
    return (_sum(vectors, vectors) - itself) / int(n * (n - 1))


def _sum(first: Vectors, second: Vectors) -> float:
    total = 0.0
    for start in range(0, len(first), _BLOCK):
        kernel = first[start : start + _BLOCK] @ second.T
        kernel /= first.shape[1]
        kernel += 1
        total += float((kernel * kernel * kernel).sum())
    return total
