"""SimVP and TAU as vgbench sees them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from vgbench.learning import Objective, squared_error
from vgbench_baselines.simvp.config import SimVPConfig
from vgbench_baselines.simvp.losses import differential_divergence
from vgbench_baselines.simvp.network import SimVP
from vgbench_baselines.unrolled import UnrolledPredictor


class SimVPGenerator(UnrolledPredictor):
    """Predicts by one pass, or by passes over its own frames, and is trained through all of them."""

    config: SimVPConfig

    def build(self) -> nn.Module:
        return SimVP(self.config)

    def loss(self, network: Callable[..., Tensor], context: Tensor, target: Tensor) -> Objective:
        """The mean squared error, and TAU's divergence where it has a weight."""
        made = self.unrolled(network, context).float()
        error = squared_error(lambda _: made, context, target)
        weight = self.config.difference_weight
        if not weight:
            return error
        return Objective({**error.terms, "difference": differential_divergence(made, target)}, {**error.weights, "difference": weight})
