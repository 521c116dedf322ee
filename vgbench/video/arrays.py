"""Clips in one array: uint8 (N, T, H, W, C) with C = 1 or 3, or (N, T, H, W) for grey, or of a layout that is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vgbench.config import DEFAULT_MEMORY
from vgbench.errors import VideoError
from vgbench.video.array_files import ArrayAddress, load_array
from vgbench.video.info import VideoInfo, frame_range
from vgbench.video.layouts import arranged
from vgbench.video.levels import check_levels, check_type
from vgbench.video.pixels import Pixels


class ArrayClips:
    """The clips of one array, read one by one."""

    def __init__(self, address: ArrayAddress, layout: str | None = None, max_memory: int = DEFAULT_MEMORY) -> None:
        """Check shape, dtype and range; `layout` names the axes, as in "NTCHW"; one that cannot be mapped may take `max_memory` bytes.

        Raises VideoError: no array, damaged, objects instead of numbers, a missing name, not uint8, a range or shape that says two things,
        too large; ConfigError: a layout that is none.
        """
        self.address = address
        self.where = f"{address.path}:{address.array}" if address.array else str(address.path)
        self.array = _checked(self.where, load_array(address, max_memory), layout)

    def __len__(self) -> int:
        return int(self.array.shape[0])

    def info(self) -> VideoInfo:
        """The one size of all clips; the rate is None."""
        _, frames, height, width, channels = self.array.shape
        return VideoInfo(frames, None, height, width, channels)

    def read(self, index: int, start: int = 0, length: int | None = None) -> Tensor:
        """uint8 (T, C, H, W) of one clip.  Raises VideoError for a range outside it."""
        wanted = frame_range(f"{self.where}, clip {index}", self.info().frames, start, length)
        clip = self.array[index, wanted.start : wanted.stop]
        return torch.from_numpy(np.array(clip.transpose(0, 3, 1, 2), order="C"))


def _checked(where: str, array: NDArray[Any], layout: str | None) -> Pixels:
    """(N, T, H, W, C) uint8, all sizes at least 1."""
    if 0 in array.shape:
        raise VideoError(f"{where} has the shape {array.shape}: there is nothing in it. Give at least one clip of one frame.")
    check_type(where, array)
    clips = arranged(where, array, layout)
    check_levels(where, clips)
    return clips
