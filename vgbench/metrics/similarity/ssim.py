"""SSIM: variants that differ in window, border, covariance, range and colour.

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality assessment: from error visibility to structural similarity",
IEEE Transactions on Image Processing 13(4), 2004.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vgbench.metrics.frames import FrameMetric
from vgbench.metrics.luma import limited_luma, yiq_luma
from vgbench.metrics.pairs import check_data_range, check_pair, check_size, without_border
from vgbench.metrics.similarity.similarity import mean_similarity
from vgbench.metrics.similarity.windows import Stability, Term, Window, gaussian_window, uniform_window

GAUSSIAN = gaussian_window(11, 1.5)
UNIFORM = uniform_window(7)
K1, K2 = 0.01, 0.03
LEVELS = 255.0


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One reading of SSIM."""

    window: Window = GAUSSIAN
    data_range: float = LEVELS
    """In 8-bit levels: 255 for images in [0, 1] with range 1, 510 for a range of 2."""
    sample_covariance: bool = False
    """Whether variances are divided by n − 1 of the window's n pixels."""
    reflect: bool = False
    """Whether the border is reflected, so that every pixel has a window; else only windows inside the frame count."""
    clamp_contrast: bool = False
    """Whether a negative contrast-structure term counts as 0."""
    border: int = 0
    """Pixels at each edge that are cut off before anything else."""
    prepare: Callable[[Tensor], Tensor] | None = None
    """Applied to a clip's levels, uint8 (T, C, H, W), first."""

    @property
    def least_size(self) -> int:
        """The least height and width in pixels, before anything is prepared: of reflected frames half a window, else a window."""
        return 2 * self.border + (self.window.size // 2 + 1 if self.reflect else self.window.size)

    @property
    def stability(self) -> Stability:
        """C₁ and C₂; sample covariances are n/(n − 1) times the biased ones, which comes to a smaller C₂."""
        pixels = self.window.size**2
        covariance_factor = pixels / (pixels - 1) if self.sample_covariance else 1
        return Stability((K1 * self.data_range) ** 2, (K2 * self.data_range) ** 2 / covariance_factor)


def ssim(clips: Tensor, references: Tensor, definition: Definition, *, metric: str = "ssim") -> Tensor:
    """Structural similarity of each frame, at most 1.

    clips, references: uint8 (B, T, C, H, W).  Returns (B, T) float64.

    MetricError: the frames are smaller than the window, or the two tensors do not fit.

    >>> clip = torch.arange(256, dtype=torch.uint8).view(1, 1, 1, 16, 16)
    >>> ssim(clip, clip, Definition())
    tensor([[1.]], dtype=torch.float64)
    """
    check_pair(clips, references, metric=metric)
    check_data_range(definition.data_range, metric=metric)
    check_size(clips, definition.least_size, metric=metric, does=f"slides a {definition.window.name} window over")
    x, y = (_planes(without_border(side, definition.border), definition) for side in (clips, references))
    planes = mean_similarity(
        x, y, window=definition.window, stability=definition.stability, term=Term(clamp_contrast=definition.clamp_contrast)
    )
    channels = planes.view(*clips.shape[:2], planes.shape[1] // clips.shape[1]).unbind(-1)
    total = torch.zeros_like(channels[0])
    for channel in channels:  # in this order, which a reduction would leave to torch
        total += channel
    return total / len(channels)


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


def pooled_like_piq(clip: Tensor) -> Tensor:
    """Average-pooled by min(height, width) / 256, rounded, where that is more than 1: (T, C, H, W) → float64, or as it was."""
    factor = max(1, round(min(clip.shape[-2:]) / 256))
    return functional.avg_pool2d(clip.double(), factor) if factor > 1 else clip


WANG = Definition()
SKIMAGE = Definition(window=UNIFORM, sample_covariance=True)
OPENSTL = Definition(window=UNIFORM, sample_covariance=True, data_range=2 * LEVELS)
TORCHMETRICS = Definition(reflect=True)
PIQ = Definition(prepare=pooled_like_piq)
PYIQA = Definition(prepare=yiq_luma, clamp_contrast=True)
Y_LIMITED = Definition(prepare=limited_luma)
Y_LIMITED_CROP4 = Definition(prepare=limited_luma, border=4)


def ssim_wang() -> FrameMetric:
    """The definition of the paper, on each colour channel."""
    return FrameMetric(ssim, definition=WANG)


def ssim_skimage() -> FrameMetric:
    """scikit-image's defaults with data_range=1."""
    return FrameMetric(ssim, definition=SKIMAGE)


def ssim_openstl() -> FrameMetric:
    """scikit-image's defaults, with a range of 2 for images in [0, 1]."""
    return FrameMetric(ssim, definition=OPENSTL)


def ssim_torchmetrics() -> FrameMetric:
    """The border reflected and kept."""
    return FrameMetric(ssim, definition=TORCHMETRICS)


def ssim_piq() -> FrameMetric:
    """Large frames pooled first."""
    return FrameMetric(ssim, definition=PIQ)


def ssim_pyiqa() -> FrameMetric:
    """On rounded luma, negative structure counted as 0."""
    return FrameMetric(ssim, definition=PYIQA)


def ssim_y_limited() -> FrameMetric:
    """On luma between 16 and 235, not rounded."""
    return FrameMetric(ssim, definition=Y_LIMITED)


def ssim_y_limited_crop4() -> FrameMetric:
    """The same, without a border of 4 pixels."""
    return FrameMetric(ssim, definition=Y_LIMITED_CROP4)
