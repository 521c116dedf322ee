"""Noise: what a video scores that has nothing to do with the reference."""

from __future__ import annotations

import torch
from torch import Tensor

from vgbench import Generator, Request


class Noise(Generator):
    """Uniform noise in [0, 1), each clip from its own seed, so that it is the same in whatever batch and on whatever device."""

    def generate(self, request: Request) -> Tensor:
        shape = (request.frames, *request.context.shape[2:])
        clips = [torch.rand(shape, generator=torch.Generator().manual_seed(seed)) for seed in request.seeds]
        return torch.stack(clips).to(request.context.device)
