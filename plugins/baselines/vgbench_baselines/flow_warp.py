"""Flow-warp: what moved goes on moving as it did, and nothing else changes.

The flow is OpenCV's, after G. Farnebäck, "Two-frame motion estimation based on polynomial expansion", SCIA 2003.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from vgbench import Batch, CheckpointError, Generator, GeneratorError, Request
from vgbench_baselines.training_clips import no_clip, one_shape

WHO = "flow-warp"

_FARNEBACK = {"pyr_scale": 0.5, "levels": 4, "winsize": 15, "iterations": 3, "poly_n": 5, "poly_sigma": 1.2}
"""Those of the metric flow-epe: halved up to three times, windows of 15 pixels, three iterations a level."""
_BORDER = 32
"""Pixels around a frame while its flow is measured."""
_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601."""


@dataclass(frozen=True, kw_only=True)
class FlowWarpConfig:
    """Nothing of it can be set: the protocol fills it."""

    context: int = 2
    """Frames given; with one there is no flow to go on with, and that of the training clips stands in for it."""


class FlowWarp(Generator):
    """The last context frame, carried on along the flow between the last two; after a single one along the training clips' mean flow."""

    config: FlowWarpConfig

    def __init__(self, config: FlowWarpConfig, *, device: torch.device) -> None:
        super().__init__(config, device=device)
        self.flow: Tensor | None = None
        """(2, H, W) float64, the mean flow of the training clips; None until `fit`."""

    def needs_fit(self) -> bool:
        return self.config.context < 2

    def fit(self, clips: Iterable[Batch]) -> None:
        """Average the flow between the first two frames of each training clip, in float64, afresh.

        GeneratorError: there is no clip, clips differ in shape, or have one frame.
        """
        shape, total, count = None, torch.zeros(()), 0
        for batch in clips:
            shape = one_shape(batch, shape, who=WHO)
            if shape[0] < 2:
                raise GeneratorError(f"{WHO} learns motion from training clips of 2 frames or more, and these have {shape[0]}.")
            total = total + flow_back(batch.clips[:, 1], batch.clips[:, 0]).cpu().sum(0)
            count += len(batch.clips)
        if count == 0:
            raise no_clip(WHO)
        self.flow = total / count

    def generate(self, request: Request) -> Tensor:
        """At the context's own indices its very frames; behind them the last one carried on.

        GeneratorError: there is one context frame and `fit` was not called, or was with frames of another size.
        """
        context, given = request.context, request.context.shape[1]
        end = request.target_start + request.frames
        known = context[:, request.target_start : end]
        steps = range(max(1, request.target_start - given + 1), end - given + 1)
        if not steps:
            return known.clone()
        flow = flow_back(context[:, -1], context[:, -2]) if given > 1 else self._learned(request)
        return torch.cat([known, carried(context[:, -1], flow, steps)], dim=1)

    def _learned(self, request: Request) -> Tensor:
        """The mean flow, for each clip of the request."""
        flow, size = self.flow, request.context.shape[-2:]
        if flow is None:
            raise GeneratorError(f"{WHO} has not been fitted: call fit with the training clips first, or give it 2 context frames.")
        if flow.shape[-2:] != size:
            height, width = flow.shape[-2:]
            raise GeneratorError(
                f"{WHO} was fitted on frames of {height}×{width}, and frames of {size[0]}×{size[1]} are asked for; "
                "fit it on this protocol's training clips."
            )
        return flow.to(request.context.device).expand(len(request.context), -1, -1, -1)

    def state_dict(self) -> dict[str, Any]:
        return {} if self.flow is None else {"flow": self.flow}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave.

        CheckpointError: the state is of another generator.
        """
        flow = state.get("flow")
        if set(state) - {"flow"} or (state and not (isinstance(flow, Tensor) and flow.ndim == 3 and len(flow) == 2)):
            raise CheckpointError(f"{WHO}'s state is one (2, H, W) tensor 'flow', and this one holds {', '.join(sorted(state))}.")
        self.flow = None if flow is None else flow.to("cpu", torch.float64)


def flow_back(later: Tensor, earlier: Tensor) -> Tensor:
    """Where each pixel of the later frames was in the earlier ones, (B, 2, H, W) float64: x and y in pixels, relative to its place.

    later, earlier: (B, C, H, W) float32 in [0, 1].
    """
    flows = [torch.from_numpy(_farneback(*pair)) for pair in zip(_luma(later).numpy(), _luma(earlier).numpy(), strict=True)]
    return torch.stack(flows).movedim(-1, 1).to(later.device, torch.float64)


def _farneback(later: NDArray[np.uint8], earlier: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 2) in pixels.

    Beside the last row and column OpenCV finds motion where there is none, so the frames get a border, which is cut off again.
    """
    import cv2

    wide = [cv2.copyMakeBorder(frame, *[_BORDER] * 4, cv2.BORDER_REPLICATE) for frame in (later, earlier)]
    flow: NDArray[np.float32] = cv2.calcOpticalFlowFarneback(*wide, None, flags=0, **_FARNEBACK)
    return np.ascontiguousarray(flow[_BORDER:-_BORDER, _BORDER:-_BORDER])


def _luma(frames: Tensor) -> Tensor:
    """(B, C, H, W) as the 8-bit levels of their luma, (B, H, W), on the CPU."""
    weights = frames.new_tensor(_LUMA if frames.shape[1] == 3 else [1.0]).view(1, -1, 1, 1)
    return ((frames * weights).sum(1) * 255).round().clamp(0, 255).to("cpu", torch.uint8)


def carried(frame: Tensor, flow: Tensor, steps: Iterable[int]) -> Tensor:
    """The frames so many steps after one, if the flow stays as it is at each place, (B, steps, C, H, W) float32.

    Each pixel is followed back along the flow, step by step, and the frame is read once where it ends, bilinearly; beyond the border the
    nearest pixel counts. Scaling the flow of the pixel's own place instead was worse on bouncing digits and on skies.

    frame: (B, C, H, W) float32.  flow: as `flow_back` gives it.
    """
    height, width = frame.shape[-2:]
    rows, columns = (torch.arange(side, dtype=torch.float64, device=frame.device) for side in (height, width))
    place = torch.stack(torch.broadcast_tensors(columns[None], rows[:, None]))[None].expand_as(flow)
    source, made, done = frame.to(torch.float64), [], 0
    for step in steps:
        for _ in range(step - done):
            place = place + _read(flow, place)
        done = step
        made.append(_read(source, place))
    return torch.stack(made, dim=1).to(torch.float32).clamp(0, 1)


def _read(image: Tensor, place: Tensor) -> Tensor:
    """An image (B, C, H, W) at places (B, 2, H, W), x and y in pixels, bilinearly, and beyond its border as on it."""
    height, width = image.shape[-2:]
    span = place.new_tensor([max(1, width - 1), max(1, height - 1)]).view(1, 2, 1, 1)
    grid = (2 * place / span - 1).movedim(1, -1)
    return grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=True)
