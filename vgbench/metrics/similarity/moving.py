"""SSIM on the moving region alone."""

from __future__ import annotations

import torch
from torch import Tensor

from vgbench.metrics.moving import moving_region, or_all
from vgbench.metrics.pairs import check_pair, check_size
from vgbench.metrics.pixel.moving import RegionMetric
from vgbench.metrics.similarity.ssim import WANG
from vgbench.metrics.similarity.windows import Stability, Window, slide_along, slide_down


def region_ssim(clips: Tensor, references: Tensor, *, metric: str = "region_ssim") -> Tensor:
    """Structural similarity of each frame, by ssim@wang's definition, averaged over the windows whose centre is in the moving region.

    clips, references: uint8 (B, T, C, H, W).  Returns (B, T) float64.  MetricError: the frames are smaller than the window.
    """
    check_pair(clips, references, metric=metric)
    check_size(clips, WANG.least_size, metric=metric, does=f"slides a {WANG.window.name} window over")
    half = WANG.window.size // 2
    regions = or_all(moving_region(references)[:, half : clips.shape[3] - half, half : clips.shape[4] - half])
    return torch.stack([_of_clip(clip, real, region) for clip, real, region in zip(clips, references, regions, strict=True)])


def _of_clip(clip: Tensor, real: Tensor, region: Tensor) -> Tensor:
    """(T, C, H, W) twice and the windows that count, (h, w) → (T,)."""
    pairs = zip(clip.flatten(0, 1), real.flatten(0, 1), strict=True)
    planes = [similarity_map(x, y, WANG.window, WANG.stability)[region].mean() for x, y in pairs]
    return torch.stack(planes).view(clip.shape[:2]).mean(1)


def similarity_map(x: Tensor, y: Tensor, window: Window, stability: Stability) -> Tensor:
    """Structural similarity at each position where the window fits: (H, W) twice → (h, w) float64."""
    x, y = x.double(), y.double()
    u, v = x + y, x - y
    maps = torch.stack([u, v, u * u, v * v], 1)  # (H, 4, W)
    rows, columns = maps.shape[0] - window.size + 1, maps.shape[2] - window.size + 1
    down, filtered = maps.new_empty(rows, 4 * maps.shape[2]), maps.new_empty(4 * rows, columns)
    slide_down(maps.flatten(1), window, down)
    slide_along(down.view(4 * rows, -1), window, filtered)
    u, v, uu, vv = filtered.view(rows, 4, columns).unbind(1)
    mean_u, mean_v = u * u, v * v
    variance_u, variance_v = uu - mean_u, vv - mean_v
    luminance, contrast = 2 * stability.luminance, 2 * stability.contrast
    numerator = (mean_u - mean_v + luminance) * (variance_u - variance_v + contrast)
    return numerator / ((mean_u + mean_v + luminance) * (variance_u + variance_v + contrast))


def ssim_moving() -> RegionMetric:
    """On each colour channel."""
    return RegionMetric(region_ssim)
