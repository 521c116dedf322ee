"""Mean structural similarity of pairs of planes: the arithmetic that every variant of SSIM shares.

With u = x + y and v = x − y, the means μ and variances σ² of u and v under the window give

    SSIM = (μᵤ² − μᵥ² + 2C₁)(σᵤ² − σᵥ² + 2C₂) / ((μᵤ² + μᵥ² + 2C₁)(σᵤ² + σᵥ² + 2C₂)),

which is Wang et al.'s equation 13: four filtered maps instead of five, and exactly 1 where x = y. All in float64: in float32 the
variance of a bright flat region is off by as much as C₂ itself makes visible (errors of 1e-6 to 1e-4 were measured).

Three implementations agree to 1e-12: a kernel on a GPU that has Triton; on a processor with numba a compiled loop that keeps what it
needs in the nearest cache; elsewhere matrix products over tiles. Each looks at one plane or clip at a time, so that its bits do not
depend on its batch.
"""

from __future__ import annotations

from types import ModuleType

from torch import Tensor

from vgbench.metrics.backends import loops_of, on_gpu
from vgbench.metrics.similarity.windows import Stability, Term, Window

SIMILARITY = Term()


def mean_similarity(x: Tensor, y: Tensor, *, window: Window, stability: Stability, term: Term = SIMILARITY) -> Tensor:
    """Structural similarity of each plane, averaged over the positions where the window fits.

    x, y: (N, P, H, W), any real type, P planes of each of N clips.  Returns (N, P) float64.
    """
    from vgbench.metrics.similarity import tiled

    def kernel(gpu: ModuleType) -> Tensor | None:
        values: Tensor | None = gpu.mean_similarity(x, y, window, stability, term) if gpu.takes(x, window) else None
        return values

    found = on_gpu("similarity", x.device, kernel)
    if found is not None:
        return found
    values: Tensor = (loops_of("similarity", x.device) or tiled).mean_similarity(x, y, window, stability, term)
    return values
