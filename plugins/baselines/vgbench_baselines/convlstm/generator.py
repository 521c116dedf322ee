"""ConvLSTM as vgbench sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from vgbench import Host, Stage
from vgbench.learning import Objective, Predictor, Regression
from vgbench_baselines.convlstm.config import ConvLSTMConfig
from vgbench_baselines.convlstm.network import ConvLSTM


class ConvLSTMGenerator(Predictor):
    """Trained on every frame it predicts, those within the context included, as published."""

    config: ConvLSTMConfig

    def build(self) -> nn.Module:
        return ConvLSTM(self.config)

    def train_on(self, host: Host) -> Stage:
        return Regression(self, partial(self.loss, host), host)

    def loss(self, host: Host, network: Callable[..., Tensor], context: Tensor, target: Tensor) -> Objective:
        """The mean squared error of all predictions, from the clip's second frame on."""
        said = network(context, target, self._is_told(host, len(context)))
        error = functional.mse_loss(said.float(), torch.cat([context[:, 1:], target], 1))
        return Objective({"squared_error": error}, {"squared_error": 1.0})

    def predict(self, network: nn.Module, context: Tensor, seeds: Sequence[int]) -> Tensor:
        said: Tensor = network(context)
        return said[:, -self.config.horizon :]

    def _is_told(self, host: Host, clips: int) -> Tensor | None:
        """Which true frames go in: (B, horizon − 1); None where none does any more."""
        share = self.config.teacher_share
        probability = 1 - host.progress / share if share else 0.0
        if probability <= 0:
            return None
        seed = int(torch.randint(2**62, (), generator=host.rng)) + host.rank
        rng = torch.Generator().manual_seed(seed)
        return (torch.rand(clips, self.config.horizon - 1, generator=rng) < probability).to(self.device)
