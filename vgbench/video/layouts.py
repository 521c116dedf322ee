"""Which axis of an array is what: clips N, frames T, height H, width W, channels C, as in "NTHWC".

Without a name, five axes that end in 1 or 3 are (N, T, H, W, C), and four axes are (N, T, H, W) where no other reading fits. A width of
1 or 3 pixels is not thought of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgbench.errors import ConfigError, VideoError

_AXES = "NTHWC"
_READINGS = {5: ("NTHWC", "NTCHW", "NCTHW"), 4: ("THWC", "TCHW", "CTHW", "NTHW"), 3: ("THW",)}
"""What arrays of so many axes are saved as, by the shape's own evidence."""
_CHANNELS = (1, 3)


def check_layout(layout: str) -> str:
    """The layout in capitals.  Raises ConfigError unless it names T, H and W, and at most N and C beside them, each once."""
    letters = layout.upper()
    if len(set(letters)) != len(letters) or not set("THW") <= set(letters) <= set(_AXES):
        raise ConfigError(
            f"layout '{layout}': name each axis of the array once, T (frames), H, W, and N (clips) and C (channels) where it has them, "
            "such as NTHWC, NTCHW, NCTHW, THWC, TCHW, NTHW or THW."
        )
    return letters


def arranged(where: str, array: NDArray[Any], layout: str | None) -> NDArray[Any]:
    """The array as a view (N, T, H, W, C).

    layout: see `check_layout`; None: told from the shape.  Raises VideoError: a shape that does not fit, or that can be read in two ways.
    """
    if layout is None:
        return _ordered(array, _layout_of(where, array.shape))
    letters = check_layout(layout)
    if len(letters) != array.ndim:
        raise VideoError(f"{where} has the shape {array.shape}, {array.ndim} axes, but the layout {letters} names {len(letters)}.")
    if "C" in letters and array.shape[letters.index("C")] not in _CHANNELS:
        raise VideoError(
            f"{where} has the shape {array.shape}; under the layout {letters} it has {array.shape[letters.index('C')]} channels, "
            "but clips have 1 or 3. Name another layout, or take the channels that are colours."
        )
    return _ordered(array, letters)


def _layout_of(where: str, shape: Sequence[int]) -> str:
    fitting = [letters for letters in _READINGS.get(len(shape), ()) if "C" not in letters or shape[letters.index("C")] in _CHANNELS]
    if "NTHWC" in fitting:
        return "NTHWC"
    if "NTHW" in fitting and all(_is_same(shape, letters, "NTHW") for letters in fitting):
        return "NTHW"
    axes = "clips are uint8 (N, T, H, W, C) with C = 1 or 3, or (N, T, H, W) for grey"
    if not fitting:
        raise VideoError(f"{where} has the shape {tuple(shape)}; {axes}. {_advice(shape)}")
    what = "which can be read in several ways" if len(fitting) > 1 else f"but {axes}"
    fixes = "; if".join(f" it is ({', '.join(letters)}), save {_fix(letters)} or name the layout {letters}" for letters in fitting)
    raise VideoError(
        f"{where} has the shape {tuple(shape)}, {what}. If{fixes}. "
        "A layout is named with --layout of vgbench eval, or with layout= in Python."
    )


def _is_same(shape: Sequence[int], first: str, second: str) -> bool:
    """Whether both layouts give the same clips: they differ in where axes of length 1 stand, nothing else."""
    kept = [[(letter, size) for letter, size in zip(letters, shape, strict=True) if size > 1] for letters in (first, second)]
    return kept[0] == kept[1]


def _advice(shape: Sequence[int]) -> str:
    if len(shape) == 5 and shape[-1] == 4:
        return "If the fourth channel is an opaque alpha, leave it out: x[..., :3]."
    return "Save it with its axes in this order, the pixels of a frame side by side."


def _fix(letters: str) -> str:
    """The expression that turns an array of this layout into (N, T, H, W, C)."""
    order = tuple(letters.index(axis) for axis in _AXES if axis in letters)
    text = "x" if order == tuple(range(len(letters))) else f"x.transpose{order}"
    index = ("None" if "N" not in letters else "", "..., None" if "C" not in letters else "")
    return text + {("", ""): "", ("None", ""): "[None]", ("", "..., None"): "[..., None]"}.get(index, "[None, ..., None]")


def _ordered(array: NDArray[Any], letters: str) -> NDArray[Any]:
    ordered = array.transpose([letters.index(axis) for axis in _AXES if axis in letters])
    if "N" not in letters:
        ordered = ordered[None]
    return ordered if "C" in letters else ordered[..., np.newaxis]
