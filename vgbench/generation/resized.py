"""Given clips at another size than they were stored in, and in the channels that are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vgbench.video.folder import ClipFile, ClipFolder

if TYPE_CHECKING:
    from torch import Tensor

    from vgbench.video.info import VideoInfo

_FRAMES = 16
"""Frames that are held at once in the size they were stored in."""


@dataclass(frozen=True)
class Resizing:
    """How clips are brought to a size; see `vgbench.video.resize`.  ConfigError: a filter, fit or size that there is not."""

    resample: str
    fit: str = "squash"
    size: tuple[int, int] | None = None
    """Height and width; None: that of what they are compared with."""

    def __post_init__(self) -> None:
        from vgbench.video.resizing import check_resize

        check_resize((1, 1) if self.size is None else self.size, resample=self.resample, fit=self.fit)

    def __str__(self) -> str:
        size = f" to {self.size[0]}×{self.size[1]}" if self.size else ""
        return f"{self.fit}{size}, {self.resample}"


@dataclass(frozen=True)
class Resized(ClipFile):
    """A clip at a size, in so many channels; grey is repeated, and colour becomes its luma."""

    name: str
    clip: ClipFile
    resizing: Resizing | None
    """None: in the size that it has."""
    channels: int | None = None
    """None: as many as it has."""
    drops_colour: bool = False
    """Whether colour becomes grey where one channel is asked for; else it stays."""

    def info(self) -> VideoInfo:
        info = self.clip.info()
        if self.resizing is not None and self.resizing.size is not None:
            height, width = self.resizing.size
            info = info._replace(height=height, width=width)
        if self.channels is None or (self.channels < info.channels and not self.drops_colour):
            return info
        return info._replace(channels=self.channels)

    def is_interlaced(self) -> bool:
        return self.clip.is_interlaced()

    def lossy_format(self) -> str:
        return self.clip.lossy_format()

    def read(self, start: int = 0, length: int | None = None) -> Tensor:
        import torch

        if start or length is not None:
            return self._brought(self.clip.read(start, length))
        return torch.cat(list(self.chunks(_FRAMES)))

    def chunks(self, length: int) -> Iterator[Tensor]:
        return map(self._brought, self.clip.chunks(length))

    def _brought(self, frames: Tensor) -> Tensor:
        from vgbench.metrics.luma import grey_of
        from vgbench.video.resizing import resize

        channels = self.info().channels
        if channels < frames.shape[1]:
            frames = grey_of(frames)
        frames = frames.expand(-1, channels, -1, -1)
        if self.resizing is not None and self.resizing.size is not None:
            frames = resize(frames, self.resizing.size, resample=self.resizing.resample, fit=self.resizing.fit)
        return frames.contiguous()


def resized(folder: ClipFolder, resizing: Resizing | None) -> ClipFolder:
    """The folder with its clips at that size; None: as they are."""
    if resizing is None:
        return folder
    return replace(folder, clips=tuple(Resized(clip.name, clip, resizing) for clip in folder.clips))
