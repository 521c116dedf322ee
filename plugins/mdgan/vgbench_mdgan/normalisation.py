"""Which statistics batch norm uses when a video is made rather than learned from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import nn


@contextmanager
def generating(network: nn.Module, statistics: Literal["eval", "batch"] = "eval") -> Iterator[None]:
    """Inside, nothing is recorded for gradients, and batch norm uses the running statistics ("eval") or the batch's own ("batch").

    Neither changes the running statistics; afterwards the network is in the mode it was in.
    """
    was_training = network.training
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm3d)]
    network.train(statistics == "batch")
    for norm in norms:
        norm.track_running_stats = statistics == "eval"
    try:
        with torch.no_grad():
            yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
        network.train(was_training)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Inside, gradients flow through the network to its input but none is computed for its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
