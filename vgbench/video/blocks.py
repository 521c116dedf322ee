"""Length, timing and size of animations, from their files' own blocks, nothing decoded: GIF89a sections 18–27, APNG 1.0, RIFF WebP."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL = 0x21, 0x2C, 0x3B, 0xF9
_GIF, _PNG, _RIFF = (b"GIF87a", b"GIF89a"), b"\x89PNG\r\n\x1a\n", b"RIFF"
_GREY = (0, 4)
"""The colour types of PNG without colour."""
_WEBP_IS_ANIMATED = 0x02


class Blocks(NamedTuple):
    """What an animation says of itself."""

    frames: int
    seconds: float
    """The sum of the frames' delays."""
    height: int
    width: int
    channels: int
    problem: str
    """What is wrong, as the end of a sentence; empty where the file is whole."""
    bits: int = 8
    """A channel's."""
    has_poster: bool = False
    """Whether a picture that belongs to no frame comes first."""


class Kind(NamedTuple):
    """A format of animations."""

    name: str
    """Pillow's."""
    read: Callable[[BinaryIO], Blocks]


def animation_kind(path: Path) -> Kind | None:
    """The format of a file that begins as an animation, whatever its suffix; None for still pictures and all else."""
    if not path.is_file():  # opening a pipe would wait for its writer
        return None
    try:
        with open(path, "rb") as file:
            head = file.read(32)
            if head[:6] in _GIF:
                return Kind("GIF", _gif)
            if head[:8] == _PNG and _is_animated_png(file):
                return Kind("PNG", _png)
            if head[:4] == _RIFF and head[8:16] == b"WEBPVP8X" and len(head) > 20 and head[20] & _WEBP_IS_ANIMATED:
                return Kind("WEBP", _webp)
    except OSError:
        return None
    return None


def _is_animated_png(file: BinaryIO) -> bool:
    """Whether there is a chunk acTL before the first pixels."""
    file.seek(len(_PNG))
    while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
        if head[4:] == b"acTL":
            return True
        file.seek(int.from_bytes(head[:4], "big") + 4, 1)
    return False


def _png(file: BinaryIO) -> Blocks:
    """Chunks of length, name, content and CRC; a frame has one fcTL, which comes before IDAT where the first picture is a frame."""
    size = file.seek(0, 2)
    file.seek(len(_PNG))
    declared, frames, seconds, width, height, channels, bits = 0, 0, 0.0, 0, 0, 3, 8
    has_poster = False
    while len(head := file.read(8)) == 8:
        content = file.read(min(int.from_bytes(head[:4], "big"), size))  # what is asked for is allocated
        if zlib.crc32(head[4:] + content).to_bytes(4, "big") != file.read(4):
            break
        name = head[4:]
        if name == b"IHDR" and len(content) == 13:
            width, height = (int.from_bytes(content[at : at + 4], "big") for at in (0, 4))
            bits, channels = content[8], 1 if content[9] in _GREY else 3
        elif name == b"acTL":
            declared = int.from_bytes(content[:4], "big")
        elif name == b"fcTL" and len(content) == 26:
            numerator, denominator = (int.from_bytes(content[at : at + 2], "big") for at in (20, 22))
            frames, seconds = frames + 1, seconds + numerator / (denominator or 100)
        elif name == b"IDAT":
            has_poster |= not frames
        elif name == b"IEND":
            problem = "" if frames == declared else f"the PNG declares {declared} frames"
            return Blocks(frames, seconds, height, width, channels, problem, bits, has_poster)
    return Blocks(frames, seconds, height, width, channels, "the PNG ends without its last chunk, or a chunk's checksum is wrong", bits)


def _webp(file: BinaryIO) -> Blocks:
    """RIFF chunks of name, length and content, padded to even lengths; a frame is one ANMF."""
    size = file.seek(0, 2)
    file.seek(4)
    end = 8 + int.from_bytes(file.read(4), "little")
    frames, milliseconds, width, height, position = 0, 0, 0, 0, 12
    while position + 8 <= min(end, size):
        file.seek(position)
        head = file.read(8 + 16)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] == b"VP8X":
            width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (12, 15))
        elif head[:4] == b"ANMF":
            frames, milliseconds = frames + 1, milliseconds + int.from_bytes(head[20:23], "little")
        position += 8 + length + length % 2
    problem = "" if position == end <= size else "the WebP ends before the length that it declares"
    return Blocks(frames, milliseconds / 1000, height, width, 3, problem)


def _gif(file: BinaryIO) -> Blocks:
    """Behind 13 bytes: extensions, images, trailer.  A palette has no grey, so a GIF is always RGB."""
    file.seek(0)
    head = file.read(13)
    width, height = (int.from_bytes(head[at : at + 2], "little") for at in (6, 8))
    frames, hundredths, problem = 0, 0, "the GIF ends without its trailer"
    if len(head) == 13:
        file.seek(_table_bytes(head[10]), 1)
    while kind := file.read(1):
        if kind[0] == _TRAILER:
            problem = ""
            break
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
    return Blocks(frames, hundredths / 100, height, width, 3, problem)


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
