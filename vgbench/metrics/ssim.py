"""SSIM: variants that differ in window, border, covariance, range and colour.

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to structural similarity",
IEEE Transactions on Image Processing 13(4), 2004.

Everything is computed in float64 from 8-bit levels, a clip at a time in chunks of frames whose length depends on the frame's size
alone; so a clip's score is the same bits whatever its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vgbench.errors import MetricError
from vgbench.interfaces import PairedMetric
from vgbench.metrics.pairs import check_data_range, check_pair
from vgbench.metrics.windows import Window, gaussian_window, slide_along, slide_down, uniform_window

GAUSSIAN = gaussian_window(11, 1.5)
UNIFORM = uniform_window(7)
K1, K2 = 0.01, 0.03
LEVELS = 255.0
YIQ_LUMA = (0.299, 0.587, 0.114)
_CHUNK_VALUES_CPU = 1 << 15
"""Values of one video at a time: its four maps then stay in a core's cache."""
_CHUNK_VALUES_ELSEWHERE = 1 << 24


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
    clamp_variance: bool = False
    """Whether variances that rounding makes negative count as 0."""
    prepare: Callable[[Tensor], Tensor] | None = None
    """Applied to float64 levels (T, C, H, W) first."""


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
    return torch.stack([_clip_ssim(one, other, definition) for one, other in zip(clips, references, strict=True)])


def _check_size(clips: Tensor, definition: Definition) -> None:
    height, width = clips.shape[3:]
    least = definition.window.size // 2 + 1 if definition.reflect else definition.window.size
    if min(height, width) < least:
        raise MetricError(
            f"{definition.metric} slides a {definition.window.name} window over frames of at least {least}×{least} pixels; "
            f"these are {height}×{width}."
        )


def _clip_ssim(clip: Tensor, reference: Tensor, definition: Definition) -> Tensor:
    values = _CHUNK_VALUES_CPU if clip.device.type == "cpu" else _CHUNK_VALUES_ELSEWHERE
    frames = max(1, values // clip[0].numel())
    chunks = zip(torch.split(clip, frames), torch.split(reference, frames), strict=True)
    return torch.cat([_chunk_ssim(_prepared(one, definition), _prepared(other, definition), definition) for one, other in chunks])


def _prepared(frames: Tensor, definition: Definition) -> Tensor:
    """(T, C, H, W) uint8 → (H, T, C, W) float64: rows first, so that both filters run over contiguous memory."""
    levels = frames.double()
    if definition.prepare is not None:
        levels = definition.prepare(levels)
    if definition.reflect:
        border = definition.window.size // 2
        levels = functional.pad(levels, (border, border, border, border), mode="reflect")
    return levels.permute(2, 0, 1, 3)


def _chunk_ssim(x: Tensor, y: Tensor, definition: Definition) -> Tensor:
    """(H, T, C, W) float64 of both → (T,) float64."""
    height, frames, channels, width = x.shape
    maps = x.new_empty(height, 4, frames, channels, width)
    maps[:, 0], maps[:, 1] = x, y
    torch.mul(x, y, out=maps[:, 3])
    torch.mul(maps[:, 0], maps[:, 0], out=maps[:, 2])
    maps[:, 2].addcmul_(maps[:, 1], maps[:, 1])
    mean_x, mean_y, mean_squares, mean_product = _filtered(maps, definition.window)

    # Var x + Var y and Cov(x, y) of each window
    product, squares = mean_x * mean_y, mean_x.square() + mean_y.square()
    variances, covariance = mean_squares - squares, mean_product - product
    if definition.clamp_variance:
        variances = variances.clamp_min_(0)
    if definition.sample_covariance:
        pixels = definition.window.size**2
        variances, covariance = variances * (pixels / (pixels - 1)), covariance * (pixels / (pixels - 1))
    c1, c2 = (K1 * definition.data_range) ** 2, (K2 * definition.data_range) ** 2
    contrast = (2 * covariance + c2) / (variances + c2)
    if definition.clamp_contrast:
        contrast = contrast.clamp_min_(0)
    similarity = (2 * product + c1) / (squares + c1) * contrast

    # Rows first: each sum has a fixed length, so its bits do not depend on the number of threads.
    rows = similarity.sum(dim=-1).mean(dim=-1).double()
    return rows.T.contiguous().mean(dim=-1) / similarity.shape[-1]


def _filtered(maps: Tensor, window: Window) -> tuple[Tensor, ...]:
    """(H, 4, T, C, W) → four tensors (H', T, C, W') of local means."""
    height, *inner, width = maps.shape
    along = maps.new_empty(height, *inner, width - window.size + 1)
    slide_along(maps.view(-1, width), window, along.view(-1, along.shape[-1]))
    down = maps.new_empty(height - window.size + 1, *along.shape[1:])
    slide_down(along.view(height, -1), window, down.view(len(down), -1))
    return down.unbind(1)


def yiq_luma(levels: Tensor) -> Tensor:
    """Luma of YIQ rounded to whole levels: (T, C, H, W) → (T, 1, H, W); grey is its own luma."""
    if levels.shape[1] == 1:
        return levels
    weights = levels.new_tensor(YIQ_LUMA).view(1, 3, 1, 1)
    return (levels * weights).sum(dim=1, keepdim=True).round()


def pooled_like_piq(levels: Tensor) -> Tensor:
    """Average-pooled by min(height, width) / 256, rounded, where that is more than 1."""
    factor = max(1, round(min(levels.shape[-2:]) / 256))
    return functional.avg_pool2d(levels, factor) if factor > 1 else levels


WANG = Definition(metric="ssim@wang")
SKIMAGE = Definition(metric="ssim@skimage", window=UNIFORM, sample_covariance=True)
OPENSTL = Definition(metric="ssim@openstl", window=UNIFORM, sample_covariance=True, data_range=2 * LEVELS)
TORCHMETRICS = Definition(metric="ssim@torchmetrics", reflect=True, clamp_variance=True)
PIQ = Definition(metric="ssim@piq", prepare=pooled_like_piq)
PYIQA = Definition(metric="ssim@pyiqa", prepare=yiq_luma, clamp_contrast=True)


class Ssim(PairedMetric):
    """Structural similarity by one definition."""

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
