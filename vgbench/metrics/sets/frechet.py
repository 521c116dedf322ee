"""The Fréchet distance between Gaussians fitted to two sets of features, exact for any number of vectors.

D. C. Dowson, B. V. Landau, "The Fréchet distance between multivariate normal distributions", 1982:

    d² = |μ₁ − μ₂|² + Tr Σ₁ + Tr Σ₂ − 2 Tr (Σ₁Σ₂)^½.

The product Σ₁Σ₂ is not symmetric and, from fewer vectors than dimensions, singular: its matrix square root as scipy's `sqrtm`
computes it was seen to be off by a factor of four, and once negative. But with Σ = AᵀA the eigenvalues of Σ₁Σ₂ are those of
(A₁A₂ᵀ)(A₁A₂ᵀ)ᵀ, so Tr (Σ₁Σ₂)^½ is the sum of the singular values of A₁A₂ᵀ. A is the centred data itself where there are fewer
vectors than dimensions, else its triangular factor; nothing is squared that a root would have to undo.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vgbench.metrics.sets.feature_sets import Vectors, checked_sets


def frechet_distance(real: Any, generated: Any, *, unbiased: bool = False, metric: str = "the Fréchet distance") -> float:
    """The squared distance, 0 for equal sets; a rounding error below 0 is given as 0.

    real, generated: (N, D) and (M, D).  unbiased: whether covariances are divided by n − 1 instead of n.

    MetricError: fewer than two vectors on a side, different widths, or values that are not finite.

    >>> import numpy as np
    >>> square = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]])
    >>> round(frechet_distance(square, 3 * square), 12)  # the mean moves by (2, 2), each spread grows from 1 to 3
    16.0
    """
    first, second = checked_sets(real, generated, metric=metric)
    shift = first.mean(axis=0) - second.mean(axis=0)
    one, other = _factor(first, unbiased), _factor(second, unbiased)
    overlap = float(np.linalg.svd(one @ other.T, compute_uv=False).sum())
    distance = float(shift @ shift) + float((one * one).sum()) + float((other * other).sum()) - 2 * overlap
    return max(0.0, distance)


def _factor(vectors: Vectors, unbiased: bool) -> Vectors:
    """A with AᵀA = Σ: (min(n, D), D)."""
    centred: Vectors = vectors - vectors.mean(axis=0)
    centred /= math.sqrt(len(vectors) - (1 if unbiased else 0))
    if len(vectors) <= vectors.shape[1]:
        return centred
    return np.asarray(np.linalg.qr(centred, mode="r"))
