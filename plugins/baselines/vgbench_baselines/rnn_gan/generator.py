"""RNN-GAN as vgbench sees it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from vgbench import Host, Stage
from vgbench.learning import Duel, Objective, Predictor
from vgbench_baselines.rnn_gan.config import RNNGANConfig
from vgbench_baselines.rnn_gan.losses import gradient_difference
from vgbench_baselines.rnn_gan.networks import RNNGAN, Discriminator


class RNNGANGenerator(Predictor):
    """Rolls a recurrent state on from the last given frame."""

    config: RNNGANConfig
    lowest = -1.0

    def build(self) -> nn.Module:
        return RNNGAN(self.config)

    def train_on(self, host: Host) -> Stage:
        return Duel(self, lambda: Discriminator(self.config), self.content, host, adversarial=self.config.adversarial_weight)

    def content(self, made: Tensor, context: Tensor, real: Tensor) -> Objective:
        """The squared error, and the gradient difference."""
        config = self.config
        terms = {
            "squared_error": functional.mse_loss(made, real),
            "gradient_difference": gradient_difference(made, real, config.gdl_power),
        }
        return Objective(terms, {"squared_error": 1.0, "gradient_difference": config.gdl_weight})

    def predict(self, network: nn.Module, context: Tensor, seeds: Sequence[int]) -> Tensor:
        frames: Tensor = network(context)
        return frames
