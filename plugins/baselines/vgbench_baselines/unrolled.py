"""Predictors whose network gives several frames at once, and may read its own frames to give more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

import torch
from torch import Tensor, nn

from vgbench import Host, Stage
from vgbench.learning import Objective, Predictor, Regression, squared_error


class UnrolledPredictor(Predictor):
    """Trained by its squared error, through all of its passes."""

    def train_on(self, host: Host) -> Stage:
        return Regression(self, self.loss, host)

    def loss(self, network: Callable[..., Tensor], context: Tensor, target: Tensor) -> Objective:
        """The mean squared error of all frames after the context."""
        return squared_error(lambda given: self.unrolled(network, given), context, target)

    def predict(self, network: nn.Module, context: Tensor, seeds: Sequence[int]) -> Tensor:
        return self.unrolled(network, context)

    def unrolled(self, network: Callable[..., Tensor], context: Tensor) -> Tensor:
        """The `horizon` frames after the context, each pass reading what the one before gave."""
        made = [context]
        for _ in range(ceil(self.config.horizon / self.config.frames_out)):
            made.append(network(made[-1]))
        return torch.cat(made[1:], 1)[:, : self.config.horizon]
