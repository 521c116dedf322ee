"""Open clips that any program made: a folder of videos or of folders of frames, one of either, or an array.

Listing looks at names only; a file is opened when its clip is asked for its size or its pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from torch import Tensor

from vgbench.errors import DataError
from vgbench.video.arrays import ArrayAddress, ArrayClips, array_address
from vgbench.video.decode import VIDEO_SUFFIXES, probe_video, read_video, stream_video
from vgbench.video.info import VideoInfo
from vgbench.video.listing import list_clips
from vgbench.video.pictures import probe_pictures, read_pictures


class ClipFile(ABC):
    """One video on disk, a file, a folder of frames or a part of an array, read when asked for."""

    name: str
    """Unique in its folder; what clips are paired by."""

    @abstractmethod
    def info(self) -> VideoInfo:
        """Length, rate and size, looked up once.  Raises VideoError."""

    @abstractmethod
    def read(self, start: int = 0, length: int | None = None) -> Tensor:
        """uint8 (T, C, H, W): `length` frames from `start` on, or all that follow.  Raises VideoError."""

    def chunks(self, length: int) -> Iterator[Tensor]:
        """The whole clip, at most `length` frames at a time.  Raises VideoError."""
        frames = self.info().frames
        for start in range(0, frames, length):
            yield self.read(start, min(length, frames - start))


@dataclass(frozen=True)
class VideoClip(ClipFile):
    """A video file."""

    name: str
    path: Path

    def info(self) -> VideoInfo:
        return self._probed

    @cached_property
    def _probed(self) -> VideoInfo:
        return probe_video(self.path)

    def read(self, start: int = 0, length: int | None = None) -> Tensor:
        return read_video(self.path, start, length)

    def chunks(self, length: int) -> Iterator[Tensor]:
        return stream_video(self.path, length)


@dataclass(frozen=True)
class PictureClip(ClipFile):
    """A folder of frames."""

    name: str
    path: Path

    def info(self) -> VideoInfo:
        return self._probed

    @cached_property
    def _probed(self) -> VideoInfo:
        return probe_pictures(self.path)

    def read(self, start: int = 0, length: int | None = None) -> Tensor:
        return read_pictures(self.path, start, length)


@dataclass(frozen=True)
class ArrayClip(ClipFile):
    """One clip of an array."""

    name: str
    clips: ArrayClips
    index: int

    def info(self) -> VideoInfo:
        return self.clips.info()

    def read(self, start: int = 0, length: int | None = None) -> Tensor:
        return self.clips.read(self.index, start, length)


@dataclass(frozen=True, kw_only=True)
class ClipFolder:
    """The clips of one folder or array."""

    name: str
    """The folder's name; of an array the file's without suffix, with `:array` behind it where one of several was named."""
    path: Path
    kind: Literal["named", "array"]
    """How clips find their partners: by name, or, in arrays, by order."""
    clips: Sequence[ClipFile]
    """In natural order of their names; those of an array are numbered, "000000" first."""


def open_clips(path: str | Path) -> ClipFolder:
    """The clips of a folder (see `listing` for what counts), of `file.npy`, `file.npz` or `file.npz:name`, or one video file.

    Raises DataError: nothing there, no clips, two clips of one name; VideoError for an array that is none.

    Example: `[clip.read(0, 16) for clip in open_clips("samples").clips]`.
    """
    address = array_address(path)
    if address is not None:
        return _open_array(address)
    folder = Path(path)
    if not folder.exists():
        raise DataError(
            f"{folder} does not exist. Give a folder of clips, a .npy file, or a .npz file (file.npz:name for one array of several)."
        )
    if folder.is_file() and folder.suffix.lower() in VIDEO_SUFFIXES:
        return ClipFolder(name=folder.stem, path=folder, kind="named", clips=(VideoClip(folder.stem, folder),))
    if not folder.is_dir():
        raise DataError(f"{folder} is neither a folder of clips nor a video (by its suffix), a .npy or a .npz file. Give one of these.")
    clips = [PictureClip(name, where) if is_frames else VideoClip(name, where) for name, where, is_frames in list_clips(folder)]
    return ClipFolder(name=folder.resolve().name, path=folder, kind="named", clips=tuple(clips))


def _open_array(address: ArrayAddress) -> ClipFolder:
    if not address.path.exists():
        raise DataError(f"{address.path} does not exist. Check the path.")
    array = ArrayClips(address)
    name = address.path.stem + (f":{address.array}" if address.array else "")
    clips = tuple(ArrayClip(f"{index:06d}", array, index) for index in range(len(array)))
    return ClipFolder(name=name, path=address.path, kind="array", clips=clips)
