"""From stored pixels to uint8 grey or RGB: which formats are taken as they are, and which are refused with a way out.

The rules, for videos and pictures alike: grey stays one channel; palettes become RGB; an alpha channel that is opaque everywhere
is dropped, any other is refused; more than 8 bits a channel are refused, since rounding them is the user's decision.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from vgbench.errors import VideoError

Pixels: TypeAlias = NDArray[np.uint8]

# Chroma is interpolated and rounded exactly, alike on every processor; libswscale's default repeats chroma and is darker by half a level.
_CONVERSION = int(Interpolation.BILINEAR | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND | Interpolation.BITEXACT)
_UNIT = 1 << 16  # display matrices are 16.16 fixed point


class PixelRule(NamedTuple):
    """How the frames of one pixel format become uint8."""

    target: str
    """The format to convert to: gray, rgb24, or rgba where an alpha channel must be looked at."""
    channels: int
    """1 or 3, after alpha was dropped."""


class Orientation(NamedTuple):
    """How a stored frame is turned for display: first transposed, then mirrored."""

    is_transposed: bool = False
    flips_rows: bool = False
    flips_columns: bool = False


def pixel_rule(path: Path, pixel_format: av.VideoFormat) -> PixelRule:
    """The rule for a format of libav.  Raises VideoError for more than 8 bits a channel and for raw camera patterns."""
    name, components = pixel_format.name, pixel_format.components
    bits = max(component.bits for component in components)
    if bits > 8:
        raise VideoError(
            f"{path}: its pixel format {name} has {bits} bits a channel; vgbench compares 8. "
            "Convert it first, for example with: ffmpeg -i IN -pix_fmt gbrp -c:v ffv1 OUT.mkv (-pix_fmt gray for one channel)."
        )
    if pixel_format.is_bayer:
        raise VideoError(f"{path}: its pixel format {name} is a raw camera pattern, not colour. Convert it to RGB first.")
    has_alpha = pixel_format.has_palette or any(component.is_alpha for component in components)
    colours = sum(not component.is_alpha for component in components)
    channels = 1 if colours == 1 and not pixel_format.has_palette else 3
    if has_alpha:
        return PixelRule("rgba", channels)
    return PixelRule("gray" if channels == 1 else "rgb24", channels)


def frame_pixels(path: Path, frame: av.VideoFrame, number: int, reformatter: VideoReformatter) -> Pixels:
    """(C, H, W) uint8 as displayed, in any order of memory.

    Colours follow the frame's own matrix and range; untagged frames are taken as BT.601.
    """
    rule = pixel_rule(path, frame.format)
    if frame.format.name == rule.target:
        pixels: NDArray[Any] = frame.to_ndarray()
    else:
        pixels = reformatter.reformat(frame, format=rule.target, interpolation=_CONVERSION).to_ndarray()
    if rule.target == "rgba":
        pixels = drop_opaque_alpha(pixels, rule.channels, f"frame {number} of {path}")
    chw = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return turned(chw, orientation(path, frame))


def drop_opaque_alpha(rgba: NDArray[Any], channels: int, where: str) -> Pixels:
    """(H, W, 4) → (H, W, channels).  Raises VideoError where a pixel is not fully opaque."""
    transparent = int(np.count_nonzero(rgba[..., 3] != 255))
    if transparent:
        total = rgba.shape[0] * rgba.shape[1]
        raise VideoError(
            f"{where} is transparent in {transparent:,} of its {total:,} pixels, and what lies behind them is not known. "
            "Draw it over a background and save it without alpha."
        )
    return rgba[..., :channels]


def orientation(path: Path, frame: av.VideoFrame) -> Orientation:
    """How the frame's display matrix turns it.  Raises VideoError for anything but quarter turns and mirrors."""
    # Row vectors: x' = a·x + c·y and y' = b·x + d·y; the shift follows from the size.
    a, b, c, d = _display_matrix(frame)
    if abs(a) == abs(d) == _UNIT and b == c == 0:
        return Orientation(False, flips_rows=d < 0, flips_columns=a < 0)
    if abs(b) == abs(c) == _UNIT and a == d == 0:
        return Orientation(True, flips_rows=b < 0, flips_columns=c < 0)
    matrix = ", ".join(f"{value / _UNIT:g}" for value in (a, b, c, d))
    raise VideoError(
        f"{path}: it is to be shown through the display matrix ({matrix}), which is neither a quarter turn nor a mirror. "
        "Encode it again with the turn in its pixels: ffmpeg -i IN -c:v ffv1 OUT.mkv."
    )


def _display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """(a, b, c, d) in 16.16 fixed point; the identity where there is none."""
    try:
        side_data: Mapping[str, Any] = frame.side_data
        data = side_data.get("DISPLAYMATRIX")
    except ValueError:  # beside it lie side data of a kind that this PyAV has no name for; the angle is still to be had
        quarters = {0: (1, 0, 0, 1), 90: (0, -1, 1, 0), -90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), -180: (-1, 0, 0, -1)}
        a, b, c, d = quarters.get(frame.rotation, (0, 0, 0, 0))
        return a * _UNIT, b * _UNIT, c * _UNIT, d * _UNIT
    if data is None:
        return _UNIT, 0, 0, _UNIT
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data)[:36])
    return a, b, c, d


def turned(pixels_chw: Pixels, how: Orientation) -> Pixels:
    """The (C, H, W) pixels as `how` says they are displayed, (C, W, H) after a transposition."""
    if how.is_transposed:
        pixels_chw = pixels_chw.transpose(0, 2, 1)
    return pixels_chw[:, :: -1 if how.flips_rows else 1, :: -1 if how.flips_columns else 1]
