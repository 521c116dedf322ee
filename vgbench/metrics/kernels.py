"""Which metrics run as compiled loops: those with a kernel, on a processor, where numba is installed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import ModuleType

import torch


def kernel_of(name: str, device: torch.device) -> ModuleType | None:
    """The module `vgbench.metrics.<name>`, or None without numba and for tensors elsewhere."""
    return _load(name) if device.type == "cpu" else None


@cache
def _load(name: str) -> ModuleType | None:
    try:
        return import_module(f"vgbench.metrics.{name}")
    except ImportError:
        return None
