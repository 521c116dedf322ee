"""A preview of a protocol's clips: a sheet of frames, a moving grid, and how much moves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vgbench.config import DEFAULT_PROTOCOL
from vgbench.data.clips import Clip
from vgbench.data.inspection.survey import clip_facts
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import DataError
from vgbench.protocol import Protocol, as_protocol

if TYPE_CHECKING:
    from torch import Tensor

SHEET_CLIPS, SHEET_FRAMES = 12, 8
GRID_ROWS, GRID_COLUMNS = 3, 4
MEASURED = 64
"""Clips, spread evenly, over which motion is averaged."""
GAP = 2
FPS = 8


class Preview(NamedTuple):
    """What a preview shows, and what it measured."""

    sheet: Path
    grid: Path
    clips: int
    """Clips that were measured."""
    motion: float
    """mean |x_{t+1} − x_t| of values in [0, 1]."""
    drift: float
    """mean |x_T − x_1|."""
    copy_first: float
    """psnr@frame in dB that repeating the last context frame scores on these clips."""


def preview_clips(
    out: Path, *, role: str = "test", protocol: Protocol | str | Path = DEFAULT_PROTOCOL, data: Mapping[str, Path] | None = None
) -> Preview:
    """Write `<protocol>-<role>.png`, a row per clip and its frames along it, and `….mp4`, clips side by side, into a folder.

    DataError: the data are not there, or the folder cannot be made.
    """
    import torch

    from vgbench.video.encode import strip, write_preview

    opened = ProtocolData(as_protocol(protocol), data or {})
    clips = opened.clips(role)
    stem = f"{opened.protocol.name}-{role}"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{out} cannot be made: {error.strerror}.") from error
    shown = [opened.read(clip) for clip in _spread(clips, SHEET_CLIPS)]
    _write_sheet(out / f"{stem}.png", shown)
    rows = [strip(shown[start : start + GRID_COLUMNS], gap=GAP) for start in range(0, len(shown), GRID_COLUMNS)]
    width = max(row.shape[3] for row in rows)
    rows = [torch.nn.functional.pad(row, (0, width - row.shape[3], 0, GAP), value=255) for row in rows]
    write_preview(out / f"{stem}.mp4", torch.cat(rows[:GRID_ROWS], dim=2), fps=FPS)
    measured = _spread(clips, MEASURED)
    facts = [clip_facts(clip, opened.read(clip)) for clip in measured]
    return Preview(
        sheet=out / f"{stem}.png",
        grid=out / f"{stem}.mp4",
        clips=len(facts),
        motion=sum(one.motion for one in facts) / len(facts),
        drift=sum(one.drift for one in facts) / len(facts),
        copy_first=_copy_first(opened, measured),
    )


def _spread(clips: list[Clip], count: int) -> list[Clip]:
    """So many of the clips, evenly spread."""
    return [clips[index * len(clips) // min(count, len(clips))] for index in range(min(count, len(clips)))]


def _copy_first(data: ProtocolData, clips: list[Clip]) -> float:
    from vgbench.metrics.pixel.psnr import psnr

    task = data.protocol.task
    values = []
    for clip in clips:
        frames = data.read(clip)
        counted = frames[task.target_start + task.score_from : task.target_start + task.frames]
        copied = frames[task.context - 1 : task.context].expand_as(counted)
        values.append(float(psnr(copied[None], counted[None], data_range=255).mean()))
    return sum(values) / len(values)


def _write_sheet(path: Path, clips: list[Tensor]) -> None:
    """A row per clip, some of its frames from left to right, on white."""
    import numpy as np
    from PIL import Image

    columns = min(SHEET_FRAMES, len(clips[0]))
    height, width = clips[0].shape[2:]
    sheet = np.full((len(clips) * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 255, dtype=np.uint8)
    for row, frames in enumerate(clips):
        for column in range(columns):
            frame = frames[column * (len(frames) - 1) // max(1, columns - 1)].expand(3, -1, -1).permute(1, 2, 0).numpy()
            top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
            sheet[top : top + height, left : left + width] = frame
    try:
        Image.fromarray(sheet).save(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from error
