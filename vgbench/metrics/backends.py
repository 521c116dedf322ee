"""Which form of a family's loops runs: compiled by numba on a processor, Triton kernels on a GPU, tensor operations elsewhere."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TypeVar

import torch

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

COMPILED = {"pixel": "vgbench.metrics.pixel.compiled_sums", "similarity": "vgbench.metrics.similarity.compiled"}
"""Family → the module of its loops for a processor."""
KERNELS = {"pixel": "vgbench.metrics.pixel.gpu", "similarity": "vgbench.metrics.similarity.gpu"}
"""Family → the module of its Triton kernels."""

_given_up: set[str] = set()
"""Families whose kernels failed in this process."""


def loops_of(family: str, device: torch.device) -> ModuleType | None:
    """A family's compiled loops for tensors of a processor; None without numba and for tensors elsewhere.

    Whether numba is there is the only question: an error in a loop's own imports is a bug, and is raised.
    """
    return import_module(COMPILED[family]) if device.type == "cpu" and has_numba() else None


def on_gpu(family: str, device: torch.device, compute: Callable[[ModuleType], Result]) -> Result | None:
    """What `compute` gives with a family's Triton kernels; None for tensors elsewhere, without Triton, and where the kernels fail.

    A failure to compile or to start is warned of once, and the family's tensor operations take over.  Running out of memory is no such
    failure, and is raised.
    """
    if device.type != "cuda" or family in _given_up or not has_triton():
        return None
    try:
        return compute(import_module(KERNELS[family]))
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:
        _given_up.add(family)
        reason = str(error).strip().split("\n")[0][:200]
        logger.warning("The GPU kernels of %s metrics failed (%s: %s); tensor operations take over.", family, type(error).__name__, reason)
        return None


@cache
def load_ahead() -> None:
    """Begin to load the compiled loops, beside what comes before the first clip; once in a process, and not where there is a GPU.

    What goes wrong is found out where the loops are asked for.
    """
    if not torch.cuda.is_available():
        threading.Thread(target=_load, name="vgbench-load", daemon=True).start()


def _load() -> None:
    if has_numba():
        for module in COMPILED.values():
            with suppress(Exception):
                import_module(module)


def given_up() -> frozenset[str]:
    """The families whose kernels failed in this process."""
    return frozenset(_given_up)


def forget() -> None:
    """Look again for what is installed, and try again what failed."""
    has_numba.cache_clear()
    has_triton.cache_clear()
    _given_up.clear()


@cache
def has_numba() -> bool:
    """Whether numba can be used; one that is installed and broken, as beside a numpy that it does not know, is warned of."""
    try:
        import numba  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "numba":
            logger.warning("numba cannot be imported (%s); metrics take their slower form.", error)
        return False
    except Exception as error:  # what a numba beside packages that it does not know raises is of any kind
        logger.warning("numba cannot be imported (%s: %s); metrics take their slower form.", type(error).__name__, error)
        return False
    return True


@cache
def has_triton() -> bool:
    """Whether Triton is installed; on a GPU, where this is asked, its absence is warned of."""
    found = find_spec("triton") is not None
    if not found:
        logger.warning("Triton is not installed; on the GPU metrics take their slower form.")
    return found
