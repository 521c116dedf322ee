"""What a network descends: losses, each with its weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Objective(NamedTuple):
    """Terms of a loss, by name."""

    terms: Mapping[str, Tensor]
    weights: Mapping[str, float]
    """Those of all terms."""

    def total(self) -> Tensor:
        """The sum of the terms, each by its weight."""
        return torch.stack([self.weights[name] * term for name, term in self.terms.items()]).sum()


def squared_error(network: Callable[..., Tensor], context: Tensor, target: Tensor) -> Objective:
    """The mean squared error of the network's frames."""
    return Objective({"squared_error": functional.mse_loss(network(context).float(), target)}, {"squared_error": 1.0})
