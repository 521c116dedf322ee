"""Clips in one array: .npy or .npz of uint8 (N, T, H, W, C) with C = 1 or 3, or (N, T, H, W) for grey, or of a layout that is named.

An array of several in an .npz is addressed as `file.npz:name`. An .npy is memory-mapped, so that only the clip that is read comes
into memory; an .npz is compressed as a whole and stays in memory after the first read.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.lib.format import read_array_header_1_0, read_magic
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray
from torch import Tensor

from vgbench.config import DEFAULT_MEMORY
from vgbench.errors import VideoError
from vgbench.files import BROKEN_FILE
from vgbench.video.info import VideoInfo, frame_range
from vgbench.video.layouts import arranged
from vgbench.video.levels import check_levels, check_type
from vgbench.video.pixels import Pixels

ARRAY_SUFFIXES = (".npy", ".npz")
_NPY_MAGIC = b"\x93NUMPY"


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

    def __init__(self, address: ArrayAddress, layout: str | None = None, max_memory: int = DEFAULT_MEMORY) -> None:
        """Check shape, dtype and range; `layout` names the axes, as in "NTCHW"; an .npz may take `max_memory` bytes.

        Raises VideoError: no array, damaged, pickled objects, a missing name, not uint8, a range or shape that says two things, too large;
        ConfigError: a layout that is none.
        """
        self.address = address
        self.where = f"{address.path}:{address.array}" if address.array else str(address.path)
        self.array = _checked(self.where, _load(address, max_memory), layout)

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


def _load(address: ArrayAddress, max_memory: int) -> NDArray[Any]:
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
                return _member(path, name, archive, max_memory)
    except BROKEN_FILE as error:
        raise VideoError(
            f"{path} cannot be read as an array: {_reason(error)}. It may be truncated, or hold Python objects, which are not loaded: "
            "save it again with numpy.save or numpy.savez, dtype uint8."
        ) from error


def _check_is_archive(path: Path, magic: bytes) -> None:
    if magic == _NPY_MAGIC:
        raise VideoError(f"{path} is a single array in spite of its suffix. Rename it to .npy.")


def _member(path: Path, name: str | None, archive: NpzFile, max_memory: int) -> NDArray[Any]:
    names = archive.files
    known = "the arrays in it: " + (", ".join(f"{path.name}:{known}" for known in names) or "none")
    if name is None and len(names) != 1:
        raise VideoError(f"{path} holds {len(names)} arrays; name one. {known[0].upper()}{known[1:]}.")
    wanted = names[0] if name is None else name
    if wanted not in names:
        raise VideoError(f"{path} holds no array '{wanted}'; {known}.")
    _check_memory(f"{path}:{wanted}", wanted, archive.zip, max_memory)
    member: NDArray[Any] = archive[wanted]
    return member


def _check_memory(where: str, name: str, archive: zipfile.ZipFile | None, max_memory: int) -> None:
    """Raise VideoError for an array that takes more than `max_memory` bytes, and ValueError for one that the archive does not hold."""
    assert archive is not None, "open until the with statement ends"
    entry = archive.getinfo(name if name in archive.namelist() else f"{name}.npy")
    with archive.open(entry) as file:
        version = read_magic(file)
        if version != (1, 0):  # the others are for headers past 64 KiB, which no array of numbers has
            raise ValueError(f"its format is {version[0]}.{version[1]}, not 1.0")
        shape, _, dtype = read_array_header_1_0(file)
        declared, held = math.prod(shape) * dtype.itemsize, entry.file_size - file.tell()
    if declared != held and not dtype.hasobject:
        raise ValueError(f"its header declares {declared:,} bytes of {dtype} {shape}, but {held:,} are there")
    if declared > max_memory:
        raise VideoError(
            f"{where} takes {declared:,} bytes, and an .npz stays in memory as a whole; {max_memory:,} are allowed. "
            "Save it with numpy.save as .npy, which is read clip by clip, or allow more: each side has half of what --max-memory gives."
        )


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
