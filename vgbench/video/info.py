"""What is known about a video before its pixels are read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from vgbench.errors import VideoError

MAX_PIXELS = 1 << 26
"""Of one frame, 8192×8192: a few bytes can declare any size, and a frame is the least that is held in memory."""


class VideoInfo(NamedTuple):
    """Size and length of one video, as `read` gives it: rotation applied, alpha dropped."""

    frames: int
    """Exact: what reading the whole video returns."""
    fps: float | None
    """Mean frames per second; None where nothing says it, as in a folder of pictures."""
    height: int
    width: int
    channels: int
    """1 for grey, 3 for RGB."""

    def frame_bytes(self) -> int:
        """What a frame takes as uint8."""
        return self.height * self.width * self.channels

    def bytes(self) -> int:
        """What all frames take as uint8."""
        return self.frames * self.frame_bytes()


def check_range(start: int, length: int | None) -> None:
    """Raise ValueError unless `start` ≥ 0 and `length` is None or ≥ 1."""
    if start < 0 or (length is not None and length < 1):
        raise ValueError(f"a range of frames needs start >= 0 and length >= 1, not start={start}, length={length}")


def frame_range(path: Path | str, frames: int, start: int = 0, length: int | None = None) -> range:
    """The frame numbers from `start`, `length` of them or all that follow.

    Raises VideoError where the video, which has `frames`, does not hold them.
    """
    check_range(start, length)
    stop = frames if length is None else start + length
    if start >= frames or stop > frames:
        last = "the end" if length is None else f"frame {stop - 1}"
        raise VideoError(
            f"{path}: frames {start} to {last} were asked for, but the video has {frames}, numbered from 0. Ask for a range inside it."
        )
    return range(start, stop)


def check_frame_size(path: Path | str, height: int, width: int) -> None:
    """Raise VideoError for a frame of more than MAX_PIXELS."""
    if height * width > MAX_PIXELS:
        raise VideoError(
            f"{path}: its frames are {width:,}×{height:,}, {height * width:,} pixels; up to {MAX_PIXELS:,} are read. "
            "Check that the file is what it should be, or make its frames smaller."
        )
