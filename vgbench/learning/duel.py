"""The stage of a generator that learns beside a discriminator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from vgbench.errors import CheckpointError
from vgbench.interfaces import Batch, Host, Stage, StepResult
from vgbench.learning.adversarial import discriminator_loss, generator_loss, verdicts
from vgbench.learning.generator import NetworkGenerator
from vgbench.learning.normalisation import frozen
from vgbench.learning.objective import Objective
from vgbench.learning.player import Player
from vgbench.learning.regression import average_updates, restore_average
from vgbench.learning.reports import joined
from vgbench.learning.weights import check_state, drawn

Content = Callable[[Tensor, Tensor, Tensor], Objective]
"""From the generated frames, the context and the target, each (B, T, C, H, W): what the generator descends besides its adversary."""


class Duel(Stage):
    """Each step: one update of the discriminator, then one of the generator, which is judged by the discriminator as updated.

    The discriminator maps frames (B, T, C, H, W), in the network's range, to logits of being real, one or several a clip.
    """

    def __init__(
        self, generator: NetworkGenerator, discriminator: Callable[[], nn.Module], content: Content, host: Host, *, adversarial: float = 1.0
    ) -> None:
        """discriminator: builds it, its numbers drawn from torch's global state.  adversarial: the weight of the adversary's loss."""
        self.generator, self.host = generator, host
        self._content, self._adversarial = content, adversarial
        options = generator.config.adam()
        self.player: Player[nn.Module] = Player(generator.network, options, host)
        self.discriminator: Player[nn.Module] = Player(drawn(discriminator, host.rng), options, host)

    def step(self, batch: Batch) -> StepResult:
        context, real = self.generator.pairs(batch)
        made = self.player(context)
        taught = self._teach_discriminator(real, made.detach())
        improved = self._improve_generator(made, context, real)
        return joined(improved, taught)

    def _teach_discriminator(self, real: Tensor, made: Tensor) -> StepResult:
        """D: maximise E[log D(Y)] + E[log(1 − D(G(X)))]."""
        of_real, of_made = self.discriminator(real).float(), self.discriminator(made).float()
        terms = {"discriminator": discriminator_loss(of_real, of_made)}
        norm = self.discriminator.descend(terms["discriminator"])
        return StepResult(terms, verdicts(of_real, of_made) | {"discriminator_gradient": norm}, {"discriminator": {"discriminator": 1.0}})

    def _improve_generator(self, made: Tensor, context: Tensor, real: Tensor) -> StepResult:
        """G: minimise −E[log D(G(X))], by its weight, and the content's terms."""
        with frozen(self.discriminator.network):
            logits = self.discriminator(made).float()
        content = self._content(made.float(), context, real)
        objective = Objective(
            {"adversarial": generator_loss(logits), **content.terms}, {"adversarial": self._adversarial, **content.weights}
        )
        norm = self.player.descend(objective.total())
        self.generator.update_average()
        return StepResult(objective.terms, {"generator_gradient": norm}, {"generator": objective.weights})

    def preview(self, batch: Batch) -> Mapping[str, Tensor]:
        return self.generator.preview(batch)

    def state_dict(self) -> dict[str, Any]:
        return {
            "discriminator": self.discriminator.network.state_dict(),
            "discriminator_adam": self.discriminator.adam.state_dict(),
            "generator_adam": self.player.adam.state_dict(),
            "average_updates": average_updates(self.generator),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        model = self.generator.config.model
        missing = [key for key in ("discriminator", "discriminator_adam", "generator_adam") if key not in state]
        if missing:
            raise CheckpointError(f"{model}: the training state lacks {', '.join(missing)}; resume from a checkpoint of this generator.")
        check_state(self.discriminator.network, state["discriminator"], "discriminator", model=model)
        self.discriminator.load_adam(state["discriminator_adam"], "discriminator_adam", model=model)
        self.player.load_adam(state["generator_adam"], "generator_adam", model=model)
        self.discriminator.network.load_state_dict(state["discriminator"])
        restore_average(self.generator, state)
