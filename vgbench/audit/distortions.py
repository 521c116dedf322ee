"""Graded distortions of real clips, weakest first: what a metric should see, each with what exactly is done."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Distortion(NamedTuple):
    """One way to spoil a clip, in grades."""

    name: str
    summary: str
    """What the number of a grade says."""
    grades: tuple[float, ...]
    """From weak to strong."""
    apply: Callable[[Tensor, float, torch.Generator], Tensor]
    """(clip uint8 (T, C, H, W), grade, source of chance) → a clip of the same shape."""


def blurred(clip: Tensor, sigma: float, rng: torch.Generator) -> Tensor:
    """Every frame under a Gaussian window, borders repeated."""
    import torch
    from torch.nn import functional

    reach = int(4 * sigma + 0.5)
    taps = torch.exp(-(torch.arange(-reach, reach + 1, dtype=torch.float32) ** 2) / (2 * sigma**2))
    taps /= taps.sum()
    planes = clip.flatten(0, 1)[:, None].float()
    down = functional.conv2d(functional.pad(planes, (0, 0, reach, reach), mode="replicate"), taps.view(1, 1, -1, 1))
    along = functional.conv2d(functional.pad(down, (reach, reach, 0, 0), mode="replicate"), taps.view(1, 1, 1, -1))
    return _levels(along).view_as(clip)


def noisy(clip: Tensor, sigma: float, rng: torch.Generator) -> Tensor:
    """Independent Gaussian noise on every value."""
    import torch

    return _levels(clip + sigma * torch.randn(clip.shape, generator=rng))


def compressed(clip: Tensor, quality: float, rng: torch.Generator) -> Tensor:
    """Every frame written as JPEG and read again."""
    import numpy as np
    import torch
    from PIL import Image

    frames = []
    for frame in clip.permute(0, 2, 3, 1).numpy():
        file = io.BytesIO()
        Image.fromarray(frame.squeeze(-1) if frame.shape[-1] == 1 else frame).save(file, "JPEG", quality=int(quality))
        read = np.asarray(Image.open(file))
        frames.append(torch.from_numpy(read.reshape(frame.shape).copy()))
    return torch.stack(frames).permute(0, 3, 1, 2).contiguous()


def frozen(clip: Tensor, held: float, rng: torch.Generator) -> Tensor:
    """Every frame held for so many, 0 for the whole clip."""
    frames = [t - t % int(held) if held else 0 for t in range(len(clip))]
    return clip[frames]


def shuffled(clip: Tensor, window: float, rng: torch.Generator) -> Tensor:
    """Frames in random order within windows of so many, 0 for the whole clip."""
    import torch

    frames = torch.arange(len(clip))
    return clip[torch.cat([part[torch.randperm(len(part), generator=rng)] for part in torch.split(frames, int(window) or len(clip))])]


def reversed_in_time(clip: Tensor, _: float, rng: torch.Generator) -> Tensor:
    """The last frame first."""
    return clip.flip(0)


def sped_up(clip: Tensor, factor: float, rng: torch.Generator) -> Tensor:
    """Every so many-th frame; at the clip's end it goes back."""
    last = len(clip) - 1
    places = [int(t * factor) % (2 * last or 1) for t in range(len(clip))]
    return clip[[place if place <= last else 2 * last - place for place in places]]


def flickering(clip: Tensor, levels: float, rng: torch.Generator) -> Tensor:
    """Brighter and darker by so many levels in turn."""
    import torch

    signs = torch.ones(len(clip), 1, 1, 1)
    signs[1::2] = -1
    return _levels(clip + levels * signs)


def moved(clip: Tensor, pixels: float, rng: torch.Generator) -> Tensor:
    """So many pixels to the right, the left border repeated."""
    columns = [max(0, column - int(pixels)) for column in range(clip.shape[3])]
    return clip[..., columns]


def brightened(clip: Tensor, levels: float, rng: torch.Generator) -> Tensor:
    """Brighter by so many levels."""
    return _levels(clip + levels)


def _levels(clip: Tensor) -> Tensor:
    import torch

    return clip.clamp(0, 255).round().to(torch.uint8)


DISTORTIONS = (
    Distortion("blur", "standard deviation in pixels", (0.5, 1, 2, 4), blurred),
    Distortion("noise", "standard deviation in levels", (1, 4, 16, 64), noisy),
    Distortion("jpeg", "quality", (90, 50, 20, 5), compressed),
    Distortion("freeze", "frames held; 0 for the first one throughout", (2, 4, 8, 0), frozen),
    Distortion("shuffle", "frames of a window; 0 for the whole clip", (2, 4, 8, 0), shuffled),
    Distortion("reversal", "the whole clip", (1,), reversed_in_time),
    Distortion("speed-up", "times as fast", (2, 3, 4, 6), sped_up),
    Distortion("flicker", "levels up and down", (2, 6, 15, 40), flickering),
    Distortion("shift", "pixels to the right", (1, 2, 4, 8), moved),
    Distortion("brightness", "levels brighter", (5, 15, 40, 90), brightened),
)
