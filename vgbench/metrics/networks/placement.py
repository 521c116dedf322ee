"""How clips are brought to the size that a network takes: sampling grid, side and scale, as each published code does it."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

SIDE = 224
"""Height and width in pixels that I3D was trained on."""


Sampling = Literal["half-pixel", "corner"]
"""Where the pixels of an enlarged picture lie: at their centres, as torch has it, or from the first pixel's corner on, as TensorFlow 1."""


class Placement(NamedTuple):
    """How frames of any size become 224×224."""

    fit: Literal["squash", "center-crop"] = "squash"
    """center-crop: the shorter side becomes 224, and the middle of the longer one is kept."""
    sampling: Sampling = "half-pixel"

    def __str__(self) -> str:
        return f"{self.fit} {SIDE} bilinear {self.sampling}"


def placed(frames: Tensor, placement: Placement) -> Tensor:
    """uint8 (T, C, H, W) → float32 (T, 3, 224, 224) in [−1, 1], bilinear without antialiasing; grey is repeated."""
    video = frames.expand(-1, 3, -1, -1).float().div_(127.5).sub_(1)
    height, width = video.shape[2:]
    if placement.fit == "center-crop":
        scale = SIDE / min(height, width)
        video = bilinear(video, max(SIDE, round(height * scale)), max(SIDE, round(width * scale)), placement.sampling)
        top, left = (video.shape[2] - SIDE) // 2, (video.shape[3] - SIDE) // 2
        return video[:, :, top : top + SIDE, left : left + SIDE]
    return bilinear(video, SIDE, SIDE, placement.sampling)


def bilinear(video: Tensor, height: int, width: int, sampling: Sampling) -> Tensor:
    if sampling == "half-pixel":
        return functional.interpolate(video, (height, width), mode="bilinear", align_corners=False)
    return _from_the_corner(_from_the_corner(video, 2, height), 3, width)


def _from_the_corner(video: Tensor, axis: int, length: int) -> Tensor:
    """Pixel i of the result lies at i·n/length of the n pixels before."""
    before = video.shape[axis]
    place = torch.arange(length, dtype=torch.float32, device=video.device) * (before / length)
    low = place.floor().long()
    high = (low + 1).clamp_max(before - 1)
    shape = [1] * video.ndim
    shape[axis] = length
    share = (place - low).view(shape)
    return video.index_select(axis, low) * (1 - share) + video.index_select(axis, high) * share
