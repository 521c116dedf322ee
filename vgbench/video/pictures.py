"""Folders of frames: one picture a frame, in natural order of their names.

Frames are the files with a picture's suffix; hidden files and everything else in the folder are ignored. The suffix says only that
a file is a frame: its content says which kind of picture it is. A turn that a camera noted (EXIF) is applied. A clip with one frame in
colour is in colour: savers of pictures drop the colour of frames that have none.
"""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from torch import Tensor

from vgbench.errors import VideoError
from vgbench.video.info import VideoInfo, check_frame_size, frame_range
from vgbench.video.order import in_order
from vgbench.video.pixels import Pixels, drop_opaque_alpha

PICTURE_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "PPM")
_CHANNELS = {"1": 1, "L": 1, "LA": 1, "P": 3, "PA": 3, "RGB": 3, "RGBA": 3}
_BROKEN = (OSError, EOFError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError)


class _Shape(NamedTuple):
    """Of one frame, or of all in a folder."""

    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        return f"{self.width}×{self.height} {'grey' if self.channels == 1 else 'RGB'}"


def list_pictures(folder: str | Path) -> list[Path]:
    """The folder's frames in natural order, found by their names alone.

    Raises VideoError where two pictures share a name but for the suffix: which one is the frame is not ours to guess.
    """
    return list(_listed(Path(folder)).paths)


@dataclass(frozen=True)
class _Frames:
    """The frames of a folder, found by their names."""

    paths: tuple[Path, ...]

    @cached_property
    def shape(self) -> _Shape:
        """Of the first; in colour where any is. Headers are looked at for as long as none is."""
        first, *others = self.paths
        shape = _shape_of(first)
        if shape.channels == 1 and any(map(_is_coloured, others)):
            return shape._replace(channels=3)
        return shape


def _is_coloured(path: Path) -> bool:
    """Whether it is a picture in colour; one that cannot be read is found out when it is."""
    try:
        return _shape_of(path).channels == 3
    except VideoError:
        return False


def _listed(folder: Path) -> _Frames:
    """The folder's frames in order; from memory where the folder has not changed since they were listed, as between two windows of it."""
    try:
        status = folder.stat()
        # A folder that was changed just now may be changed once more within one tick of the clock, and not show it.
        if time.time() - status.st_mtime < _SETTLED:
            return _scanned(folder)
        return _remembered(folder, (status.st_dev, status.st_ino, status.st_mtime_ns))
    except OSError as error:
        raise VideoError(f"{folder} cannot be read as a folder of frames: {error.strerror}. Check the path and its permissions.") from error


_SETTLED = 2.0
"""Seconds after which a folder's time of change tells all changes before it."""


@lru_cache(maxsize=256)
def _remembered(folder: Path, _: tuple[int, int, int]) -> _Frames:
    return _scanned(folder)


def _scanned(folder: Path) -> _Frames:
    names = [entry.name for entry in os.scandir(folder) if is_picture(entry.name) and not os.path.isdir(entry)]
    return _Frames(tuple(order_pictures(folder, names)))


def order_pictures(folder: Path, names: Iterable[str]) -> list[Path]:
    """The frames of these names; raises VideoError for two of one name."""
    by_stem: dict[str, str] = {}
    for name in sorted(names):
        stem = os.path.splitext(name)[0]
        if stem in by_stem:
            raise VideoError(f"{folder}: {by_stem[stem]} and {name} would be the same frame. Keep one of them.")
        by_stem[stem] = name
    return [folder / by_stem[stem] for stem in in_order(by_stem)]


def is_picture(name: str) -> bool:
    """Whether a file of this name counts as a frame."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


def probe_pictures(folder: str | Path) -> VideoInfo:
    """Length and size of a folder of frames; of pictures in colour only the first one's header is read.  `fps` is None."""
    frames = _frames_of(Path(folder))
    return VideoInfo(len(frames.paths), None, *frames.shape)


def lossy_suffix(folder: str | Path) -> str:
    """`jpeg` where the first frame is one, which does not keep what was recorded; else empty."""
    return "jpeg" if _frames_of(Path(folder)).paths[0].suffix.lower() in (".jpg", ".jpeg") else ""


def read_pictures(folder: str | Path, start: int = 0, length: int | None = None) -> Tensor:
    """uint8 (T, C, H, W); only the frames asked for are decoded.

    Raises VideoError: no frames, a range outside, a broken picture, one of another size than the first of the folder.
    """
    folder = Path(folder)
    frames = _frames_of(folder)
    wanted = frame_range(folder, len(frames.paths), start, length)
    return torch.from_numpy(np.stack([_read_frame(frames.paths[number], frames) for number in wanted]))


def _frames_of(folder: Path) -> _Frames:
    frames = _listed(folder)
    if not frames.paths:
        raise VideoError(f"{folder} holds no frames: looked for files ending in {', '.join(sorted(PICTURE_SUFFIXES))}. Check the path.")
    return frames


def _read_frame(path: Path, frames: _Frames) -> Pixels:
    """(C, H, W)."""
    expected = frames.shape
    with _opened(path) as image:
        shape = _shape(image, path)
        if shape[:2] != expected[:2] or shape.channels > expected.channels:
            first = f"{frames.paths[0].name}, which is {expected}"
            raise VideoError(f"{path} is {shape}, but the folder begins with {first}. Make all frames alike.")
        try:
            upright = ImageOps.exif_transpose(image) if _orientation(image) != 1 else image
            pixels = _pixels(upright, path, expected.channels)
        except _BROKEN as error:
            raise VideoError(f"{path} cannot be decoded: {error}. The picture is truncated or damaged: copy or make it again.") from error
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _pixels(image: Image.Image, path: Path, channels: int) -> Pixels:
    """(H, W) or (H, W, C)."""
    if image.has_transparency_data:
        return drop_opaque_alpha(np.asarray(image.convert("RGBA")), channels, str(path))
    return np.asarray(image.convert("L" if channels == 1 else "RGB"))


def _shape_of(path: Path) -> _Shape:
    """From the header alone.  Raises VideoError for a picture that breaks a rule before a pixel is read."""
    with _opened(path) as image:
        return _shape(image, path)


def _opened(path: Path) -> Image.Image:
    """The picture, its header read."""
    try:
        if not path.stat().st_size:
            raise VideoError(f"{path} is empty: 0 bytes. Copy or make the picture again.")
        return Image.open(path, formats=_FORMATS)
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def _shape(image: Image.Image, path: Path) -> _Shape:
    try:
        _check_mode(image, path)
        width, height = image.size
        check_frame_size(path, height, width)
        if _orientation(image) in (5, 6, 7, 8):
            width, height = height, width
        return _Shape(height, width, _CHANNELS[image.mode])
    except _BROKEN as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> VideoError:
    return VideoError(f"{path} cannot be read as a picture: {error}. Copy or make it again, or take it out of the folder.")


def _check_mode(image: Image.Image, path: Path) -> None:
    if image.mode not in _CHANNELS or _has_16_bits(image, path):
        kind = "16 bits a channel" if image.mode in _CHANNELS or image.mode.startswith("I") else f"the colour mode {image.mode}"
        raise VideoError(
            f"{path} has {kind}; frames are 8-bit grey or RGB. Convert it first, for example with: "
            "ffmpeg -i IN.png -pix_fmt rgb24 OUT.png (-pix_fmt gray for one channel)."
        )
    if getattr(image, "is_animated", False) and image.format in ("PNG", "WEBP", "TIFF"):
        raise VideoError(f"{path} holds {getattr(image, 'n_frames', 'several')} pictures. A frame is one picture: save them one by one.")


def _has_16_bits(image: Image.Image, path: Path) -> bool:
    """Whether it stores more than 8 bits, or a PPM other levels than 0 to 255; Pillow would turn them into 8 bits without a word."""
    if image.format == "TIFF":
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (8,))  # type: ignore[attr-defined] # of its class for TIFF
        return bool(max(bits if isinstance(bits, tuple) else (bits,)) > 8)
    if image.format not in ("PNG", "PPM"):
        return False
    with open(path, "rb") as file:
        head = file.read(1024)
    if image.format == "PNG":
        return head[24] > 8
    levels = _PPM_LEVELS.match(head)
    return levels is not None and int(levels[1]) != 255


_BITS_PER_SAMPLE = 258
_PPM_LEVELS = re.compile(rb"P[2356](?:\s+(?:#[^\n]*\n\s*)*\d+){2}\s+(?:#[^\n]*\n\s*)*(\d+)\s")
"""The header of a PPM or PGM up to its largest level, comments included."""


def _orientation(image: Image.Image) -> int:
    """EXIF's: 1 is upright, 5 to 8 swap the sides."""
    if image.format not in ("JPEG", "MPO") and "exif" not in image.info:
        return 1
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))
