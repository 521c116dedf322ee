"""Resize videos: antialiased, and the same bits for a frame whatever is resized beside it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vgbench.errors import ConfigError, UnknownName

RESAMPLE = ("area", "bicubic", "bilinear", "nearest")
FIT = ("center-crop", "squash")
_TORCH_MODES = {"area": "area", "bicubic": "bicubic", "bilinear": "bilinear", "nearest": "nearest-exact"}
_CHUNK = {"cpu": 1 << 20}
_CHUNK_ELSEWHERE = 1 << 24
"""Input values turned into float32 at a time: what a processor keeps in its cache, or keeps a GPU busy; without a trace in the result."""


class Crop(NamedTuple):
    """A rectangle in pixels."""

    top: int
    left: int
    height: int
    width: int


def resize(video_tchw: Tensor, size: Sequence[int], *, resample: str = "bilinear", fit: str = "squash") -> Tensor:
    """The video at `size` (height, width): uint8 (T, C, height, width).

    video_tchw: uint8 (T, C, H, W).  resample: `bilinear` and `bicubic` (a = −0.5) widen their filter when they shrink, as Pillow does;
    `area` is the mean over the covered pixels; `nearest` takes the pixel at the centre.  fit: `squash` ignores the aspect ratio,
    `center-crop` first cuts to it, see `center_crop`.  Computed in float32, rounded half to even, clamped to 0 … 255; each channel
    of each frame by itself.  A video that has the size already is returned with the same bits.
    Raises ConfigError for an unknown name or a size below 1.
    """
    check_resize(size, resample=resample, fit=fit)
    if video_tchw.dtype != torch.uint8 or video_tchw.ndim != 4:
        raise ValueError(f"resize takes uint8 (T, C, H, W), not {video_tchw.dtype} {tuple(video_tchw.shape)}")
    height, width = size
    if fit == "center-crop":
        crop = center_crop((video_tchw.shape[2], video_tchw.shape[3]), (height, width))
        video_tchw = video_tchw[:, :, crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    if tuple(video_tchw.shape[2:]) == (height, width):
        return video_tchw.contiguous()
    return _resampled(video_tchw, height, width, _TORCH_MODES[resample])


def check_resize(size: Sequence[int], *, resample: str, fit: str) -> None:
    """Raise ConfigError for what `resize` does not know."""
    for kind, name, known in (("resample filter", resample, RESAMPLE), ("fit", fit, FIT)):
        if name not in known:
            raise ConfigError(str(UnknownName(kind, name, known)))
    if len(size) != 2 or min(size) < 1:
        raise ConfigError(f"size = {tuple(size)}: give (height, width), both at least 1.")


def center_crop(source: tuple[int, int], target: tuple[int, int]) -> Crop:
    """The largest centred rectangle of `source` (height, width) with the aspect ratio of `target`.

    One side is kept whole; the other is rounded half to even, and is at least 1.
    Where the rest is odd, one pixel more is cut at the bottom or right.
    """
    height, width = source
    aspect = Fraction(target[1], target[0])
    if width > height * aspect:
        cropped_height, cropped_width = height, max(1, round(height * aspect))
    else:
        cropped_height, cropped_width = max(1, round(width / aspect)), width
    return Crop((height - cropped_height) // 2, (width - cropped_width) // 2, cropped_height, cropped_width)


def _resampled(video_tchw: Tensor, height: int, width: int, mode: str) -> Tensor:
    frames, channels = video_tchw.shape[:2]
    result = torch.empty((frames, channels, height, width), dtype=torch.uint8, device=video_tchw.device)
    at_once = max(1, _CHUNK.get(video_tchw.device.type, _CHUNK_ELSEWHERE) // max(1, video_tchw[0].numel())) if frames else 1
    antialias = {"antialias": True} if mode in ("bilinear", "bicubic") else {}
    for start in range(0, frames, at_once):
        # Planes of one channel in contiguous memory: no choice of memory layout, hence of kernel, is left to torch.
        planes = video_tchw[start : start + at_once].flatten(0, 1)[:, None].to(torch.float32).contiguous()
        resized = interpolate(planes, size=(height, width), mode=mode, **antialias).round_().clamp_(0, 255)
        result[start : start + at_once] = resized.to(torch.uint8).view(-1, channels, height, width)
    return result
