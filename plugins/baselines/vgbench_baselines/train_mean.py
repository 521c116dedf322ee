"""Train-mean: the one clip that is nearest to all training clips on average."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from vgbench import Batch, CheckpointError, Generator, GeneratorError, Request


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
            added = batch.clips.to("cpu", torch.float64).sum(0)
            if total is not None and added.shape != total.shape:
                raise GeneratorError(
                    f"train-mean averages clips of one shape, and after clips of {_described(total)} came {_described(added)} "
                    f"(clip {', '.join(batch.clip_ids[:1]) or 'without a name'})."
                )
            total = added if total is None else total + added
            count += len(batch.clips)
        if total is None or count == 0:
            raise GeneratorError("train-mean was given no training clip; check the protocol's [train] section.")
        self.mean = total / count

    def generate(self, request: Request) -> Tensor:
        """The mean clip's frames from `target_start` on, the same for each clip of the request.

        GeneratorError: `fit` was not called, or the training clips do not cover the request.
        """
        if self.mean is None:
            raise GeneratorError("train-mean has not been fitted: call fit with the training clips first.")
        end = request.target_start + request.frames
        asked = tuple(request.context.shape[2:])
        if tuple(self.mean.shape[1:]) != asked or len(self.mean) < end:
            channels, height, width = asked
            raise GeneratorError(
                f"train-mean was fitted on clips of {_described(self.mean)}, and frames {request.target_start} to {end - 1} of "
                f"{channels}×{height}×{width} are asked for; fit it on this protocol's training clips."
            )
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


def _described(clip: Tensor) -> str:
    frames, channels, height, width = clip.shape
    return f"{frames} frames of {channels}×{height}×{width}"
