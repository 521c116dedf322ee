"""Which metrics run as compiled loops: those with a kernel, on a processor, where numba is installed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import torch


def kernel_of(name: str, device: torch.device) -> ModuleType | None:
    """The module `vgbench.metrics.<name>`, or None without numba and for tensors elsewhere.

    Whether numba is installed is the only question: an error in a kernel's own imports is a bug, and is raised.
    """
    return import_module(f"vgbench.metrics.{name}") if device.type == "cpu" and has_numba() else None


@cache
def has_numba() -> bool:
    """Whether numba is installed."""
    return find_spec("numba") is not None
