"""Between the host's clips, (B, T, C, H, W) in [0, 1], and the networks' videos, (B, C, T, H, W) in [-1, 1]."""

from __future__ import annotations

from torch import Tensor


def as_video(clips: Tensor) -> Tensor:
    """(B, T, C, H, W) in [0, 1] → (B, C, T, H, W) in [-1, 1]."""
    return clips.transpose(1, 2) * 2 - 1


def as_clips(video: Tensor) -> Tensor:
    """(B, C, T, H, W) in [-1, 1] → (B, T, C, H, W) float32 in [0, 1]."""
    return ((video.float() + 1) / 2).clamp(0, 1).transpose(1, 2).contiguous()


def still_video(context: Tensor, frames: int) -> Tensor:
    """X of the paper: the last context frame, repeated.

    context: (B, Tc, C, H, W) in [0, 1].  Returns (B, C, frames, H, W) in [-1, 1].
    """
    return as_video(context[:, -1:]).expand(-1, -1, frames, -1, -1)
