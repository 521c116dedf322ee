"""Read animations, GIF, APNG and WebP: composited frames by Pillow, length and rate from the file's own blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vgbench.errors import VideoError
from vgbench.video.blocks import Blocks, Kind, animation_kind
from vgbench.video.info import VideoInfo, check_frame_size, frame_range
from vgbench.video.pixels import Pixels, drop_opaque_alpha


def probe_animation(path: Path, kind: Kind) -> VideoInfo:
    """Length, mean rate (None without delays) and size, without decoding.

    Raises VideoError: truncated or damaged, more than 8 bits a channel.
    """
    blocks = _blocks(path, kind)
    fps = blocks.frames / blocks.seconds if blocks.seconds else None
    return VideoInfo(blocks.frames, fps, blocks.height, blocks.width, blocks.channels)


def read_animation(path: Path, kind: Kind, start: int = 0, length: int | None = None) -> Tensor:
    """uint8 (T, C, H, W).  Raises VideoError: as `probe_animation`, a range outside, transparency that nothing lies behind."""
    blocks = _blocks(path, kind)
    wanted = frame_range(path, blocks.frames, start, length)
    frames = list(itertools.islice(_frames(path, kind, blocks, wanted.stop), start, None))
    return torch.from_numpy(np.stack(frames))


def stream_animation(path: Path, kind: Kind, length: int) -> Iterator[Tensor]:
    """The whole animation, at most `length` frames at a time; raises what `read_animation` does."""
    blocks = _blocks(path, kind)
    frames = _frames(path, kind, blocks, blocks.frames)
    while piece := list(itertools.islice(frames, length)):
        yield torch.from_numpy(np.stack(piece))


def is_animation(path: Path) -> bool:
    """Whether the file begins as an animation, whatever its suffix."""
    return animation_kind(path) is not None


def _blocks(path: Path, kind: Kind) -> Blocks:
    with open(path, "rb") as file:
        blocks = kind.read(file)
    if blocks.problem or not blocks.frames:
        problem = blocks.problem or "there is no frame in it"
        raise VideoError(f"{path}: found {blocks.frames} frames, but {problem}. The file is truncated or damaged: copy or make it again.")
    if blocks.bits > 8:
        raise VideoError(f"{path} has {blocks.bits} bits a channel; vgbench compares 8. Make it again with 8.")
    check_frame_size(path, blocks.height, blocks.width)
    return blocks


def _frames(path: Path, kind: Kind, blocks: Blocks, stop: int) -> Iterator[Pixels]:
    """The frames before `stop`, (C, H, W) each."""
    number = 0
    try:
        with Image.open(path, formats=(kind.name,)) as image:
            for number in range(stop):
                image.seek(number + blocks.has_poster)
                rgba = np.asarray(image.convert("RGBA"))
                yield drop_opaque_alpha(rgba, blocks.channels, f"frame {number} of {path}").transpose(2, 0, 1)
    except (OSError, EOFError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise VideoError(f"{path}: decoded {number} of {stop} frames, then: {error}. Copy or make the file again.") from error
