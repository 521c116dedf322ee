"""The stage of a network that learns by one loss, without an adversary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from vgbench.errors import CheckpointError
from vgbench.interfaces import Batch, Host, Stage, StepResult
from vgbench.learning.generator import NetworkGenerator
from vgbench.learning.objective import Objective
from vgbench.learning.player import Player
from vgbench.learning.reports import joined

Loss = Callable[[Callable[..., Tensor], Tensor, Tensor], Objective]
"""From the network, the context (B, Tc, C, H, W) and the target (B, T, C, H, W)."""


class Regression(Stage):
    """Each step: the loss of a batch, and one step of the optimizer down it."""

    def __init__(self, generator: NetworkGenerator, loss: Loss, host: Host) -> None:
        self.generator, self.host, self._loss = generator, host, loss
        self.player: Player[nn.Module] = Player(generator.network, generator.config.adam(), host)

    def step(self, batch: Batch) -> StepResult:
        context, target = self.generator.pairs(batch)
        objective = self._loss(self.player, context, target)
        norm = self.player.descend(objective.total())
        self.generator.update_average()
        return joined(StepResult(objective.terms, {"network_gradient": norm}, {"generator": objective.weights}))

    def preview(self, batch: Batch) -> Mapping[str, Tensor]:
        return self.generator.preview(batch)

    def state_dict(self) -> dict[str, Any]:
        return {"adam": self.player.adam.state_dict(), "average_updates": average_updates(self.generator)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if "adam" not in state:
            model = self.generator.config.model
            raise CheckpointError(f"{model}: the training state lacks adam; resume from a checkpoint of this generator.")
        self.player.load_adam(state["adam"], "adam", model=self.generator.config.model)
        restore_average(self.generator, state)


def average_updates(generator: NetworkGenerator) -> int:
    """How often the running average was updated; 0 without one."""
    return generator.average.updates if generator.average else 0


def restore_average(generator: NetworkGenerator, state: Mapping[str, Any]) -> None:
    """Take over the updates' count from a stage's state."""
    if generator.average is not None:
        generator.average.updates = int(state.get("average_updates", 0))
