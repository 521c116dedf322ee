"""The numbers in a network: allocated, drawn without touching the global random state, and restored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import nn

from vgbench.errors import CheckpointError

Network = TypeVar("Network", bound=nn.Module)


def allocate(build: Callable[[], Network], device: torch.device) -> Network:
    """The network that `build` gives, its numbers not set yet; the global random state is left alone.

    The weights of 3-D convolutions lie channels-last, as the fastest kernels read them.
    """
    with torch.device("meta"):
        network = build()
    # What `to_empty` does, without `empty_like` of a meta tensor, which imports sympy: a third of a second.
    network._apply(lambda value: torch.empty(value.shape, dtype=value.dtype, device=device))  # type: ignore[no-untyped-call]
    for parameter in network.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last_3d)
    return network


def drawn(build: Callable[[], Network], rng: torch.Generator) -> Network:
    """The network that `build` gives on the CPU, its numbers drawn as its layers draw them, from `rng` instead of the global state.

    rng: a CPU generator, so that every device starts from the same weights.
    """
    seed = int(torch.randint(2**62, (), generator=rng))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()


def check_state(network: nn.Module, state: Any, part: str, *, model: str) -> None:
    """Whether `state` belongs to `network`, which messages call the `part` network of `model`.

    CheckpointError: names the first key or shape that differs.
    """
    own = network.state_dict()
    if not isinstance(state, Mapping):
        raise CheckpointError(f"{model}: the {part} network's state is {type(state).__name__} and not a table of tensors.")
    for key, value in own.items():
        if key not in state:
            raise CheckpointError(f"{model}: the checkpoint has no '{key}' for the {part} network, so it is of another model or depth.")
        found = tuple(getattr(state[key], "shape", ())) if isinstance(state[key], torch.Tensor) else type(state[key]).__name__
        if found != tuple(value.shape):
            raise CheckpointError(
                f"{model}: '{key}' of the {part} network is {found} in the checkpoint and {tuple(value.shape)} here; "
                "set size, frames, channels and width as in the run that wrote it."
            )
    foreign = next((key for key in state if key not in own), None)
    if foreign is not None:
        raise CheckpointError(
            f"{model}: the checkpoint's '{foreign}' does not exist in the {part} network, so it is of another model or depth."
        )
