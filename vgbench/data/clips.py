"""Clips: windows cut from a data set's videos, and batches of their pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vgbench.interfaces import Batch, Source
from vgbench.protocol import Windows

if TYPE_CHECKING:
    from torch import Tensor


def stacked(clips: Sequence[Clip], read: Callable[[Clip], Tensor]) -> Tensor:
    """The clips' pixels, uint8 (B, T, C, H, W)."""
    import torch

    return torch.stack([read(clip) for clip in clips])


def as_batch(clips: Sequence[Clip], frames: Tensor) -> Batch:
    """The clips with their pixels, float32 in [0, 1]."""
    return Batch(to_float(frames), tuple(clip.clip_id for clip in clips), tuple(clip.source_id for clip in clips))


def to_float(frames: Tensor) -> Tensor:
    """uint8 as float32 in [0, 1], on the same device."""
    import torch

    return frames.to(torch.float32).div_(255)


class Clip(NamedTuple):
    """A window of a video."""

    clip_id: str
    """`source_id/start`, the start with six digits."""
    source_id: str
    start: int
    length: int
    split: str
    """The split its video is of."""


def cut(sources: list[Source], windows: Windows) -> list[Clip]:
    """The clips that the windows give, in the sources' order; a video shorter than a window gives none."""
    clips = []
    for source in sources:
        starts = range(0, source.frames - windows.length + 1, windows.stride)
        chosen = starts[:1] if windows.which == "first" else starts
        clips += [Clip(f"{source.source_id}/{start:06d}", source.source_id, start, windows.length, windows.split) for start in chosen]
    return clips
