"""The first frames of clips, for comparisons of equal length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vgbench.errors import PairingError
from vgbench.video.folder import ClipFile, ClipFolder

if TYPE_CHECKING:
    from torch import Tensor

    from vgbench.video.info import VideoInfo


@dataclass(frozen=True)
class Beginning(ClipFile):
    """The first frames of a clip, which has at least so many."""

    name: str
    clip: ClipFile
    frames: int

    def info(self) -> VideoInfo:
        info = self.clip.info()
        if info.frames < self.frames:
            raise PairingError(f"{self.name} has {info.frames} frames, fewer than the {self.frames} that --frames asks for.")
        return info._replace(frames=self.frames)

    def is_interlaced(self) -> bool:
        return self.clip.is_interlaced()

    def lossy_format(self) -> str:
        return self.clip.lossy_format()

    def read(self, start: int = 0, length: int | None = None) -> Tensor:
        return self.clip.read(start, self.frames - start if length is None else min(length, self.frames - start))

    def chunks(self, length: int) -> Iterator[Tensor]:
        left = self.frames
        if left <= length:
            yield self.read()  # and nothing behind
            return
        for chunk in self.clip.chunks(length):
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return


def beginnings(folder: ClipFolder, frames: int | None) -> ClipFolder:
    """The folder with its clips cut to so many frames; None: as they are."""
    return folder if frames is None else replace(folder, clips=tuple(Beginning(clip.name, clip, frames) for clip in folder.clips))
