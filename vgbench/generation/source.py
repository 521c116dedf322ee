"""Where a row's clips come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from vgbench.protocol import Protocol
from vgbench.runs.records import RowRecord

if TYPE_CHECKING:
    from torch import Tensor


class Sampled(NamedTuple):
    """Clips of a row, and how long one took."""

    clips: Tensor
    """uint8 (B, frames, C, H, W)."""
    seconds: float | None
    """Wall time of generating one; None for clips that were stored."""


class ClipSource(ABC):
    """What gives a row its clips: a generator, or a folder of clips."""

    label: str
    """The row's."""
    run: str | None
    """The training run behind it."""

    def prepare(self) -> None:  # noqa: B027 - optional
        """Called before clips are asked for, however often; not where all of them are known."""

    @abstractmethod
    def samples(self, protocol: Protocol) -> int:
        """How many clips there are for each test clip."""

    @abstractmethod
    def sample(self, clips: Tensor, clip_ids: Sequence[str], protocol: Protocol, sample: int) -> Sampled:
        """One clip for each of a batch of test clips, uint8 (B, T, C, H, W), on the clips' device."""

    @abstractmethod
    def record(self, n_lines: int) -> RowRecord:
        """The row as a run records it, with its number of lines in scores.jsonl."""
