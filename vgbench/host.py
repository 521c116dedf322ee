"""The host of a training: device, precision and randomness, lent to a stage through Lightning Fabric."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

from vgbench.errors import ConfigError
from vgbench.interfaces import Host

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "32", "bf16")


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
    """ "32" or "bf16"; auto takes bf16 only on a GPU that computes in it, since on most CPUs it is far slower."""
    import torch

    if name != "auto":
        return name
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "32"


class FabricHost(Host):
    """A host on one device."""

    def __init__(self, *, device: torch.device, precision: str, seed: int) -> None:
        import torch
        from lightning_fabric import Fabric

        self.device, self.precision = device, precision
        self._fabric = Fabric(
            accelerator="cpu" if device.type == "cpu" else "cuda",
            devices=1 if device.type == "cpu" else [device.index or 0],
            precision="32-true" if precision == "32" else "bf16-mixed",
        )
        self.rank, self.world_size = self._fabric.global_rank, self._fabric.world_size
        self.rng = torch.Generator().manual_seed(seed)
        self._optimizers: list[torch.optim.Optimizer] = []

    def setup(self, module: nn.Module, *optimizers: torch.optim.Optimizer) -> Any:
        self._optimizers += optimizers
        return self._fabric.setup(module, *optimizers)

    def backward(self, loss: Tensor) -> None:
        self._fabric.backward(loss)

    def learning_rates(self) -> list[float]:
        """The learning rate of each optimizer that was set up last, one a group of parameters."""
        return [group["lr"] for optimizer in self._optimizers for group in optimizer.param_groups]

    def forget_optimizers(self) -> None:
        """Forget the optimizers of a stage that is over."""
        self._optimizers.clear()


def random_seed() -> int:
    """A seed for a run that was given none; it is written down with the run."""
    return random.SystemRandom().randrange(2**31)
