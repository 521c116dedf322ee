"""Where the frames of a video stream are in time, and at which of them decoding may begin: for reading a stretch without all before it."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class FrameIndex:
    """The frames of a stream each of whose packets is one frame, none of them with the time of another."""

    times: Sequence[int]
    """When each frame is shown, in order, in the stream's unit."""
    entries: Sequence[int]
    """The numbers, in order, of the frames from which on all can be decoded without any before."""

    def entry_before(self, number: int) -> int:
        """The last frame up to `number` at which decoding may begin; 0 where there is none."""
        place = bisect_right(self.entries, number)
        return self.entries[place - 1] if place else 0


def frame_index(times: Sequence[int | None], entry_times: Sequence[int | None]) -> FrameIndex | None:
    """The index of packets, in the order of decoding, shown at these times; None where they do not say, or two are shown at one time."""
    known = sorted(time for time in times if time is not None)
    if len(known) < len(times) or any(one == other for one, other in pairwise(known)):
        return None
    number_of = {time: number for number, time in enumerate(known)}
    return FrameIndex(_compact(known), _compact(sorted(number_of[time] for time in entry_times if time is not None)))


def _compact(numbers: Sequence[int]) -> Sequence[int]:
    """The same numbers in little memory: thousands of videos may be open, most of them of an even rate."""
    if len(numbers) > 1:
        even = range(numbers[0], numbers[-1] + 1, numbers[1] - numbers[0])
        if len(even) == len(numbers) and all(one == other for one, other in zip(even, numbers, strict=True)):
            return even
    return array("q", numbers)
