"""Read video files: pixels by PyAV, animations (GIF, APNG, WebP) by Pillow, whose palettes and compositing are exact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from av.video.reformatter import VideoReformatter
from torch import Tensor

from vgbench.errors import VideoError
from vgbench.video.animation import probe_animation, read_animation, stream_animation
from vgbench.video.blocks import animation_kind
from vgbench.video.container import OpenVideo
from vgbench.video.info import VideoInfo, check_range, frame_range
from vgbench.video.pixels import Pixels, frame_pixels, orientation, pixel_rule

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
    path = Path(path)
    if kind := animation_kind(path):
        return probe_animation(path, kind)
    with OpenVideo(path) as video:
        frame, count = video.first_frame_and_count()
        height, width = frame.height, frame.width
        if orientation(path, frame).is_transposed:
            height, width = width, height
        info = VideoInfo(count or 0, video.fps(), height, width, pixel_rule(path, frame.format).channels)
    return info if count is not None else info._replace(frames=_count_by_decoding(path))


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
    path = Path(path)
    check_range(start, length)
    if kind := animation_kind(path):
        return read_animation(path, kind, start, length)
    reformatter = VideoReformatter()
    frames: list[Pixels] = []
    with OpenVideo(path, reads_whole=length is None) as video:
        for number, frame in enumerate(video.frames()):
            if number < start:
                continue
            pixels = frame_pixels(path, frame, number, reformatter)
            _check_same_shape(path, number, pixels, frames)
            frames.append(pixels)
            if len(frames) == length:
                break
        if not video.decoded:
            raise video.damage("there is not one whole frame in it")
        if len(frames) != length:
            frame_range(path, video.decoded, start, length)
    return torch.from_numpy(np.stack(frames))


def stream_video(path: str | Path, length: int) -> Iterator[Tensor]:
    """The whole video, at most `length` frames at a time, decoded once: uint8 (t, C, H, W) each.  Raises VideoError as `read_video`."""
    path = Path(path)
    if kind := animation_kind(path):
        yield from stream_animation(path, kind, length)
        return
    reformatter = VideoReformatter()
    frames: list[Pixels] = []
    with OpenVideo(path) as video:
        for number, frame in enumerate(video.frames()):
            pixels = frame_pixels(path, frame, number, reformatter)
            _check_same_shape(path, number, pixels, frames)
            if len(frames) == length:
                yield torch.from_numpy(np.stack(frames))
                frames.clear()
            frames.append(pixels)
        if not video.decoded:
            raise video.damage("there is not one whole frame in it")
    yield torch.from_numpy(np.stack(frames))


def _check_same_shape(path: Path, number: int, pixels: Pixels, before: list[Pixels]) -> None:
    if before and pixels.shape != before[0].shape:
        now, first = (f"{shape[2]}×{shape[1]} with {shape[0]} channels" for shape in (pixels.shape, before[0].shape))
        raise VideoError(f"{path}: frame {number} is {now}, those before it {first}. Split the video where it changes.")
