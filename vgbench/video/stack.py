"""Frames, one by one, on their way into one tensor."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vgbench.errors import VideoError
from vgbench.video.pixels import Pixels

_FIRST_ROOM = 16


class FrameStack:
    """Frames of one size, each copied once, straight to its place; the memory is torch's own."""

    def __init__(self, path: Path, room: int | None = None) -> None:
        """room: how many frames are expected, where that is known; there may be more."""
        self._path, self._room, self._count = path, room or _FIRST_ROOM, 0
        self._frames: Tensor | None = None

    def __len__(self) -> int:
        return self._count

    def add(self, number: int, pixels_chw: Pixels) -> None:
        """The frame of that number in the video.  VideoError: it is of another size than those before it."""
        if self._frames is None:
            self._make_room(pixels_chw.shape)
        elif pixels_chw.shape != self._shape:
            now, first = (f"{shape[2]}×{shape[1]} with {shape[0]} channels" for shape in (pixels_chw.shape, self._shape))
            raise VideoError(f"{self._path}: frame {number} is {now}, those before it {first}. Split the video where it changes.")
        elif self._count == self._room:
            self._room *= 2
            self._make_room(pixels_chw.shape)
        self._places[self._count] = pixels_chw
        self._count += 1

    def next(self) -> FrameStack:
        """An empty stack for as many frames more of the same size."""
        stack = FrameStack(self._path, self._room)
        stack._make_room(self._shape)
        return stack

    def tensor(self) -> Tensor:
        """uint8 (T, C, H, W): all of them; at least one."""
        assert self._frames is not None, "no frame was added"
        return self._frames if self._count == self._room else self._frames[: self._count].clone()

    def _make_room(self, shape: tuple[int, ...]) -> None:
        before, self._shape = self._frames, shape
        self._frames = torch.empty((self._room, *shape), dtype=torch.uint8)
        if before is not None:
            self._frames[: self._count] = before[: self._count]
        self._places = _writable(self._frames)


def _writable(tensor: Tensor) -> Pixels:
    """The tensor's memory as an array.

    Not by `Tensor.numpy`, which marks the memory as shared for good: no metric could remember what it computed from it.
    """
    place = ctypes.cast(tensor.data_ptr(), ctypes.POINTER(ctypes.c_uint8))
    return np.ctypeslib.as_array(place, shape=tuple(tensor.shape))
