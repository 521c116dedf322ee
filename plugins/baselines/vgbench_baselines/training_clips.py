"""What is learned from training clips as they are: checks of their shape, and the clips themselves, kept in 8 bits."""

from __future__ import annotations

import mmap
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import torch
from torch import Tensor

from vgbench import Batch, CheckpointError, GeneratorError, Request


def kept_clips(batches: Iterable[Batch], *, who: str) -> Tensor:
    """All clips of the batches, uint8 (N, T, C, H, W), in a temporary file that is mapped into memory: what is not looked at takes none.

    The file has no name and is gone with the tensor. Clips of the host come from 8 bits, and are kept exactly.

    GeneratorError: there is no clip, clips differ in shape, or they would take more than half of what the disk has free.
    """
    shape: Sequence[int] | None = None
    count, room = 0, shutil.disk_usage(tempfile.gettempdir()).free // 2
    with tempfile.TemporaryFile(prefix="vgbench-", buffering=0) as file:
        for batch in batches:
            shape = one_shape(batch, shape, who=who)
            if file.tell() + batch.clips.numel() > room:
                raise _no_room(who, count, f"half of what is free there, {room / 2**30:.3g} GiB, holds no more")
            try:
                _append(file, to_levels(batch.clips))
            except OSError as error:
                raise _no_room(who, count, str(error.strerror)) from error
            count += len(batch.clips)
        if shape is None or count == 0:
            raise no_clip(who)
        return torch.frombuffer(mmap.mmap(file.fileno(), 0), dtype=torch.uint8).view(count, *shape)


def _no_room(who: str, count: int, reason: str) -> GeneratorError:
    return GeneratorError(
        f"{who} keeps the training clips in a temporary file, and {tempfile.gettempdir()} took {count} of them: {reason}. "
        "Set TMPDIR to a folder with room for all of them, or use fewer with a longer stride under [train]."
    )


def clips_of_state(state: Mapping[str, Any], *, who: str) -> Tensor | None:
    """The clips of a state that holds them as "clips"; None of an empty one.  CheckpointError: it is of another generator."""
    clips = state.get("clips")
    if not state:
        return None
    if set(state) - {"clips"} or not (isinstance(clips, Tensor) and clips.ndim == 5 and clips.dtype == torch.uint8):
        raise CheckpointError(f"{who}'s state is one uint8 (N, T, C, H, W) tensor 'clips', and this one holds {', '.join(sorted(state))}.")
    return clips.cpu()


def _append(file: IO[bytes], levels: Tensor) -> None:
    left = memoryview(levels.cpu().contiguous().numpy()).cast("B")
    while left:
        left = left[file.write(left) :]  # one that is not buffered may take a part


def to_levels(video: Tensor) -> Tensor:
    """Float values in [0, 1] as the 8-bit levels that the host made them from."""
    return (video * 255).round().to(torch.uint8)


def to_values(levels: Tensor) -> Tensor:
    """8-bit levels as float32 in [0, 1], the very values that the host gives."""
    return levels.to(torch.float32).div_(255)


def one_shape(batch: Batch, shape: Sequence[int] | None, *, who: str) -> Sequence[int]:
    """The shape (T, C, H, W) of a batch's clips.  GeneratorError: it is not that of those before."""
    found = tuple(batch.clips.shape[1:])
    if shape is not None and found != tuple(shape):
        raise GeneratorError(
            f"{who} learns from clips of one shape, and after clips of {described(shape)} came {described(found)} "
            f"(clip {', '.join(batch.clip_ids[:1]) or 'without a name'})."
        )
    return found


def no_clip(who: str) -> GeneratorError:
    return GeneratorError(f"{who} was given no training clip; check the protocol's [train] section.")


def check_fitted(request: Request, shape: Sequence[int] | None, *, who: str) -> None:
    """GeneratorError: there are no training clips, or their shape (T, C, H, W) does not cover the context and what is asked for."""
    if shape is None:
        raise GeneratorError(f"{who} has not been fitted: call fit with the training clips first.")
    length = max(request.context.shape[1], request.target_start + request.frames)
    channels, height, width = request.context.shape[2:]
    if tuple(shape[1:]) != (channels, height, width) or shape[0] < length:
        raise GeneratorError(
            f"{who} was fitted on clips of {described(shape)}, and frames 0 to {length - 1} of {channels}×{height}×{width} are asked for; "
            "fit it on this protocol's training clips."
        )


def described(shape: Sequence[int]) -> str:
    """A clip's shape (T, C, H, W) in words."""
    frames, channels, height, width = shape
    return f"{frames} frames of {channels}×{height}×{width}"
