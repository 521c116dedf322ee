"""Which device computes, in which precision, and whether its memory suffices."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from vgbench.errors import ConfigError

if TYPE_CHECKING:
    import torch


DEVICES = ("auto", "cpu", "cuda")


PRECISIONS = ("auto", "32", "tf32", "bf16")


def choose_device(name: str) -> torch.device:
    """The device of "auto", "cpu", "cuda" or "cuda:N"; auto: a GPU if available.

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
    """ "32", "tf32" or "bf16"; auto takes bf16 only on a GPU that computes in it, since elsewhere it is far slower.

    ConfigError: tf32 is asked for on a CPU, or tf32 or bf16 on a GPU that has neither.
    """
    has_both = has_short_types(device)
    if name == "auto":
        return "bf16" if has_both else "32"
    if name == "tf32" and device.type != "cuda":
        raise ConfigError("--precision tf32 needs a GPU; on the CPU use 32.")
    if name != "32" and device.type == "cuda" and not has_both:
        major, minor = _capability(device)
        raise ConfigError(f"--precision {name}: {device} computes in neither bf16 nor TF32 (compute capability {major}.{minor}); use 32.")
    return name


def has_short_types(device: torch.device) -> bool:
    """Whether it is a GPU that computes in bf16 and TF32."""
    return device.type == "cuda" and _capability(device) >= _AMPERE


_AMPERE = (8, 0)
"""The compute capability from which on NVIDIA's GPUs have bf16 and TF32; torch emulates bf16 on older ones, slowly."""


def _capability(device: torch.device) -> tuple[int, int]:
    import torch

    return torch.cuda.get_device_capability(device)


def arithmetic(device: torch.device) -> dict[str, str]:
    """What decides the last bits of what is computed on a device: its kind, and the packages that compute."""
    import platform
    from importlib import metadata

    import torch

    if device.type == "cuda":
        kind = torch.cuda.get_device_name(device)
    else:
        kind = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    versions = {}
    for package in ("torch", "numpy", "scipy", "numba"):
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return {"device": f"{device.type}: {kind}", **versions}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that the device, or the machine, has no memory left."""
    torch = sys.modules.get("torch")  # without which it is no error of a device
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.cuda.OutOfMemoryError)):
        return True
    says_so = re.search("can't allocate memory|not enough memory|CUBLAS_STATUS_ALLOC_FAILED", str(error))
    return isinstance(error, RuntimeError) and says_so is not None


@contextmanager
def full_float32() -> Iterator[None]:
    """Within the block a GPU multiplies and convolves float32 in full; afterwards its TF32 switches are as they were.

    The switches are the process's: threads that compute beside the block see them too.
    """
    import torch

    switches = _float32_switches()
    if not torch.cuda.is_available():
        yield
        return
    before = [getattr(owner, name) for owner, name, _ in switches]
    try:
        for owner, name, value in switches:
            setattr(owner, name, value)
        yield
    finally:
        for (owner, name, _), value in zip(switches, before, strict=True):
            setattr(owner, name, value)


def _float32_switches() -> list[tuple[Any, str, Any]]:
    """(owner, name, value for full float32) of torch's switches; since 2.9 the older ones refuse to be read after the newer are set."""
    import torch

    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(cudnn, "conv"):
        return [(owner, "fp32_precision", "ieee") for owner in (matmul, cudnn.conv)]
    return [(matmul, "allow_tf32", False), (cudnn, "allow_tf32", False)]
