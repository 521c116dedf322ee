"""Arrays from files: .npy, .npz, .pt and .h5, as numpy arrays, mapped from the disk where the format lets them be.

An array of several is addressed as `file.npz:name`. An .npy, a .pt, and an .h5 without chunks or compression are mapped, so that only
what is read comes into memory; all else is held as a whole. Nothing in a file is executed, and none leads to another file.
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.lib.format import read_array_header_1_0, read_magic
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from vgbench.errors import VideoError
from vgbench.files import BROKEN_FILE, torch_archive_problem

if TYPE_CHECKING:
    import h5py

_NPY_MAGIC = b"\x93NUMPY"


class ArrayAddress(NamedTuple):
    """Which array of which file."""

    path: Path
    array: str | None
    """Its name inside a file that may hold several; None: the only one."""


def array_address(path: str | Path) -> ArrayAddress | None:
    """`file.npy`, `file.npz` or `file.npz:name` taken apart; None for any other path."""
    text = str(path)
    whole = Path(text)
    if whole.suffix.lower() in ARRAY_SUFFIXES and not whole.is_dir():
        return ArrayAddress(whole, None)
    for position, character in enumerate(text):
        file = Path(text[:position])
        if character == ":" and file.suffix.lower() in _OF_SEVERAL and file.is_file():
            return ArrayAddress(file, text[position + 1 :])
    return None


def load_array(address: ArrayAddress, max_memory: int) -> NDArray[Any]:
    """The array; `max_memory` bytes are the most that one takes which cannot be mapped.

    Raises VideoError: nothing there, empty, damaged, objects instead of numbers, a missing name, too large.
    """
    path, name = address
    if not path.exists():
        raise VideoError(f"{path} does not exist. Check the path.")
    if not path.stat().st_size:
        raise VideoError(f"{path} is empty: 0 bytes. Copy or make it again.")
    try:
        return _READERS[path.suffix.lower()](path, name, max_memory)
    except BROKEN_FILE as error:
        raise VideoError(
            f"{path} cannot be read as an array: {str(error) or type(error).__name__}. It may be truncated, or hold Python objects, which "
            "are not loaded: save it again, dtype uint8, for example with numpy.save."
        ) from error


def _read_npy(path: Path, _: str | None, __: int) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _read_npz(path: Path, name: str | None, max_memory: int) -> NDArray[Any]:
    # Opened here, since numpy leaves a file open whose archive is broken.
    with open(path, "rb") as file:
        if file.read(len(_NPY_MAGIC)) == _NPY_MAGIC:
            raise VideoError(f"{path} is a single array in spite of its suffix. Rename it to .npy.")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            wanted = _chosen(path, name, archive.files)
            _check_member(f"{path}:{wanted}", wanted, archive, max_memory)
            member: NDArray[Any] = archive[wanted]
            return member


def _check_member(where: str, name: str, archive: NpzFile, max_memory: int) -> None:
    """Raise VideoError for an array that takes more than `max_memory` bytes, and ValueError for one that the archive does not hold."""
    assert archive.zip is not None, "open until the with statement ends"
    names: Iterable[str] = archive.zip.namelist()
    entry: zipfile.ZipInfo = archive.zip.getinfo(name if name in names else f"{name}.npy")
    with archive.zip.open(entry) as file:
        version = read_magic(file)
        if version != (1, 0):  # the others are for headers past 64 KiB, which no array of numbers has
            raise ValueError(f"its format is {version[0]}.{version[1]}, not 1.0")
        shape, _, dtype = read_array_header_1_0(file)
        declared, held = math.prod(shape) * dtype.itemsize, entry.file_size - file.tell()
    if declared != held and not dtype.hasobject:
        raise ValueError(f"its header declares {declared:,} bytes of {dtype} {shape}, but {held:,} are there")
    _check_memory(where, declared, max_memory)


def _read_pt(path: Path, name: str | None, _: int) -> NDArray[Any]:
    problem = torch_archive_problem(path)
    if problem:
        raise ValueError(problem)
    if not zipfile.is_zipfile(path):
        raise ValueError("it is no archive, as torch.save writes since version 1.6")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise ValueError("something in it is neither a tensor nor a plain value") from error
    if isinstance(content, torch.Tensor) and name is None:
        content = {"": content}
    if not isinstance(content, Mapping) or not content or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise VideoError(
            f"{path} holds {type(content).__name__}, not {'a tensor, or ' if name is None else ''}a dict of tensors by their names. "
            "Save the clips as one tensor: torch.save(clips, PATH)."
        )
    tensors = {str(key): tensor for key, tensor in content.items()}
    tensor = tensors[_chosen(path, name, list(tensors))].detach()
    if tensor.dtype == torch.bfloat16:
        raise VideoError(
            f"{path} is bfloat16 {tuple(tensor.shape)}; clips are uint8, 0 for black and 255 for white. Convert and save it again."
        )
    array: NDArray[Any] = tensor.numpy()
    return array


def _read_h5(path: Path, name: str | None, max_memory: int) -> NDArray[Any]:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise VideoError(f"{path} is an HDF5 file, and h5py, which reads them, is not installed: pip install 'vgbench[h5]'.") from error
    with h5py.File(path, "r") as file:
        found: dict[str, h5py.Dataset] = {}
        # Links to other places and files are not followed.
        file.visititems(lambda key, item: found.update({key: item}) if isinstance(item, h5py.Dataset) else None)
        wanted = _chosen(path, name, list(found))
        dataset, where = found[wanted], f"{path}:{wanted}"
        if dataset.external or dataset.is_virtual:
            raise VideoError(f"{where} is kept in other files. Save it whole, in one.")
        shape, dtype, offset = dataset.shape, dataset.dtype, dataset.id.get_offset()
        if offset is not None and not dtype.hasobject:
            return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
        _check_memory(where, dataset.size * dtype.itemsize, max_memory)
        array: NDArray[Any] = dataset[()]
        return array


def _chosen(path: Path, name: str | None, names: list[str]) -> str:
    """The name of the array that is meant.  VideoError: it is not there, or none was named of several."""
    known = "the arrays in it: " + (", ".join(f"{path.name}:{known}" for known in names) or "none")
    if name is None and len(names) != 1:
        raise VideoError(f"{path} holds {len(names)} arrays; name one. {known[0].upper()}{known[1:]}.")
    wanted = names[0] if name is None else name
    if wanted not in names:
        raise VideoError(f"{path} holds no array '{wanted}'; {known}.")
    return wanted


def _check_memory(where: str, n_bytes: int, max_memory: int) -> None:
    if n_bytes > max_memory:
        raise VideoError(
            f"{where} takes {n_bytes:,} bytes, and a compressed array stays in memory as a whole; {max_memory:,} are allowed. "
            "Save it with numpy.save as .npy, which is read clip by clip, or allow more: each side has half of what --max-memory gives."
        )


_READERS: dict[str, Callable[[Path, str | None, int], NDArray[Any]]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".pt": _read_pt,
    ".pth": _read_pt,
    ".h5": _read_h5,
    ".hdf5": _read_h5,
}
ARRAY_SUFFIXES = tuple(_READERS)
_OF_SEVERAL = tuple(suffix for suffix in ARRAY_SUFFIXES if suffix != ".npy")
