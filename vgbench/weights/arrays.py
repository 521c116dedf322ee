"""Reading the arrays of published files, pickled ones too, without running what else a pickle may ask for."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from vgbench.errors import WeightsError
from vgbench.files import BROKEN_FILE

_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")


class _ArrayUnpickler(pickle.Unpickler):
    """Admits what an array needs to come back, and nothing else."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name in _ARRAY_MODULES and global_name == "_reconstruct") or (module_name, global_name) == ("numpy", "ndarray"):
            return np.ndarray if global_name == "ndarray" else _empty_array
        if (module_name, global_name) == ("numpy", "dtype"):
            return np.dtype
        raise WeightsError(f"it asks for {module_name}.{global_name}, which weights have no need of")


def _empty_array(kind: type, shape: tuple[int, ...], code: bytes) -> NDArray[Any]:
    """An array without contents, which its state then fills; objects, which may run code, are refused."""
    if kind is not np.ndarray or not isinstance(shape, tuple):
        raise WeightsError(f"it makes a {kind!r} out of an array")
    return np.ndarray.__new__(np.ndarray, shape, "b")


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz`, or of a pickled dict of dicts with their keys joined by "/".

    WeightsError: the file is damaged, holds anything but arrays, or asks for code to be run; nothing of it is.
    """
    try:
        with open(path, "rb") as file:
            if path.suffix == ".npz":
                arrays = dict(_members(np.load(file, allow_pickle=False)))
            else:
                arrays = dict(_flat(_ArrayUnpickler(file).load()))
    except (WeightsError, *BROKEN_FILE) as error:
        raise WeightsError(f"{path} is refused: {error or type(error).__name__}.") from error
    if not arrays:
        raise WeightsError(f"{path} is refused: there are no arrays in it.")
    return arrays


def _members(archive: NpzFile) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, array in archive.items():
        if not isinstance(array, np.ndarray):  # numpy gives the bytes of what does not begin as an array does
            raise WeightsError(f"'{name}' is not an array")
        yield name, array


def _flat(tree: Any, path: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(tree, np.ndarray) and tree.dtype == np.float32:
        yield path, tree
    elif isinstance(tree, Mapping):
        for key, branch in tree.items():
            yield from _flat(branch, f"{path}/{key}".lstrip("/"))
    else:
        raise WeightsError(f"'{path}' is {getattr(tree, 'dtype', type(tree).__name__)}, not a float32 array")
