"""Where a generator's output enters: checked, then rounded once to the 8 bits that everything after it sees."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vgbench.errors import GeneratorError
from vgbench.interfaces import Request

if TYPE_CHECKING:
    from torch import Tensor


def clip_seed(seed: int, clip_id: str, sample: int) -> int:
    """The seed of one sample of one clip: the same on every machine, whatever the batch; from 0 to 2**63 − 1."""
    digest = hashlib.sha256(f"{seed}\0{clip_id}\0{sample}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def checked_output(video: object, request: Request, *, generator: str) -> Tensor:
    """The generator's output, after checks of its type, shape, finiteness and range.

    generator: how the error names it, with its plugin.

    GeneratorError: it is not float32 (B, frames, C, H, W), or holds NaN, infinity or values outside [0, 1].
    """
    import torch

    batch, _, *picture = request.context.shape
    expected = (batch, request.frames, *picture)
    if not isinstance(video, torch.Tensor):
        raise GeneratorError(f"{generator} returned {type(video).__name__}; generate() returns a float32 tensor of shape {expected}.")
    if tuple(video.shape) != expected:
        raise GeneratorError(f"{generator} returned shape {tuple(video.shape)}; asked for (B, frames, C, H, W) = {expected}.")
    if video.dtype != torch.float32:
        raise GeneratorError(f"{generator} returned {video.dtype}; generate() returns torch.float32 in [0, 1].")
    finite = torch.isfinite(video)
    if not bool(finite.all()):
        bad = int((~finite).sum())
        clip, frame = (~finite).nonzero()[0][:2].tolist()
        raise GeneratorError(
            f"{generator} returned {bad} values that are NaN or infinite, of {video.numel()}; "
            f"the first is in frame {frame} of clip {clip} of the batch."
        )
    low, high = float(video.min()), float(video.max())
    if low < 0 or high > 1:
        raise GeneratorError(f"{generator} returned values from {low:.6g} to {high:.6g}; generate() returns values in [0, 1].")
    return video


def to_uint8(video: Tensor) -> Tensor:
    """float32 in [0, 1] as uint8: 255·x, rounded half to even."""
    import torch

    return (video * 255).round().to(torch.uint8)
