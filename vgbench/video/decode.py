"""Read video files: pixels by PyAV, animations (GIF, APNG, WebP) by Pillow, whose palettes and compositing are exact."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from av.video.reformatter import VideoReformatter
from torch import Tensor

from vgbench.video.animation import probe_animation, read_animation, stream_animation
from vgbench.video.blocks import animation_kind
from vgbench.video.container import OpenVideo
from vgbench.video.index import FrameIndex
from vgbench.video.info import VideoInfo, check_range, frame_range
from vgbench.video.pixels import frame_pixels, orientation, pixel_rule
from vgbench.video.stack import FrameStack

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi", ".gif", ".apng", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts",
    ".wmv", ".asf", ".flv", ".ogv", ".y4m", ".ivf", ".nut", ".mxf",
})
# fmt: on
"""The files that count as videos in a folder, beside animated PNG and WebP; a path that is given by itself may have any suffix."""


def probe_video(path: str | Path) -> VideoInfo:
    """Exact length, rate and size of a video file, as `read_video` would give it.

    At most one frame is decoded where the headers say that each packet is one (VP9, AV1, the intra-frame codecs, and H.264 and HEVC in
    MP4, MOV, MKV and FLV, unless field-coded or cut at an open group of pictures); else all are.
    Raises VideoError: no video, empty, truncated or damaged, more than 8 bits a channel.
    """
    return look_at_video(Path(path)).info


class Looked(NamedTuple):
    """What is known of a video file without reading it."""

    info: VideoInfo
    is_interlaced: bool = False
    """Whether its first frame is marked as two fields, taken at two moments, every second row each."""
    lossy_codec: str = ""
    """Its codec, where as a rule that does not keep what was recorded; empty where it does."""
    frames: FrameIndex | None = None
    """Where its frames are; None where only decoding from the beginning tells."""


def look_at_video(path: Path) -> Looked:
    """The same as `probe_video`, and whether it is interlaced; raises what that does."""
    if kind := animation_kind(path):
        return Looked(probe_animation(path, kind))
    with OpenVideo(path) as video:
        frame, count = video.first_frame_and_count()
        height, width = frame.height, frame.width
        if orientation(path, frame).is_transposed:
            height, width = width, height
        info = VideoInfo(count or 0, video.fps(), height, width, pixel_rule(path, frame.format).channels)
        index, lossy = video.index() if count is not None else None, video.lossy_codec()
    return Looked(info if count is not None else info._replace(frames=_count_by_decoding(path)), frame.interlaced_frame, lossy, index)


def _count_by_decoding(path: Path) -> int:
    with OpenVideo(path, reads_whole=False) as video:
        return sum(1 for _ in video.frames())


def read_video(path: str | Path, start: int = 0, length: int | None = None) -> Tensor:
    """The frames from `start` on, `length` of them or all that follow: uint8 (T, C, H, W), C = 1 for grey and 3 for RGB.

    Decodes from the beginning, so that frame numbers are exact in every format, and no further than needed.  Rotation and
    mirroring are applied; pixels that are not square stay as they are stored.  Raises VideoError as `probe_video` does, for
    frames that the video does not hold, for frames of changing size, and for alpha that is not opaque.

    Example: `read_video("clip.mp4", start=8, length=16).shape == (16, 3, 128, 128)`.
    """
    return read_stretch(Path(path), start, length, None)


def read_stretch(path: Path, start: int, length: int | None, index: FrameIndex | None, *, frames: int | None = None) -> Tensor:
    """The same as `read_video`; with an index decoding begins at the last entry before `start`, to the same bits.

    frames: how many the video has, where that is known already.
    """
    check_range(start, length)
    if index is not None and length is not None and index.entry_before(start) > 0:
        found = _read_from_entry(path, start, length, index)
        if found is not None:
            return found
    if kind := animation_kind(path):
        return read_animation(path, kind, start, length)
    reformatter = VideoReformatter()
    stack = FrameStack(path, length or (None if frames is None else max(1, frames - start)))
    with OpenVideo(path, reads_whole=length is None) as video:
        for number, frame in enumerate(video.frames()):
            if number < start:
                continue
            stack.add(number, frame_pixels(path, frame, number, reformatter))
            if len(stack) == length:
                break
        if not video.decoded:
            raise video.damage("there is not one whole frame in it")
        if len(stack) != length:
            frame_range(path, video.decoded, start, length)
    return stack.tensor()


def _read_from_entry(path: Path, start: int, length: int, index: FrameIndex) -> Tensor | None:
    """The frames, decoded from the last entry before them; None where what comes is not what the index says."""
    reformatter = VideoReformatter()
    stack = FrameStack(path, length)
    with OpenVideo(path, reads_whole=False) as video:
        entry = index.entry_before(start)
        for frame in video.frames_from(index, entry):
            number = bisect_left(index.times, frame.pts or 0)
            if number < start:
                continue
            stack.add(number, frame_pixels(path, frame, number, reformatter))
            if len(stack) == length:
                return stack.tensor()
    return None


def stream_video(path: str | Path, length: int) -> Iterator[Tensor]:
    """The whole video, at most `length` frames at a time, decoded once: uint8 (t, C, H, W) each.  Raises VideoError as `read_video`."""
    path = Path(path)
    if kind := animation_kind(path):
        yield from stream_animation(path, kind, length)
        return
    reformatter = VideoReformatter()
    stack = FrameStack(path, length)
    with OpenVideo(path) as video:
        for number, frame in enumerate(video.frames()):
            if len(stack) == length:
                yield stack.tensor()
                stack = stack.next()
            stack.add(number, frame_pixels(path, frame, number, reformatter))
        if not video.decoded:
            raise video.damage("there is not one whole frame in it")
    yield stack.tensor()
