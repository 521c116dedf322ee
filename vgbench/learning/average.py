"""A running average of a generator's weights, which wanders less from step to step than the weights themselves."""

from __future__ import annotations

from copy import deepcopy
from typing import Generic, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class Average(Generic[Network]):
    """The average of a network as it is trained; batch norm's running statistics are taken over as they are.

    Until a network has been trained for some steps its start weighs less: the decay of update n is at most (1 + n) / (10 + n).
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.updates = 0
        self._decay = decay

    def restart(self, network: Network) -> None:
        """Begin with the network as it is."""
        self.network.load_state_dict(network.state_dict())
        self.updates = 0

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Take in the weights after a step."""
        self.updates += 1
        share = 1 - min(self._decay, (1 + self.updates) / (10 + self.updates))
        for mean, weights in zip(self.network.parameters(), network.parameters(), strict=True):
            mean.lerp_(weights, share)
        for kept, statistics in zip(self.network.buffers(), network.buffers(), strict=True):
            kept.copy_(statistics)
