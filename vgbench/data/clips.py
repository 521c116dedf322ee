"""Clips: windows cut from a data set's videos, and batches of their pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vgbench.errors import DataError
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
    offsets: tuple[int, ...] = ()
    """Which frames of the video are the clip's, counted from `start`; empty: `length` in a row."""

    @property
    def span(self) -> int:
        """The video's frames from the clip's first to its last."""
        return self.offsets[-1] + 1 if self.offsets else self.length

    def picked(self, frames: Tensor) -> Tensor:
        """Of the video's frames (span, C, H, W) the clip's."""
        return frames[list(self.offsets)] if self.offsets else frames


def cut(sources: list[Source], windows: Windows) -> list[Clip]:
    """The clips that the windows give, in the sources' order; a video shorter than a window gives none.

    DataError: a video has fewer frames per second than the windows ask for, or does not say how many.
    """
    clips = []
    for source in sources:
        offsets = offsets_of(source, windows)
        starts = range(0, source.frames - span_of(source, windows) + 1, windows.stride)
        chosen = starts[:1] if windows.which == "first" else starts
        clips += [
            Clip(f"{source.source_id}/{start:06d}", source.source_id, start, windows.length, windows.split, offsets) for start in chosen
        ]
    return clips


_RATES_ALIKE = 0.99
"""A rate that falls short of the one asked for by less than a hundredth is the same: 29.97 for 30, 23.976 for 24."""


def offsets_of(source: Source, windows: Windows) -> tuple[int, ...]:
    """Which frames of a window's span are the clip's; empty where all are.  DataError: see `cut`."""
    if windows.fps is None:
        return tuple(range(0, windows.length * windows.step, windows.step)) if windows.step > 1 else ()
    if source.fps is None or source.fps < windows.fps * _RATES_ALIKE:
        has = "does not say its frame rate" if source.fps is None else f"has {source.fps:g} frames per second"
        raise DataError(
            f"{source.source_id} {has}, and the protocol asks for fps = {windows.fps:g} of split '{windows.split}': frames are left out "
            "for it, none are made up. Set a lower fps, or step."
        )
    ratio = max(1.0, source.fps / windows.fps)
    offsets = tuple(math.floor(number * ratio + 1e-9) for number in range(windows.length))
    return offsets if offsets[-1] >= windows.length else ()


def span_of(source: Source, windows: Windows) -> int:
    """The source's frames from a window's first to its last."""
    offsets = offsets_of(source, windows)
    return offsets[-1] + 1 if offsets else windows.length


def rate_of(source: Source, windows: Windows) -> float | None:
    """The frames per second of a source's clips; None where that is not known."""
    if source.fps is None:
        return None
    return source.fps / windows.step if windows.fps is None else min(source.fps, windows.fps)
