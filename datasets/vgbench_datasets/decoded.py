"""Frames of the videos decoded last, so that the windows of one video do not decode it from its beginning each time."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from torch import Tensor

from vgbench.video import ClipFile


class _Stretch(NamedTuple):
    """Successive frames of one video."""

    first: int
    frames: Tensor
    """uint8 (T, C, H, W)."""

    def covers(self, start: int, length: int) -> bool:
        return self.first <= start and start + length <= self.first + len(self.frames)


class DecodedVideos:
    """Reads windows of video files; keeps whole videos, or of a long one what fits, the least recently used dropped first.

    limit_bytes: what is kept, in all; while videos are being decoded each reading thread holds up to as much again.
    Threads may share it: of two that want one video, the second waits for the first.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        # By the clips themselves: in two splits there may be two of one name.
        self._kept: OrderedDict[ClipFile, _Stretch] = OrderedDict()
        self._busy: dict[ClipFile, Lock] = {}
        self._lock = Lock()

    def read(self, clip: ClipFile, start: int, length: int) -> Tensor:
        """uint8 (length, C, H, W), the caller's own.  Raises VideoError as the clip does."""
        fitting = self._fitting_frames(clip)
        if fitting < length:
            return clip.read(start, length)
        with self._lock:
            busy = self._busy.setdefault(clip, Lock())
        with busy:
            stretch = self._find(clip, start, length)
            if stretch is None:
                stretch = self._decode(clip, start, fitting)
                self._keep(clip, stretch)
        return stretch.frames[start - stretch.first :][:length].clone()

    def kept_bytes(self) -> int:
        """What is kept now."""
        with self._lock:
            return sum(stretch.frames.nbytes for stretch in self._kept.values())

    def _fitting_frames(self, clip: ClipFile) -> int:
        info = clip.info()
        return self._limit // (info.channels * info.height * info.width)

    @staticmethod
    def _decode(clip: ClipFile, start: int, fitting: int) -> _Stretch:
        frames = clip.info().frames
        if frames <= fitting:
            return _Stretch(0, clip.read())
        return _Stretch(start, clip.read(start, min(fitting, frames - start)))

    def _find(self, clip: ClipFile, start: int, length: int) -> _Stretch | None:
        with self._lock:
            stretch = self._kept.get(clip)
            if stretch is None or not stretch.covers(start, length):
                return None
            self._kept.move_to_end(clip)
            return stretch

    def _keep(self, clip: ClipFile, stretch: _Stretch) -> None:
        with self._lock:
            self._kept[clip] = stretch
            self._kept.move_to_end(clip)
            size = sum(kept.frames.nbytes for kept in self._kept.values())
            while size > self._limit:
                size -= self._kept.popitem(last=False)[1].frames.nbytes
