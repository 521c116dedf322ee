"""Generators that predict: what a network needs to know of context and target."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vgbench.errors import GeneratorError
from vgbench.interfaces import Request
from vgbench.learning.generator import NetworkGenerator
from vgbench.learning.options import ModelOptions


class Predictor(NetworkGenerator):
    """A generator whose network predicts the frames after the context; those that the target repeats of it are given back as they are."""

    def __init__(self, config: ModelOptions, *, device: torch.device) -> None:
        if config.horizon < 1:
            raise GeneratorError(
                f"{config.model} has nothing to predict: the context's {config.context} frames are all that is asked for (frames "
                f"{config.target_start} to {config.target_start + config.frames - 1}); use a protocol whose target goes beyond them."
            )
        super().__init__(config, device=device)

    @abstractmethod
    def predict(self, network: nn.Module, context: Tensor, seeds: Sequence[int]) -> Tensor:
        """The `horizon` frames after the context (B, Tc, C, H, W): (B, horizon, C, H, W), in the network's range."""

    def target(self, clips: Tensor) -> Tensor:
        config = self.config
        return clips[:, config.context : config.context + config.horizon]

    def sample(self, network: nn.Module, context: Tensor, request: Request) -> Tensor:
        future = self.predict(network, context, request.seeds)
        return torch.cat([context, future], 1)[:, self.config.target_start :]
