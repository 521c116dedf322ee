"""The host of a training: devices, precision, processes and randomness, handed to a stage through Lightning Fabric."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any, TypeVar

from vgbench.errors import ConfigError
from vgbench.interfaces import Host

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


Value = TypeVar("Value")


def _is_deterministic() -> bool:
    """Whether the process asks for the same bits every time, which cuDNN's choice by measurement cannot promise."""
    import torch

    return torch.are_deterministic_algorithms_enabled() or torch.backends.cudnn.deterministic


def world_size(devices: int, nodes: int) -> int:
    """How many processes train together: what torchrun says, else one per device."""
    return int(os.environ["WORLD_SIZE"]) if _started_by_torchrun() else devices * nodes


def check_processes(device: torch.device, devices: int, nodes: int) -> None:
    """ConfigError: so many processes cannot be had, or contradict what torchrun started."""
    import torch

    if _started_by_torchrun():
        here, whole = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
        if devices * nodes not in (1, whole):
            raise ConfigError(f"torchrun started {whole} processes, but --devices {devices} --nodes {nodes} asks for {devices * nodes}.")
        devices = here
    if devices > 1 and device.index is not None:
        raise ConfigError(f"--device {device} names one device and --devices {devices} asks for more; use --device {device.type}.")
    elsewhere = {"MASTER_ADDR", "NODE_RANK"} <= set(os.environ) or "SLURM_NTASKS" in os.environ
    if nodes > 1 and not _started_by_torchrun() and not elsewhere:
        raise ConfigError(
            f"--nodes {nodes}: each machine must know the others. Start it with torchrun or srun on each, or set MASTER_ADDR, "
            "MASTER_PORT and NODE_RANK there; --runs must be a folder that all of them share."
        )
    if device.type == "cuda" and devices > torch.cuda.device_count():
        raise ConfigError(f"--devices {devices}: there are {torch.cuda.device_count()} CUDA devices.")


def _started_by_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_first_process() -> bool:
    """Whether this process, of those that train together, is the one that writes and speaks; true where it is alone."""
    if "RANK" in os.environ:
        return os.environ["RANK"] == "0"
    if "LOCAL_RANK" not in os.environ:
        return os.environ.get("SLURM_PROCID", "0") == "0"
    return os.environ["LOCAL_RANK"] == "0" and os.environ.get("NODE_RANK", "0") == "0"


class FabricHost(Host):
    """A host on one device, or one of the processes on several.

    In several processes gradients are averaged after each `backward`, for the parameters that it reached. That does what
    DistributedDataParallel does, whose hooks expect that each forward pass is followed by one backward pass over all parameters; a GAN
    judges several videos before one backward pass, and once with the discriminator frozen.
    """

    def __init__(
        self, *, device: torch.device, precision: str, seed: int, devices: int = 1, nodes: int = 1, compiles: bool = False
    ) -> None:
        """compiles: whether modules go through torch.compile.  With more than one device the other processes are started here."""
        import torch

        check_processes(device, devices, nodes)
        self.precision, self._compiles = precision, compiles
        self._fabric = _fabric(device, precision, devices, nodes)
        self._fabric.launch()
        self.device = self._fabric.device
        self.rank, self.world_size = self._fabric.global_rank, self._fabric.world_size
        self.chooses_algorithms = self.device.type == "cuda" and not _is_deterministic()
        if self.chooses_algorithms:
            torch.backends.cudnn.benchmark = True  # the shapes of a training are fixed, so that a choice made once is made well
        # Beside bf16 TF32 loses nothing: what is multiplied in float32 there, such as Gram matrices, was rounded to bf16 before.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision != "32"
        self.seed = self.from_first(seed)
        self.rng = torch.Generator().manual_seed(self.seed)
        self._optimizers: list[torch.optim.Optimizer] = []
        self._places: dict[Tensor, int] = {}
        self._reached: list[Tensor] = []

    def setup(self, module: nn.Module, *optimizers: torch.optim.Optimizer) -> Any:
        import torch

        self._optimizers += optimizers
        if self.world_size > 1:
            if self.device.type == "cuda":
                torch.nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
            self._share(module)
        return self._fabric.setup(torch.compile(module) if self._compiles else module, *optimizers)

    def backward(self, loss: Tensor) -> None:
        self._fabric.backward(loss)
        if self._reached:
            self._average_gradients()

    def from_first(self, value: Value) -> Value:
        """The first process's value, in every process."""
        return self._fabric.broadcast(value) if self.world_size > 1 else value

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes, which may be computed in place."""
        import torch

        if self.world_size > 1:
            torch.distributed.all_reduce(values)
            values /= self.world_size
        return values

    def any(self, claim: bool) -> bool:
        """Whether it holds in any process."""
        import torch

        if self.world_size == 1:
            return claim
        return bool(self.mean(torch.tensor(float(claim), dtype=torch.float64, device=self.device)) > 0)

    def wait(self) -> None:
        """Until every process is here."""
        self._fabric.barrier()

    def learning_rates(self) -> list[float]:
        """The learning rate of each optimizer that was set up last, one a group of parameters."""
        return [group["lr"] for optimizer in self._optimizers for group in optimizer.param_groups]

    def forget_optimizers(self) -> None:
        """Forget the optimizers of a stage that is over."""
        self._optimizers.clear()

    def _share(self, module: nn.Module) -> None:
        """Give every process the first one's numbers, and hear of each parameter that a backward pass reaches."""
        import torch

        for value in [*module.parameters(), *module.buffers()]:
            shared = value.detach().contiguous()
            torch.distributed.broadcast(shared, 0)
            value.data.copy_(shared)
        for parameter in module.parameters():
            if parameter not in self._places:
                self._places[parameter] = len(self._places)
                if parameter.requires_grad:
                    parameter.register_post_accumulate_grad_hook(self._reached.append)  # type: ignore[no-untyped-call]

    def _average_gradients(self) -> None:
        """One exchange for all gradients of a backward pass."""
        import torch

        reached = sorted(set(self._reached), key=self._places.__getitem__)
        self._reached.clear()
        gradients = [parameter.grad for parameter in reached if parameter.grad is not None]
        flat = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, mean in zip(gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(mean.view(gradient.shape))


def _fabric(device: torch.device, precision: str, devices: int, nodes: int) -> Any:
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    class Replicas(DDPStrategy):
        """A process a device, each with the whole model; the host averages the gradients."""

        def setup_module(self, module: Any) -> Any:
            return module

    if _started_by_torchrun():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    several = devices * nodes > 1
    return Fabric(
        accelerator="cpu" if device.type == "cpu" else "cuda",
        devices=devices if several or device.type == "cpu" else [device.index or 0],
        num_nodes=nodes,
        strategy=Replicas() if several else "auto",
        precision="bf16-mixed" if precision == "bf16" else "32-true",
    )


def random_seed() -> int:
    """A seed for a run that was given none; it is written down with the run."""
    return random.SystemRandom().randrange(2**31)
