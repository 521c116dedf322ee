"""The numbers in a network: allocated, drawn from a generator of our own, and restored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import nn

from vgbench import CheckpointError

Network = TypeVar("Network", bound=nn.Module)


def allocate(build: Callable[[], Network], device: torch.device) -> Network:
    """The network that `build` gives, its numbers not set yet; the global random state is left alone.

    The weights lie channels-last, as the fastest 3-D convolutions read them.
    """
    with torch.device("meta"):
        network = build()
    # What `to_empty` does, without `empty_like` of a meta tensor, which imports sympy: a third of a second.
    network._apply(lambda value: torch.empty(value.shape, dtype=value.dtype, device=device))
    for parameter in network.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return network


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


def check_state(network: nn.Module, state: Any, part: str) -> None:
    """Whether `state` belongs to `network`.

    CheckpointError: names the first key or shape that differs.
    """
    own = network.state_dict()
    if not isinstance(state, Mapping):
        raise CheckpointError(f"mdgan: the {part} network's state is {type(state).__name__} and not a table of tensors.")
    for key, value in own.items():
        if key not in state:
            raise CheckpointError(f"mdgan: the checkpoint has no '{key}' for the {part} network, so it is of another model or depth.")
        found = tuple(getattr(state[key], "shape", ())) if isinstance(state[key], torch.Tensor) else type(state[key]).__name__
        if found != tuple(value.shape):
            raise CheckpointError(
                f"mdgan: '{key}' of the {part} network is {found} in the checkpoint and {tuple(value.shape)} here; "
                "set size, frames, channels and width as in the run that wrote it."
            )
    foreign = next((key for key in state if key not in own), None)
    if foreign is not None:
        raise CheckpointError(
            f"mdgan: the checkpoint's '{foreign}' does not exist in the {part} network, so it is of another model or depth."
        )
