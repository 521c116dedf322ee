"""Copying: a video in which nothing moves."""

from __future__ import annotations

from torch import Tensor

from vgbench import Generator, Request


class CopyFirst(Generator):
    """Repeats the first context frame, wherever the target starts."""

    def generate(self, request: Request) -> Tensor:
        return _repeated(request.context[:, :1], request.frames)


class CopyLast(Generator):
    """Repeats the last context frame, wherever the target starts, also where the target covers the context."""

    def generate(self, request: Request) -> Tensor:
        return _repeated(request.context[:, -1:], request.frames)


def _repeated(frame: Tensor, frames: int) -> Tensor:
    return frame.expand(-1, frames, -1, -1, -1).clone()
