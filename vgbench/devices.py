"""Which device computes, and in which precision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vgbench.errors import ConfigError

if TYPE_CHECKING:
    import torch


DEVICES = ("auto", "cpu", "cuda")


PRECISIONS = ("auto", "32", "tf32", "bf16")


def choose_device(name: str) -> torch.device:
    """The device of "auto", "cpu", "cuda" or "cuda:N"; auto takes a GPU where there is one.

    ConfigError: CUDA is asked for and there is none.
    """
    import torch

    available = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if available else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise ConfigError(f"--device {name}: not a device of vgbench; use one of {', '.join(DEVICES)}, or cuda:N.")
    if name.startswith("cuda") and not available:
        raise ConfigError(f"--device {name}: this build of torch ({torch.__version__}) sees no CUDA device; use --device cpu.")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"--device {name}: there are {torch.cuda.device_count()} CUDA devices, numbered from 0.")
    return device


def choose_precision(name: str, device: torch.device) -> str:
    """ "32", "tf32" or "bf16"; auto takes bf16 only on a GPU that computes in it, since on most CPUs it is far slower.

    ConfigError: tf32 is asked for on a CPU.
    """
    import torch

    if name == "auto":
        return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "32"
    if name == "tf32" and device.type != "cuda":
        raise ConfigError("--precision tf32 is a way of a GPU's; on the CPU use 32.")
    return name
