"""Linear: every pixel keeps its rate of change."""

from __future__ import annotations

import torch
from torch import Tensor

from vgbench import Generator, GeneratorError, Request


class Linear(Generator):
    """The straight line through each pixel's last two context values, read at the target's frame indices, clamped to [0, 1]."""

    def generate(self, request: Request) -> Tensor:
        """(B, frames, C, H, W); at the last two context frames' own indices it gives exactly those frames.

        GeneratorError: there are fewer than two context frames.
        """
        given = request.context.shape[1]
        if given < 2:
            raise GeneratorError(
                f"linear needs 2 context frames and was given {given}; use a protocol with context = 2 or more, or copy-last."
            )
        before, last = request.context[:, -2:-1], request.context[:, -1:]
        # 0 at the last frame but one, 1 at the last
        indices = torch.arange(request.target_start, request.target_start + request.frames, device=before.device)
        position = (indices - (given - 2)).to(before.dtype).view(1, -1, 1, 1, 1)
        return torch.lerp(before, last, position).clamp(0, 1)
