"""Where the pixels of a picture look: coordinates that do not depend on how many pixels there are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vgbench_datasets.sky.fixed import UNIT, Ints


class View(NamedTuple):
    """The rows and columns of a picture of a scene, lengths in heights of the picture, Q16."""

    x: Ints
    """(1, 1, W) from the middle to the right."""
    y: Ints
    """(1, H, 1) from the top down."""
    pixel_width: int
    pixel_height: int


def view_of(size: tuple[int, int], native: tuple[int, int]) -> View:
    """The view of a scene of the native (height, width), at a size in pixels; another aspect squashes it."""
    height, width = size
    span = UNIT * native[1] // native[0]
    columns = (2 * np.arange(width, dtype=np.int64) + 1) * span // (2 * width) - span // 2
    rows = (2 * np.arange(height, dtype=np.int64) + 1) * UNIT // (2 * height)
    return View(columns.astype(np.int32)[None, None, :], rows.astype(np.int32)[None, :, None], span // width, UNIT // height)
