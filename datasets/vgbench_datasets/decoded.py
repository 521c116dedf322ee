"""Frames of the videos decoded last, so that the windows of one video do not decode it from its beginning each time."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

import torch
from torch import Tensor

from vgbench.video import ClipFile, VideoClip


class _Stretch(NamedTuple):
    """Successive frames of one video."""

    first: int
    frames: Tensor
    """uint8 (T, C, H, W)."""

    def covers(self, start: int, length: int) -> bool:
        return self.first <= start and start + length <= self.first + len(self.frames)


_PASSES = 2
"""Videos that are on a pass at once: as many as threads read by default."""


class _Pass:
    """One pass over a video that can be decoded from its beginning alone, two chunks of frames at hand."""

    def __init__(self, clip: ClipFile, length: int) -> None:
        self._chunks = clip.chunks(length)
        self._held: list[Tensor] = []
        self.first = 0
        """The first frame that is at hand."""

    def until(self, stop: int) -> _Stretch | None:
        """The last frames, up to `stop` at least; None where the pass has ended before, as it does where the video is damaged."""
        while not self._held or self.first + sum(map(len, self._held)) < stop:
            chunk = next(self._chunks, None)
            if chunk is None:
                return None
            self._held.append(chunk)
            if len(self._held) > 2:
                self.first += len(self._held.pop(0))
        return _Stretch(self.first, torch.cat(self._held))


class DecodedVideos:
    """Reads windows of video files; keeps whole videos, or of a long one what fits, the least recently used dropped first.

    Successive windows of a long video are decoded in one pass, or each from the key frame before it.

    limit_bytes: what is kept, in all; while videos are being decoded each reading thread holds up to as much again.
    Threads may share it: of two that want one video, the second waits for the first.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        # By the clips themselves: in two splits there may be two of one name.
        self._kept: OrderedDict[ClipFile, _Stretch] = OrderedDict()
        self._busy: dict[ClipFile, Lock] = {}
        self._passing: OrderedDict[ClipFile, _Pass] = OrderedDict()
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
                stretch = self._decode(clip, start, length, fitting)
                self._keep(clip, stretch)
        return stretch.frames[start - stretch.first :][:length].clone()

    def kept_bytes(self) -> int:
        """What is kept now."""
        with self._lock:
            return sum(stretch.frames.nbytes for stretch in self._kept.values())

    def _fitting_frames(self, clip: ClipFile) -> int:
        info = clip.info()
        return self._limit // (info.channels * info.height * info.width)

    def _decode(self, clip: ClipFile, start: int, length: int, fitting: int) -> _Stretch:
        frames = clip.info().frames
        if frames <= fitting:
            return _Stretch(0, clip.read())
        if fitting < 4 * length or not isinstance(clip, VideoClip) or clip.can_begin_within():
            return _Stretch(start, clip.read(start, min(fitting, frames - start)))
        stretch = self._pass_of(clip, start, fitting // 4).until(start + length)
        return stretch or _Stretch(start, clip.read(start, length))

    def _pass_of(self, clip: ClipFile, start: int, length: int) -> _Pass:
        """The pass that the video is on, or a new one where that is beyond the frame; only the last few videos are on one."""
        with self._lock:
            passing = self._passing.pop(clip, None)
            if passing is None or start < passing.first:
                passing = _Pass(clip, length)
            self._passing[clip] = passing
            while len(self._passing) > _PASSES:
                self._passing.popitem(last=False)
        return passing

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
