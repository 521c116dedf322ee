"""Nearest: an honest memoriser, which replays what followed the most similar beginning it has seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vgbench import Batch, Generator, Request
from vgbench_baselines.training_clips import check_fitted, clips_of_state, kept_clips, to_levels, to_values

_CHUNK = 1 << 24
"""Values of training contexts that are compared at a time: 128 MiB as float64."""


class Nearest(Generator):
    """The training clip whose context has the smallest squared distance to the one given; of equal ones the first."""

    def __init__(self, config: None, *, device: torch.device) -> None:
        super().__init__(config, device=device)
        self.clips: Tensor | None = None
        """uint8 (N, T, C, H, W), the training clips; None until `fit`."""
        self._contexts: _Contexts | None = None

    def fit(self, clips: Iterable[Batch]) -> None:
        """Keep the training clips, afresh.  GeneratorError: see `kept_clips`."""
        self.clips, self._contexts = kept_clips(clips, who="nearest"), None

    def generate(self, request: Request) -> Tensor:
        """The nearest clip's frames from `target_start` on.

        GeneratorError: `fit` was not called, or the training clips do not cover the request.
        """
        check_fitted(request, None if self.clips is None else self.clips.shape[1:], who="nearest")
        assert self.clips is not None
        places = self._contexts_like(request.context, self.clips).nearest(to_levels(request.context))
        target = slice(request.target_start, request.target_start + request.frames)
        frames = torch.stack([self.clips[place, target] for place in places.tolist()])
        return to_values(frames.to(request.context.device))

    def _contexts_like(self, context: Tensor, clips: Tensor) -> _Contexts:
        """The training clips' contexts of that length, on that device; made once."""
        known, length = self._contexts, context.shape[1]
        if known is None or known.levels.shape[1] != context[0].numel() or known.levels.device != context.device:
            known = self._contexts = _contexts_of(clips, length, context.device)
        return known

    def state_dict(self) -> dict[str, Any]:
        return {} if self.clips is None else {"clips": self.clips}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave.  CheckpointError: the state is of another generator."""
        self.clips, self._contexts = clips_of_state(state, who="nearest"), None


class _Contexts(NamedTuple):
    """The training clips' contexts, ready to be searched."""

    levels: Tensor
    """uint8 (N, values of a context)."""
    squares: Tensor
    """(N,) float64: each context's sum of squared levels."""

    def nearest(self, contexts: Tensor) -> Tensor:
        """For each of the contexts, uint8 (B, Tc, C, H, W), the place of the nearest, (B,); of equal ones the first.

        |x − y|² − |y|² = |x|² − 2·x·y in float64: all of it whole numbers far below 2⁵³, so exact whatever the batch and the device.
        """
        wanted = contexts.flatten(1).to(torch.float64)
        best = torch.full((len(wanted),), torch.inf, dtype=torch.float64, device=wanted.device)
        places = torch.zeros(len(wanted), dtype=torch.int64, device=wanted.device)
        for start, levels, squares in self._chunks():
            distances = squares[:, None] - 2 * (levels.to(torch.float64) @ wanted.T)
            least = distances.amin(dim=0)
            # not argmin, which does not promise the first
            indices = torch.arange(len(levels), device=wanted.device)[:, None].expand_as(distances)
            first = torch.where(distances == least, indices, len(levels)).amin(dim=0) + start
            places = torch.where(least < best, first, places)
            best = torch.minimum(best, least)
        return places

    def _chunks(self) -> Iterable[tuple[int, Tensor, Tensor]]:
        size = max(1, _CHUNK // self.levels.shape[1])
        for start in range(0, len(self.levels), size):
            yield start, self.levels[start : start + size], self.squares[start : start + size]


def _contexts_of(clips: Tensor, length: int, device: torch.device) -> _Contexts:
    levels = clips[:, :length].flatten(1).to(device)
    squares = [(chunk.to(torch.float64) ** 2).sum(dim=1) for chunk in levels.split(max(1, _CHUNK // levels.shape[1]))]
    return _Contexts(levels, torch.cat(squares))
