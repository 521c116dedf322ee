"""Multi-scale SSIM: contrast and structure at five scales, luminance at the coarsest.

Z. Wang, E. P. Simoncelli, A. C. Bovik, "Multi-scale structural similarity for image quality assessment", Asilomar 2003, equation 7.
"""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional

from vgbench.metrics.backends import on_gpu
from vgbench.metrics.frames import FrameMetric
from vgbench.metrics.pairs import check_pair, check_size
from vgbench.metrics.similarity.similarity import mean_similarity
from vgbench.metrics.similarity.ssim import GAUSSIAN, K1, K2, LEVELS
from vgbench.metrics.similarity.windows import Stability, Term

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""The paper's, from the finest scale to the coarsest."""
LEAST_SIZE = (GAUSSIAN.size - 1) * 2 ** (len(EXPONENTS) - 1) + 1
"""Pixels of height and width: the window must fit after four halvings."""
_STABILITY = Stability((K1 * LEVELS) ** 2, (K2 * LEVELS) ** 2)


def ms_ssim(clips: Tensor, references: Tensor, *, metric: str = "ms-ssim") -> Tensor:
    """Multi-scale structural similarity of each frame, the mean over its channels, from 0 to 1.

    clips, references: uint8 (B, T, C, H, W), sides of at least 161 pixels.  Returns (B, T) float64.

    MetricError: the frames are too small, or the two tensors do not fit.
    """
    check_pair(clips, references, metric=metric)
    does = f"halves four times, under an {GAUSSIAN.name} window,"
    check_size(clips, LEAST_SIZE, metric=metric, does=does, advice=" For smaller frames there is ssim.")
    values = on_gpu("similarity", clips.device, lambda gpu: _of_batch(clips.flatten(0, 1), references.flatten(0, 1), gpu))
    if values is not None:
        return values.view(clips.shape[:2])
    frames = zip(clips.flatten(0, 1), references.flatten(0, 1), strict=True)
    return torch.stack([_of_frame(x, y) for x, y in frames]).view(clips.shape[:2])


def _of_frame(x: Tensor, y: Tensor) -> Tensor:
    """(C, H, W) twice → a number; one frame at a time, so that its bits do not depend on its neighbours."""
    x, y = x[None].double(), y[None].double()
    product = torch.ones(x.shape[1], dtype=torch.float64, device=x.device)
    for scale, exponent in enumerate(EXPONENTS):
        is_last = scale == len(EXPONENTS) - 1
        term = mean_similarity(x, y, window=GAUSSIAN, stability=_STABILITY, term=Term(has_luminance=is_last))[0]
        product = product * term.clamp_min(0) ** exponent
        if not is_last:
            x, y = halved(x), halved(y)
    return product.mean()


def _of_batch(x: Tensor, y: Tensor, gpu: ModuleType) -> Tensor:
    """uint8 (N, C, H, W) twice → (N,), by kernels that look at each plane by itself.

    A scale's pixels are kept as sums of levels, 4 at a time, which are exact; the constants grow with their squares instead.
    """
    product = torch.ones(x.shape[:2], dtype=torch.float64, device=x.device)
    for scale, exponent in enumerate(EXPONENTS):
        is_last = scale == len(EXPONENTS) - 1
        stability = Stability(*(constant * 16**scale for constant in _STABILITY))
        term = gpu.mean_similarity(x, y, GAUSSIAN, stability, Term(has_luminance=is_last))
        product = product * term.clamp_min(0) ** exponent
        if not is_last:
            x, y = gpu.sums_of_four(x), gpu.sums_of_four(y)
    return product.mean(1)


def halved(planes: Tensor) -> Tensor:
    """Means of 2×2 pixels; an odd side gets a border of zeros at both ends, as pytorch-msssim and the paper's later code have it."""
    return functional.avg_pool2d(planes, 2, padding=(planes.shape[2] % 2, planes.shape[3] % 2))


def ms_ssim_wang() -> FrameMetric:
    """The paper's exponents, each colour channel by itself."""
    return FrameMetric(ms_ssim)
