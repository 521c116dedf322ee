"""Clips in one array: .npy or .npz of uint8 (N, T, H, W, C) with C = 1 or 3, or (N, T, H, W) for grey, or of a layout that is named.

An array of several in an .npz is addressed as `file.npz:name`. An .npy is memory-mapped, so that only the clip that is read comes
into memory; an .npz is compressed as a whole and stays in memory after the first read.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vgbench.errors import VideoError
from vgbench.video.info import VideoInfo, frame_range
from vgbench.video.layouts import arranged
from vgbench.video.levels import check_levels, check_type
from vgbench.video.pixels import Pixels

ARRAY_SUFFIXES = (".npy", ".npz")
_NPY_MAGIC = b"\x93NUMPY"
_BROKEN = (OSError, EOFError, ValueError, KeyError, SyntaxError, zipfile.BadZipFile, zlib.error, NotImplementedError)


class ArrayAddress(NamedTuple):
    """Which array of which file."""

    path: Path
    array: str | None
    """Its name inside an .npz; None: the only one."""


def array_address(path: str | Path) -> ArrayAddress | None:
    """`file.npy`, `file.npz` or `file.npz:name` taken apart; None for any other path."""
    text = str(path)
    whole = Path(text)
    if whole.suffix.lower() in ARRAY_SUFFIXES and not whole.is_dir():
        return ArrayAddress(whole, None)
    for position, character in enumerate(text):
        if character == ":" and text[:position].lower().endswith(".npz") and Path(text[:position]).is_file():
            return ArrayAddress(Path(text[:position]), text[position + 1 :])
    return None


class ArrayClips:
    """The clips of one array, read one by one."""

    def __init__(self, address: ArrayAddress, layout: str | None = None) -> None:
        """Check shape, dtype and range; `layout` names the axes, as in "NTCHW".

        Raises VideoError: no array, damaged, pickled objects, a missing name, not uint8, a range or shape that says two things;
        ConfigError: a layout that is none.
        """
        self.address = address
        self.where = f"{address.path}:{address.array}" if address.array else str(address.path)
        self._array = _checked(self.where, _load(address), layout)

    def __len__(self) -> int:
        return int(self._array.shape[0])

    def info(self) -> VideoInfo:
        """The one size of all clips; the rate is None."""
        _, frames, height, width, channels = self._array.shape
        return VideoInfo(frames, None, height, width, channels)

    def read(self, index: int, start: int = 0, length: int | None = None) -> Tensor:
        """uint8 (T, C, H, W) of one clip.  Raises VideoError for a range outside it."""
        wanted = frame_range(f"{self.where}, clip {index}", self.info().frames, start, length)
        clip = self._array[index, wanted.start : wanted.stop]
        return torch.from_numpy(np.array(clip.transpose(0, 3, 1, 2), order="C"))


def _load(address: ArrayAddress) -> NDArray[Any]:
    path, name = address
    if not path.exists():
        raise VideoError(f"{path} does not exist. Check the path.")
    if not path.stat().st_size:
        raise VideoError(f"{path} is empty: 0 bytes. Copy or make it again.")
    try:
        if path.suffix.lower() == ".npy":
            array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
            return array
        # Opened here, since numpy leaves a file open whose archive is broken.
        with open(path, "rb") as file:
            _check_is_archive(path, file.read(len(_NPY_MAGIC)))
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return _member(path, name, archive)
    except _BROKEN as error:
        raise VideoError(
            f"{path} cannot be read as an array: {_reason(error)}. It may be truncated, or hold Python objects, which are not loaded: "
            "save it again with numpy.save or numpy.savez, dtype uint8."
        ) from error


def _check_is_archive(path: Path, magic: bytes) -> None:
    if magic == _NPY_MAGIC:
        raise VideoError(f"{path} is a single array in spite of its suffix. Rename it to .npy.")


def _member(path: Path, name: str | None, archive: Any) -> NDArray[Any]:
    names = archive.files
    known = "the arrays in it: " + (", ".join(f"{path.name}:{known}" for known in names) or "none")
    if name is None and len(names) != 1:
        raise VideoError(f"{path} holds {len(names)} arrays; name one. {known[0].upper()}{known[1:]}.")
    wanted = names[0] if name is None else name
    if wanted not in names:
        raise VideoError(f"{path} holds no array '{wanted}'; {known}.")
    member: NDArray[Any] = archive[wanted]
    return member


def _checked(where: str, array: NDArray[Any], layout: str | None) -> Pixels:
    """(N, T, H, W, C) uint8, all sizes at least 1."""
    if 0 in array.shape:
        raise VideoError(f"{where} has the shape {array.shape}: there is nothing in it. Give at least one clip of one frame.")
    check_type(where, array)
    clips = arranged(where, array, layout)
    check_levels(where, clips)
    return clips


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
