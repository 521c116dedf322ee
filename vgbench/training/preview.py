"""Previews: what a stage makes of a few clips, as a strip that a browser plays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from vgbench.data.clips import Clip, as_batch, stacked
from vgbench.data.loader import ClipCache
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import DataError
from vgbench.generation.boundary import to_uint8
from vgbench.interfaces import Batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Preview: TypeAlias = "Callable[[Batch], Mapping[str, Tensor]]"
"""A stage's `preview`: a batch → named videos (B, T, C, H, W) in [0, 1]."""

CLIPS = 4
FPS = 8


def write_strip(path: Path, preview: Preview, data: ProtocolData, cache: ClipCache, device: torch.device) -> None:
    """Write a stage's named videos side by side, a row per clip; validation clips where there are any, else training clips.

    Nothing is written for a stage that previews nothing.
    """
    import torch

    from vgbench.video.encode import strip, write_preview

    clips = _unseen_clips(data) or data.clips("train")
    chosen = clips[:: max(1, len(clips) // CLIPS)][:CLIPS]
    videos = preview(as_batch(chosen, stacked(chosen, cache.read).to(device)))
    if videos:
        rows = [strip([_frames(video[index]) for video in videos.values()]) for index in range(len(chosen))]
        write_preview(path, torch.cat(rows, dim=2), fps=FPS)


def _unseen_clips(data: ProtocolData) -> list[Clip]:
    """The validation clips; none where the protocol has no such section, or the data no video for it."""
    try:
        return data.clips("validation")
    except DataError:
        return []


def _frames(video: Tensor) -> Tensor:
    """(T, C, H, W) in [0, 1] as uint8 on the CPU."""
    return to_uint8(video.detach().float().clamp(0, 1)).cpu()
