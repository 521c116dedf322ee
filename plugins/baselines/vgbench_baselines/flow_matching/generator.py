"""Flow matching as vgbench sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from vgbench import Host, Stage
from vgbench.learning import Objective, Predictor, Regression
from vgbench_baselines.flow_matching.config import FlowMatchingConfig
from vgbench_baselines.flow_matching.network import TICKS, FlowTransformer


class FlowMatchingGenerator(Predictor):
    """Rectified flow (X. Liu, C. Gong, Q. Liu, arXiv:2209.03003): x_t = (1 − t)·noise + t·clip, whose velocity is clip − noise."""

    config: FlowMatchingConfig
    lowest = -1.0

    def build(self) -> nn.Module:
        return FlowTransformer(self.config)

    def train_on(self, host: Host) -> Stage:
        return Regression(self, partial(self.loss, host), host)

    def loss(self, host: Host, network: Callable[..., Tensor], context: Tensor, target: Tensor) -> Objective:
        """The mean squared error of the velocity, at one time a clip."""
        rng = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=host.rng)) + host.rank)
        noise = torch.randn(target.shape, generator=rng).to(target)
        ticks = (self._drawn_times(len(target), rng) * TICKS).long().to(self.device)
        share = (ticks.float() / TICKS).view(-1, 1, 1, 1, 1)
        velocity = network(context, torch.lerp(noise, target, share), ticks)
        return Objective({"velocity": functional.mse_loss(velocity.float(), target - noise)}, {"velocity": 1.0})

    def predict(self, network: nn.Module, context: Tensor, seeds: Sequence[int]) -> Tensor:
        """Euler's method from each clip's own noise at t = 0 to t = 1."""
        config = self.config
        shape = (config.horizon, config.channels, *config.size)
        video = torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]).to(context)
        for step in range(config.sampling_steps):
            ticks = torch.full((len(seeds),), round(TICKS * step / config.sampling_steps), device=context.device)
            video = video + network(context, video, ticks).float() / config.sampling_steps
        return video

    def _drawn_times(self, clips: int, rng: torch.Generator) -> Tensor:
        if self.config.times == "uniform":
            return torch.rand(clips, generator=rng)
        return torch.randn(clips, generator=rng).sigmoid()
