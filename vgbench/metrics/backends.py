"""Which metrics run as compiled loops: those with a kernel, on a processor, where numba is installed."""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from types import ModuleType

import torch

logger = logging.getLogger(__name__)


def kernel_of(name: str, device: torch.device) -> ModuleType | None:
    """The module `vgbench.metrics.<name>`, or None without numba and for tensors elsewhere.

    Whether numba is there is the only question: an error in a kernel's own imports is a bug, and is raised.
    """
    return import_module(f"vgbench.metrics.{name}") if device.type == "cpu" and has_numba() else None


@cache
def has_numba() -> bool:
    """Whether numba can be used; one that is installed and broken, as beside a numpy that it does not know, is warned of."""
    try:
        import numba  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "numba":
            logger.warning("numba cannot be imported (%s); metrics take their slower form.", error)
        return False
    except ImportError as error:
        logger.warning("numba cannot be imported (%s); metrics take their slower form.", error)
        return False
    return True
