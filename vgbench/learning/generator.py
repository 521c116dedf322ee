"""Generators of one network that is trained in one stage: what surrounds the network, its loss and its sampling."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from vgbench.errors import CheckpointError, GeneratorError, UnknownName
from vgbench.interfaces import Batch, Host, Request, Schedule, Stage, TrainableGenerator
from vgbench.learning.average import Average
from vgbench.learning.normalisation import generating
from vgbench.learning.options import ModelOptions
from vgbench.learning.weights import check_state, drawn

STAGE = "main"
"""The name of the one stage."""


class NetworkGenerator(TrainableGenerator):
    """A generator whose clips come from one network.  A subclass says how it is built, trained and sampled."""

    config: ModelOptions
    lowest: ClassVar[float] = 0.0
    """The value of black to the network, 0 or −1; white is 1."""

    def __init__(self, config: ModelOptions, *, device: torch.device) -> None:
        super().__init__(config, device=device)
        self.network: nn.Module = drawn(self.build, torch.Generator().manual_seed(0)).to(device)
        self.average = Average(self.network, config.ema_decay) if config.ema_decay else None

    @abstractmethod
    def build(self) -> nn.Module:
        """The network, its numbers as they are before training; random ones are drawn from torch's global state."""

    @abstractmethod
    def train_on(self, host: Host) -> Stage:
        """The one stage, for the network as it is."""

    @abstractmethod
    def sample(self, network: nn.Module, context: Tensor, request: Request) -> Tensor:
        """(B, frames, C, H, W) from the context, (B, Tc, C, H, W); both on the device and in the network's range."""

    @abstractmethod
    def target(self, clips: Tensor) -> Tensor:
        """The frames of training clips (B, T, C, H, W) that the network learns to give."""

    def update_average(self) -> None:
        """Take in the weights after a step, where there is an average."""
        if self.average is not None:
            self.average.update(self.network)

    def generate(self, request: Request) -> Tensor:
        """(B, frames, C, H, W) float32 in [0, 1].  GeneratorError: the request does not fit the configuration."""
        self._check_request(request)
        network = self.making()
        with generating(network):
            made = self.sample(network, self.scaled(request.context.to(self.device)), request)
        return ((made.float() - self.lowest) / (1 - self.lowest)).clamp(0, 1).contiguous()

    def making(self) -> nn.Module:
        """The network that makes clips: the trained one, or the running average of it where there is one."""
        return self.average.network if self.average is not None else self.network

    def scaled(self, clips: Tensor) -> Tensor:
        """Clips in [0, 1] in the network's range."""
        return clips if self.lowest == 0 else clips * (1 - self.lowest) + self.lowest

    def pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Context and target of training clips, each (B, T, C, H, W) on the device and in the network's range.

        GeneratorError: the clips are too short, or of another size, for the configuration.
        """
        config = self.config
        _, length, channels, *size = batch.clips.shape
        if (channels, *size) != (config.channels, *config.size) or length < config.clip_length:
            raise GeneratorError(
                f"{config.model} trains on clips of {_shape(config)} with at least {config.clip_length} frames, and was given {length} "
                f"frames of {channels}×{'×'.join(map(str, size))}; train it on the protocol it is configured for."
            )
        clips = self.scaled(batch.clips.to(self.device))
        return clips[:, : config.context], self.target(clips)

    def stages(self) -> Sequence[str]:
        return (STAGE,)

    def schedule(self) -> Schedule:
        return Schedule(self.config.steps, self.config.batch_size, {STAGE: 1.0})

    def stage(self, name: str, host: Host) -> Stage:
        """The one stage, its network drawn again from the host's generator.  UnknownName: there is no such stage."""
        if name != STAGE:
            raise UnknownName(f"stage of {self.config.model}", name, self.stages())
        self.network.load_state_dict(drawn(self.build, host.rng).state_dict())
        if self.average is not None:
            self.average.restart(self.network)
        return self.train_on(host)

    def state_dict(self) -> dict[str, Any]:
        """`network`: the trained network's state; `average`: its running average's, where there is one."""
        networks = {"network": self.network} | ({"average": self.average.network} if self.average else {})
        return {part: network.state_dict() for part, network in networks.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; an average that is missing begins with the weights, one that nobody asked for is passed over.

        CheckpointError: it belongs to another model; nothing is copied then.
        """
        model = self.config.model
        foreign = next((key for key in state if key not in ("network", "average")), None)
        if foreign is not None or "network" not in state:
            found = f"an unknown part '{foreign}'" if foreign is not None else "no part 'network'"
            raise CheckpointError(f"{model}: the checkpoint has {found}, so another generator wrote it; pass a run of {model}.")
        averages = self.average is not None and "average" in state
        check_state(self.network, state["network"], "trained", model=model)
        if averages:
            check_state(self.network, state["average"], "averaged", model=model)
        self.network.load_state_dict(state["network"])
        if self.average is not None:
            self.average.restart(self.network)
            self.average.network.load_state_dict(state["average" if averages else "network"])

    def preview(self, batch: Batch) -> dict[str, Tensor]:
        """The real clips beside the generated ones, in [0, 1]."""
        config = self.config
        context = batch.clips[:, : config.context]
        made = self.generate(Request(context, config.frames, config.target_start, tuple(range(len(context)))))
        real = batch.clips[:, config.target_start : config.target_start + config.frames]
        return {"real": real, config.model: made.to(real.device)}

    def _check_request(self, request: Request) -> None:
        config = self.config
        _, length, channels, *size = request.context.shape
        asked = (length, request.frames, request.target_start, channels, *size)
        if asked != (config.context, config.frames, config.target_start, config.channels, *config.size):
            raise GeneratorError(
                f"{config.model} makes {config.frames} frames of {_shape(config)} from frame {config.target_start} on, given "
                f"{config.context}, and is asked for {request.frames} frames of {channels}×{'×'.join(map(str, size))} from frame "
                f"{request.target_start} on, given {length}; use a run that was trained on this protocol."
            )


def _shape(config: ModelOptions) -> str:
    return f"{config.channels}×{config.size[0]}×{config.size[1]}"
