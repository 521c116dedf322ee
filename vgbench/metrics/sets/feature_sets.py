"""What every distance between two sets of features needs to know of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgbench.errors import MetricError

Vectors = NDArray[np.float64]


def checked_sets(real: Any, generated: Any, *, metric: str) -> tuple[Vectors, Vectors]:
    """Both as float64 (N, D) and (M, D).

    MetricError: fewer than two vectors on a side, different widths, or values that are NaN or infinite.
    """
    sets = {"real": np.asarray(real, dtype=np.float64), "generated": np.asarray(generated, dtype=np.float64)}
    for name, vectors in sets.items():
        if vectors.ndim != 2 or not vectors.shape[1]:
            raise MetricError(f"{metric} compares features (N, D); the {name} ones have the shape {vectors.shape}.")
        if len(vectors) < 2:
            raise MetricError(f"{metric} needs at least 2 clips on each side to know how they spread; there is {len(vectors)} {name} one.")
        wrong = int((~np.isfinite(vectors)).any(axis=1).sum())
        if wrong:
            raise MetricError(f"{metric}: {wrong} of {len(vectors)} {name} feature vectors hold NaN or infinity.")
    if sets["real"].shape[1] != sets["generated"].shape[1]:
        widths = [vectors.shape[1] for vectors in sets.values()]
        raise MetricError(f"{metric} compares features of one network; the real ones have {widths[0]} numbers, the generated {widths[1]}.")
    return sets["real"], sets["generated"]
