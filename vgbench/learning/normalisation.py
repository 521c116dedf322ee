"""Batch norm of videos, and which statistics it uses when a video is made rather than learned from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn


class VideoNorm(nn.BatchNorm3d):
    """Batch norm of (B, C, T, H, W)."""

    def forward(self, video: Tensor) -> Tensor:
        return self.over_stacked_frames(video) if video.is_cuda else super().forward(video)

    def over_stacked_frames(self, video: Tensor) -> Tensor:
        """The same of pictures, a clip's frames one below the other: torch has fast kernels for those alone where channels come last."""
        stacked: Tensor = super().forward(video.flatten(2, 3))
        # No view to autograd, so that the activation that follows may overwrite it without copies.
        normalised: Tensor = torch.ops.aten._unsafe_view(stacked, video.shape)
        return normalised

    def _check_input_dim(self, input: Tensor) -> None:
        """Videos, and the pictures that they are stacked to."""


@contextmanager
def generating(network: nn.Module, statistics: Literal["eval", "batch"] = "eval") -> Iterator[None]:
    """Inside, nothing is recorded for gradients, and batch norm uses the running statistics ("eval") or the batch's own ("batch").

    Neither changes the running statistics; afterwards the network is in the mode it was in.
    """
    was_training = network.training
    norms = [module for module in network.modules() if isinstance(module, VideoNorm)]
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
