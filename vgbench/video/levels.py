"""Which numbers of an array stand for black and white: 0 and 255, or else it is refused with what to multiply by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgbench.errors import VideoError

_LOOKED_AT = 1 << 24
"""Values that are looked at before a conversion is advised."""


def check_type(where: str, array: NDArray[Any]) -> None:
    """Raise VideoError unless the array is uint8; the message says how to convert the values that it begins with."""
    if array.dtype != np.uint8:
        raise VideoError(f"{where} is {array.dtype} {array.shape}; clips are uint8, 0 for black and 255 for white. {_conversion(array)}")


def check_levels(where: str, clips: NDArray[Any]) -> None:
    """Raise VideoError where 1 is the largest value of all: a grey that nobody sees, and nearly always meant as white.

    clips: uint8, clip by clip along the first axis.  Looks no further than the first clip with more in it.
    """
    brightest = 0
    for clip in clips:
        brightest = max(brightest, int(clip.max()))
        if brightest > 1:
            return
    if brightest == 1:
        raise VideoError(
            f"{where} holds no value but 0 and 1, where uint8 means 255 for white. If 1 is white, multiply it by 255: x * np.uint8(255). "
            "If it is meant to be nearly black, give it as a video."
        )


def _conversion(array: NDArray[Any]) -> str:
    if array.dtype.kind == "b":
        return "Multiply it by 255: x * np.uint8(255)."
    if array.dtype.kind not in "iuf" or not array.size:
        return "Convert it to uint8."
    low, high = _range_of(array)
    if not np.isfinite((low, high)).all():
        return "It holds values that are not finite: find out where they come from before anything is measured."
    seen = f"Its values lie between {low:g} and {high:g}"
    return f"{seen}: {_float_conversion(low, high) if array.dtype.kind == 'f' else _integer_conversion(low, high)}"


def _integer_conversion(low: float, high: float) -> str:
    if low < 0 or high > 65535:
        return "bring black to 0 and white to 255, then x.astype(np.uint8)."
    if high > 255:
        return "if 65535 is white, divide it by 257: np.rint(x / 257).astype(np.uint8)."
    if high == 1:
        return "if 1 is white, multiply it by 255: (255 * x).astype(np.uint8)."
    return "x.astype(np.uint8) keeps them."


def _float_conversion(low: float, high: float) -> str:
    if low >= 0 and high <= 1:
        return "if 1 is white, multiply it by 255: np.rint(255 * x).astype(np.uint8)."
    if low >= -1 and high <= 1:
        return "if -1 is black and 1 is white, add 1 and multiply by 127.5: np.rint(127.5 * (x + 1)).astype(np.uint8)."
    if low >= 0 and high <= 255:
        return "if 255 is white, do not multiply it: np.rint(x).astype(np.uint8)."
    return "clamp or scale it, so that black is 0 and white 1, then np.rint(255 * x).astype(np.uint8)."


def _range_of(array: NDArray[Any]) -> tuple[float, float]:
    """Smallest and largest of the values that are looked at; NaN if one of them is."""
    ends = [(float(part.min()), float(part.max())) for part in _beginning(array)]
    return float(np.min([low for low, _ in ends])), float(np.max([high for _, high in ends]))


def _beginning(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    seen = 0
    for part in np.atleast_2d(array):
        if seen >= _LOOKED_AT:
            return
        seen += part.size
        yield part
