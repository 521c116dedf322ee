"""SSIM: variants that differ in window, border, covariance, range and colour.

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to structural similarity",
IEEE Transactions on Image Processing 13(4), 2004.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from vgbench.errors import MetricError
from vgbench.interfaces import PairedMetric
from vgbench.metrics.backends import on_gpu
from vgbench.metrics.pairs import check_data_range, check_pair
from vgbench.metrics.similarity.similarity import mean_similarity
from vgbench.metrics.similarity.windows import Stability, Term, Window, gaussian_window, uniform_window

GAUSSIAN = gaussian_window(11, 1.5)
UNIFORM = uniform_window(7)
K1, K2 = 0.01, 0.03
LEVELS = 255.0


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One reading of SSIM."""

    metric: str
    """The name that an error message begins with."""
    window: Window = GAUSSIAN
    data_range: float = LEVELS
    """In 8-bit levels: 255 for images in [0, 1] with range 1, 510 for a range of 2."""
    sample_covariance: bool = False
    """Whether variances are divided by n − 1 of the window's n pixels."""
    reflect: bool = False
    """Whether the border is reflected, so that every pixel has a window; else only windows inside the frame count."""
    clamp_contrast: bool = False
    """Whether a negative contrast-structure term counts as 0."""
    prepare: Callable[[Tensor], Tensor] | None = None
    """Applied to a clip's levels, uint8 (T, C, H, W), first."""

    @property
    def least_size(self) -> int:
        """The least height and width in pixels, before anything is prepared: of reflected frames half a window, else a window."""
        return self.window.size // 2 + 1 if self.reflect else self.window.size

    @property
    def stability(self) -> Stability:
        """C₁ and C₂; sample covariances are n/(n − 1) times the biased ones, which comes to a smaller C₂."""
        pixels = self.window.size**2
        covariance_factor = pixels / (pixels - 1) if self.sample_covariance else 1
        return Stability((K1 * self.data_range) ** 2, (K2 * self.data_range) ** 2 / covariance_factor)


def ssim(clips: Tensor, references: Tensor, definition: Definition) -> Tensor:
    """Structural similarity of each frame, at most 1.

    clips, references: uint8 (B, T, C, H, W).  Returns (B, T) float64.

    MetricError: the frames are smaller than the window, or the two tensors do not fit.

    >>> clip = torch.arange(256, dtype=torch.uint8).view(1, 1, 1, 16, 16)
    >>> ssim(clip, clip, Definition(metric="ssim"))
    tensor([[1.]], dtype=torch.float64)
    """
    check_pair(clips, references, metric=definition.metric)
    check_data_range(definition.data_range, metric=definition.metric)
    _check_size(clips, definition)
    x, y = _planes(clips, definition), _planes(references, definition)
    planes = mean_similarity(
        x, y, window=definition.window, stability=definition.stability, term=Term(clamp_contrast=definition.clamp_contrast)
    )
    channels = planes.view(*clips.shape[:2], planes.shape[1] // clips.shape[1]).unbind(-1)
    total = torch.zeros_like(channels[0])
    for channel in channels:  # in this order, which a reduction would leave to torch
        total += channel
    return total / len(channels)


def _check_size(clips: Tensor, definition: Definition) -> None:
    height, width = clips.shape[3:]
    if min(height, width) < definition.least_size:
        raise MetricError(
            f"{definition.metric} slides a {definition.window.name} window over frames of at least "
            f"{definition.least_size}×{definition.least_size} pixels; these are {height}×{width}."
        )


def _planes(clips: Tensor, definition: Definition) -> Tensor:
    """(B, T, C, H, W) uint8 → (B, T·C, H, W): what the window slides over, one plane a channel."""
    if definition.prepare is not None:
        clips = torch.stack([definition.prepare(clip) for clip in clips])
    if definition.reflect:
        clips = _reflected(_reflected(clips, -2, definition.window), -1, definition.window)
    return clips.flatten(1, 2)


def _reflected(clips: Tensor, axis: int, window: Window) -> Tensor:
    """Half a window more at both ends of an axis, mirrored about the first and the last pixel, which are not repeated."""
    length, border = clips.shape[axis], window.size // 2
    before, after = torch.arange(border, 0, -1), torch.arange(length - 2, length - 2 - border, -1)
    return clips.index_select(axis, torch.cat([before, torch.arange(length), after]).to(clips.device))


def yiq_luma(clip: Tensor) -> Tensor:
    """Luma of YIQ rounded to whole levels: uint8 (T, C, H, W) → (T, 1, H, W); grey is its own luma.

    In float32 on [0, 1] and in this order, as pyiqa computes it: one colour in a thousand lies exactly between two levels, and
    goes where float32's rounding sends it.
    """
    if clip.shape[1] == 1:
        return clip
    tables = _luma_tables(clip.device)
    found: Tensor | None = on_gpu("similarity", clip.device, lambda gpu: gpu.luma(clip, tables))
    if found is not None:
        return found
    red, green, blue = (table[channel.int()] for table, channel in zip(tables, clip.unbind(1), strict=True))
    luma: Tensor = ((red + green + blue) * 255).round().to(torch.uint8).unsqueeze(1)
    return luma


@cache
def _luma_tables(device: torch.device) -> Tensor:
    """float32 (3, 256): what each level of red, green and blue adds to the luma; made on the processor, since a GPU divides by a
    constant as it multiplies by its rounded inverse."""
    levels = torch.arange(256, dtype=torch.float32) / 255
    return torch.stack([levels * 0.299, levels * 0.587, levels * 0.114]).to(device)


def pooled_like_piq(clip: Tensor) -> Tensor:
    """Average-pooled by min(height, width) / 256, rounded, where that is more than 1: (T, C, H, W) → float64, or as it was."""
    factor = max(1, round(min(clip.shape[-2:]) / 256))
    return functional.avg_pool2d(clip.double(), factor) if factor > 1 else clip


WANG = Definition(metric="ssim@wang")
SKIMAGE = Definition(metric="ssim@skimage", window=UNIFORM, sample_covariance=True)
OPENSTL = Definition(metric="ssim@openstl", window=UNIFORM, sample_covariance=True, data_range=2 * LEVELS)
TORCHMETRICS = Definition(metric="ssim@torchmetrics", reflect=True)
PIQ = Definition(metric="ssim@piq", prepare=pooled_like_piq)
PYIQA = Definition(metric="ssim@pyiqa", prepare=yiq_luma, clamp_contrast=True)


class Ssim(PairedMetric):
    """Structural similarity by one definition."""

    span = 1

    definition = WANG

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return ssim(clips, references, self.definition)


class SsimWang(Ssim):
    """ssim@wang: the definition of the paper, on each colour channel."""


class SsimSkimage(Ssim):
    """ssim@skimage: scikit-image's defaults with data_range=1."""

    definition = SKIMAGE


class SsimOpenstl(Ssim):
    """ssim@openstl: scikit-image's defaults, with a range of 2 for images in [0, 1]."""

    definition = OPENSTL


class SsimTorchmetrics(Ssim):
    """ssim@torchmetrics: the border reflected and kept."""

    definition = TORCHMETRICS


class SsimPiq(Ssim):
    """ssim@piq: large frames pooled first."""

    definition = PIQ


class SsimPyiqa(Ssim):
    """ssim@pyiqa: on rounded luma, negative structure counted as 0."""

    definition = PYIQA
