"""The numbers of MD-GAN's networks before training."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def initialise(network: nn.Module, std: float, rng: torch.Generator) -> None:
    """Set every number: convolutions N(0, std), batch-norm weights N(1, std), their biases 0, running statistics 0 and 1.

    rng: a CPU generator, so that every device starts from the same weights.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
            module.weight.copy_(torch.empty(module.weight.shape).normal_(0, std, generator=rng))
        elif isinstance(module, nn.BatchNorm3d):
            module.weight.copy_(torch.empty(module.weight.shape).normal_(1, std, generator=rng))
            module.bias.zero_()
            module.reset_running_stats()
