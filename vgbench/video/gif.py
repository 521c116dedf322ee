"""Read GIF animations: composited frames by Pillow, length and rate from the file's own blocks.

A palette has no grey, so a GIF is always RGB.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vgbench.errors import VideoError
from vgbench.video.info import VideoInfo, check_frame_size, frame_range
from vgbench.video.pixels import Pixels, drop_opaque_alpha

_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL = 0x21, 0x2C, 0x3B, 0xF9


class _Blocks(NamedTuple):
    frames: int
    hundredths: int
    """Of a second: the sum of the frames' delays."""
    is_complete: bool
    """Whether the trailer, the last byte of every whole GIF, was reached."""


def is_gif(path: Path) -> bool:
    """Whether the file begins as a GIF, whatever its suffix."""
    if not path.is_file():  # opening a pipe would wait for its writer
        return False
    try:
        with open(path, "rb") as file:
            return file.read(6) in (b"GIF87a", b"GIF89a")
    except OSError:
        return False


def probe_gif(path: Path) -> VideoInfo:
    """Length, mean rate (None without delays) and size, without decoding.  Raises VideoError for a truncated file."""
    with open(path, "rb") as file:
        head = file.read(13)
        blocks = _read_blocks(file, head)
    if not blocks.is_complete or not blocks.frames:
        raise VideoError(
            f"{path}: decoded {blocks.frames} frames, then the GIF ends without its trailer. The file is truncated: copy or make it again."
        )
    fps = 100 * blocks.frames / blocks.hundredths if blocks.hundredths else None
    width, height = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    check_frame_size(path, height, width)
    return VideoInfo(blocks.frames, fps, height, width, 3)


def read_gif(path: Path, start: int = 0, length: int | None = None) -> Tensor:
    """uint8 (T, 3, H, W).  Raises VideoError: truncated, a range outside, transparency that nothing lies behind."""
    wanted = frame_range(path, probe_gif(path).frames, start, length)
    frames = list(itertools.islice(_frames(path, wanted.stop), start, None))
    return torch.from_numpy(np.stack(frames))


def stream_gif(path: Path, length: int) -> Iterator[Tensor]:
    """The whole animation, at most `length` frames at a time; raises what `read_gif` does."""
    frames = _frames(path, probe_gif(path).frames)
    while piece := list(itertools.islice(frames, length)):
        yield torch.from_numpy(np.stack(piece))


def _frames(path: Path, stop: int) -> Iterator[Pixels]:
    """The frames before `stop`, (3, H, W) each."""
    number = 0
    try:
        with Image.open(path, formats=("GIF",)) as image:
            for number in range(stop):
                image.seek(number)
                rgba = np.asarray(image.convert("RGBA"))
                yield drop_opaque_alpha(rgba, 3, f"frame {number} of {path}").transpose(2, 0, 1)
    except (OSError, EOFError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise VideoError(f"{path}: decoded {number} of {stop} frames, then: {error}. Copy or make the file again.") from error


def _read_blocks(file: BinaryIO, head: bytes) -> _Blocks:
    """Walk over the blocks behind the 13 bytes of `head`: extensions, images, trailer (GIF89a, sections 18–27)."""
    frames, hundredths = 0, 0
    if len(head) == 13:
        file.seek(_table_bytes(head[10]), 1)
    while kind := file.read(1):
        if kind[0] == _TRAILER:
            return _Blocks(frames, hundredths, True)
        if kind[0] == _EXTENSION:
            label = file.read(1)
            content = _sub_blocks(file)
            if content is None:
                break
            if label == bytes((_GRAPHIC_CONTROL,)):
                hundredths += int.from_bytes(content[1:3], "little")
        elif kind[0] == _IMAGE:
            descriptor = file.read(9)
            if len(descriptor) < 9:
                break
            file.seek(_table_bytes(descriptor[8]) + 1, 1)
            if _sub_blocks(file) is None:
                break
            frames += 1
        else:
            break
    return _Blocks(frames, hundredths, False)


def _table_bytes(flags: int) -> int:
    """The length of the colour table that follows."""
    return 3 << (flags % 8 + 1) if flags & 0x80 else 0


def _sub_blocks(file: BinaryIO) -> bytes | None:
    """The first sub-block of a chain, the others skipped; None where the file ends inside it."""
    first: bytes | None = None
    while length := file.read(1):
        if not length[0]:
            return first or b""
        content = file.read(length[0])
        if len(content) < length[0]:
            return None
        first = content if first is None else first
    return None
