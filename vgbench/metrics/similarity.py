"""Mean structural similarity of pairs of planes: the arithmetic that every variant of SSIM shares.

With u = x + y and v = x − y, the means μ and variances σ² of u and v under the window give

    SSIM = (μᵤ² − μᵥ² + 2C₁)(σᵤ² − σᵥ² + 2C₂) / ((μᵤ² + μᵥ² + 2C₁)(σᵤ² + σᵥ² + 2C₂)),

which is Wang et al.'s equation 13: four filtered maps instead of five, and exactly 1 where x = y. All in float64: in float32 the
variance of a bright flat region is off by as much as C₂ itself makes visible (errors of 1e-6 to 1e-4 were measured).

Two implementations agree to 1e-12: on a processor a compiled loop that keeps what it needs in the nearest cache, where numba is
installed, and else, as on a GPU, matrix products over tiles. Both look at one clip at a time, so that its bits do not depend on its
batch.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from vgbench.metrics.kernels import kernel_of
from vgbench.metrics.windows import Window


class Stability(NamedTuple):
    """The constants that keep the quotient finite, in levels squared."""

    luminance: float
    """C₁, beside the squared means."""
    contrast: float
    """C₂, beside the variances; divided by n/(n − 1) it stands for sample covariances."""


class Term(NamedTuple):
    """What is averaged."""

    has_luminance: bool = True
    """Whether the luminance term counts; without it the mean is that of the contrast-structure term."""
    clamp_contrast: bool = False
    """Whether the contrast-structure term counts as 0 where it is negative."""


SIMILARITY = Term()


def mean_similarity(x: Tensor, y: Tensor, *, window: Window, stability: Stability, term: Term = SIMILARITY) -> Tensor:
    """Structural similarity of each plane, averaged over the positions where the window fits.

    x, y: (N, P, H, W), any real type, P planes of each of N clips.  Returns (N, P) float64.
    """
    from vgbench.metrics import similarity_tiles

    kernel = kernel_of("similarity_kernel", x.device)
    values: Tensor = (kernel or similarity_tiles).mean_similarity(x, y, window, stability, term)
    return values
