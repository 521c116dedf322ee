"""Loops compiled by numba, and the threads they run on.

Importing this fails with ImportError where numba is not installed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

_PARTS_A_THREAD = 4


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Machine code, kept for later processes where there is a folder that can be written; it runs without the interpreter's lock."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc"}}
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # there is none
        return numba.njit(**options)(function)  # type: ignore[no-any-return]


def array_of(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The contiguous values, not copied if they are contiguous already.

    Not by `Tensor.numpy`, which marks the memory as shared: no metric could remember what it computed from it.
    """
    return np.from_dlpack(tensor.detach().contiguous())


def in_parts(count: int, run: Callable[[int, int], None]) -> None:
    """Call run(first, last) for consecutive parts of range(count), on as many threads as torch uses."""
    threads = torch.get_num_threads()
    parts = min(count, threads * _PARTS_A_THREAD)
    edges = [count * part // parts for part in range(parts + 1)] if parts else []
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, edges[:-1], edges[1:]))
