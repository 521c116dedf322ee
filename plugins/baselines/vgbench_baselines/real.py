"""Real: the reference itself, and another real clip in its place: what others are held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vgbench import Batch, ReferenceGenerator, Request
from vgbench_baselines.training_clips import check_fitted, clips_of_state, kept_clips, to_values

WHO = "real:other"


@dataclass(frozen=True, kw_only=True)
class RealConfig:
    """Nothing of it is set but by the variant."""

    other: bool = False
    """Another real clip, drawn from the training clips by the seed of the one asked for."""


class Real(ReferenceGenerator):
    """The real clip, to the bit; or as `other` a training clip, which has nothing to do with it but where it comes from."""

    config: RealConfig

    def __init__(self, config: RealConfig, *, device: torch.device) -> None:
        super().__init__(config, device=device)
        self.clips: Tensor | None = None
        """uint8 (N, T, C, H, W), the training clips; None until `fit`."""

    def needs_fit(self) -> bool:
        return self.config.other

    def fit(self, clips: Iterable[Batch]) -> None:
        """Keep the training clips, afresh.  GeneratorError: see `kept_clips`."""
        self.clips = kept_clips(clips, who=WHO)

    def generate_from(self, request: Request, references: Tensor) -> Tensor:
        """The references as they are; as `other` the same frames of a training clip for each, equally likely ones.

        GeneratorError: it draws from training clips, and was not fitted or they do not cover the request.
        """
        if not self.config.other:
            return references
        check_fitted(request, None if self.clips is None else self.clips.shape[1:], who=WHO)
        assert self.clips is not None
        target = slice(request.target_start, request.target_start + request.frames)
        drawn = torch.stack([self.clips[seed % len(self.clips), target] for seed in request.seeds])
        return to_values(drawn.to(request.context.device))

    def state_dict(self) -> dict[str, Any]:
        return {} if self.clips is None else {"clips": self.clips}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave.  CheckpointError: the state is of another generator."""
        self.clips = clips_of_state(state, who=WHO)
