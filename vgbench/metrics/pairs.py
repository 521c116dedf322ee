"""What every paired metric needs to know of its two tensors: that they fit together, and what was already computed from them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from vgbench.errors import MetricError

Result = TypeVar("Result")


def check_pair(clips: Tensor, references: Tensor, *, metric: str) -> None:
    """Refuse what is not two uint8 tensors (B, T, C, H, W) of one shape, with one channel or three, on one device.

    metric: the name that the message begins with.
    """
    if clips.dtype != torch.uint8 or references.dtype != torch.uint8:
        raise MetricError(
            f"{metric} compares uint8 clips; the generated ones are {_kind(clips)} and the references {_kind(references)}. "
            "Round to 8 bits once, before scoring."
        )
    if clips.ndim != 5 or clips.shape != references.shape:
        raise MetricError(
            f"{metric} compares clips (B, T, C, H, W) of one shape; the generated ones are {_size(clips)} "
            f"and the references {_size(references)}."
        )
    if clips.shape[2] not in (1, 3):
        raise MetricError(f"{metric} takes frames with 1 channel (grey) or 3 (RGB); these clips {_size(clips)} have {clips.shape[2]}.")
    if 0 in clips.shape[1:]:
        raise MetricError(f"{metric} needs clips with at least one frame and one pixel; these are {_size(clips)}.")
    if clips.device != references.device:
        raise MetricError(
            f"{metric} compares clips on one device; the generated ones are on {clips.device}, the references on {references.device}."
        )


def check_moving(clips: Tensor, *, metric: str) -> None:
    """Refuse clips (B, T, C, H, W) of a single frame, in which nothing can move."""
    if clips.shape[1] < 2:
        raise MetricError(f"{metric} compares motion, which takes at least 2 frames that count; these clips have {clips.shape[1]}.")


def check_size(clips: Tensor, least: int, *, metric: str, does: str = "needs", reason: str = "", advice: str = "") -> None:
    """Refuse clips (B, T, C, H, W) with fewer than `least` pixels of height or width.

    does, reason, advice: what the metric does with its frames, why it takes so many pixels, and what else there is; parts of the sentence.
    """
    height, width = clips.shape[3:]
    if min(height, width) < least:
        raise MetricError(f"{metric} {does} frames of at least {least}×{least} pixels{reason}; these are {height}×{width}.{advice}")


def without_border(clips: Tensor, border: int) -> Tensor:
    """Clips (B, T, C, H, W) without so many pixels at each of the four edges."""
    return clips[..., border : clips.shape[-2] - border, border : clips.shape[-1] - border].contiguous() if border else clips


def check_data_range(data_range: float, *, metric: str) -> None:
    """Refuse a data range that is not a positive number of levels."""
    if not 0 < data_range < float("inf"):
        raise MetricError(f"{metric} needs a positive, finite data_range in 8-bit levels, such as 255; got {data_range}.")


def _size(clips: Tensor) -> str:
    return "×".join(str(n) for n in clips.shape) or "a single number"


def _kind(clips: Tensor) -> str:
    return f"{str(clips.dtype).removeprefix('torch.')} {_size(clips)}"


class _Snapshot(NamedTuple):
    """A tensor as it was when something was computed from it."""

    tensor: weakref.ref[Tensor]
    version: int
    address: int

    def shows(self, tensor: Tensor) -> bool:
        return self.tensor() is tensor and self[1:] == (tensor._version, tensor.data_ptr())


class PairMemo:
    """Remembers what was computed from the last pair of tensors, so that metrics called in a row share one pass.

    A pair is the same while both are the very same objects and torch has counted no change in place. Memory that something
    else than torch can write to (an array shared with numpy, a mapped file) has no such count, nor have inference tensors:
    from those everything is computed again. Safe to call from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pair: tuple[_Snapshot, _Snapshot] | None = None
        self._results: dict[Hashable, Any] = {}

    def recall(self, clips: Tensor, references: Tensor, key: Hashable, compute: Callable[[], Result]) -> Result:
        """What `compute()` gives, taken from memory where `key` was computed from this pair before; do not change it in place."""
        if not (_counts_changes(clips) and _counts_changes(references)):
            return compute()
        with self._lock:
            results = self._results_of(clips, references)
            if key in results:
                return cast(Result, results[key])
        value = compute()  # outside the lock: two threads may do the work twice, but none waits for the other's metric
        with self._lock:
            results[key] = value
        return value

    def _results_of(self, clips: Tensor, references: Tensor) -> dict[Hashable, Any]:
        if self._pair is None or not (self._pair[0].shows(clips) and self._pair[1].shows(references)):
            self._pair = (_snapshot(clips), _snapshot(references))
            self._results = {}
        return self._results


def _snapshot(tensor: Tensor) -> _Snapshot:
    return _Snapshot(weakref.ref(tensor), tensor._version, tensor.data_ptr())


def _counts_changes(tensor: Tensor) -> bool:
    """torch marks a storage as not resizable once its memory is shared with numpy or was never torch's own."""
    return not tensor.is_inference() and tensor.untyped_storage().resizable()


last_pair = PairMemo()
"""The memory that the metrics of this package share."""
