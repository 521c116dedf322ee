"""A player: a network with its optimizer, as the host placed and wrapped them."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from vgbench.errors import CheckpointError
from vgbench.interfaces import Host
from vgbench.learning.options import AdamOptions
from vgbench.learning.rate import share_of_rate

Network = TypeVar("Network", bound=nn.Module)


class Player(Generic[Network]):
    """A network with its Adam.  Call it for the network's output, in the host's precision."""

    def __init__(self, network: Network, options: AdamOptions, host: Host) -> None:
        self.network = network.to(host.device).train()
        self.adam = self._optimizer_for(network, options, host.device)
        self._options, self._host = options, host
        self._wrapped, self._optimizer = host.setup(network, self.adam)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self._wrapped(*inputs, **options)

    def descend(self, loss: Tensor) -> Tensor:
        """One step down the loss; returns the norm of its gradient, before it is clipped."""
        self._optimizer.zero_grad()
        self._host.backward(loss)
        gradients = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        norm: Tensor = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
        if self._options.gradient_clip:
            scale = (self._options.gradient_clip / norm.clamp_min(1e-12)).clamp_max(1)
            for gradient in gradients:
                gradient.mul_(scale)
        if self._options.schedule != "constant":
            for group in self.adam.param_groups:
                group["lr"] = self._options.lr * share_of_rate(self._options.schedule, self._host.progress)
        self._optimizer.step()
        return norm

    def load_adam(self, state: Any, name: str, *, model: str) -> None:
        """Restore the optimizer.  CheckpointError: the state, which messages call `name`, is of other parameters."""
        try:
            self.adam.load_state_dict(state)
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{model}: '{name}' does not fit this model's parameters: {error}.") from error

    @staticmethod
    def _optimizer_for(network: nn.Module, options: AdamOptions, device: torch.device) -> torch.optim.Optimizer:
        # The fused kernel gives the fastest step on the CPU and the GPU alike.
        on_gpu = device.type == "cuda"
        kernel = {"fused": on_gpu or device.type == "cpu", "capturable": on_gpu}
        if options.weight_decay:
            return torch.optim.AdamW(network.parameters(), lr=options.lr, betas=options.betas, weight_decay=options.weight_decay, **kernel)
        return torch.optim.Adam(network.parameters(), lr=options.lr, betas=options.betas, **kernel)
