"""Train-mean: the one clip that is nearest to all training clips on average."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from vgbench import Batch, CheckpointError, Generator, Request
from vgbench_baselines.training_clips import check_fitted, no_clip, one_shape


class TrainMean(Generator):
    """The mean of the training clips, frame index by frame index: the constant answer with the smallest squared error."""

    def __init__(self, config: None, *, device: torch.device) -> None:
        super().__init__(config, device=device)
        self.mean: Tensor | None = None
        """(T, C, H, W) float64, the mean over all training clips; None until `fit`."""

    def fit(self, clips: Iterable[Batch]) -> None:
        """Average the training clips in float64, afresh.

        GeneratorError: there is no clip, or clips differ in shape.
        """
        total: Tensor | None = None
        count = 0
        for batch in clips:
            one_shape(batch, None if total is None else total.shape, who="train-mean")
            added = batch.clips.to("cpu", torch.float64).sum(0)
            total = added if total is None else total + added
            count += len(batch.clips)
        if total is None or count == 0:
            raise no_clip("train-mean")
        self.mean = total / count

    def generate(self, request: Request) -> Tensor:
        """The mean clip's frames from `target_start` on, the same for each clip of the request.

        GeneratorError: `fit` was not called, or the training clips do not cover the request.
        """
        check_fitted(request, None if self.mean is None else self.mean.shape, who="train-mean")
        assert self.mean is not None
        end = request.target_start + request.frames
        frames = self.mean[request.target_start : end].to(request.context.device, torch.float32)
        return frames.expand(len(request.context), -1, -1, -1, -1).clone()

    def state_dict(self) -> dict[str, Any]:
        return {} if self.mean is None else {"mean": self.mean}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave.

        CheckpointError: the state is of another generator.
        """
        mean = state.get("mean")
        if set(state) - {"mean"} or (state and not (isinstance(mean, Tensor) and mean.ndim == 4)):
            raise CheckpointError(f"train-mean's state is one (T, C, H, W) tensor 'mean', and this one holds {', '.join(sorted(state))}.")
        self.mean = None if mean is None else mean.to("cpu", torch.float64)
