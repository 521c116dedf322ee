"""Metrics tried on one clip before the work begins: which cannot take it, and how long the others will take for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch

LONG = 60.0
"""Seconds from which on it is said beforehand how long measuring takes."""
_NAMED_FROM = 0.1
"""The share of the time from which on a metric is named."""


class Trial(NamedTuple):
    """How metrics took one clip."""

    refused: dict[str, str]
    """Metric id → why it cannot take such clips."""
    seconds: dict[str, float]
    """Metric id → how long it took."""


_AGAIN_FROM = 0.05
"""Seconds from which on work is timed once more, since loading or compiling may be in them."""


def timed(work: Callable[[], object], device: torch.device, *, again: Callable[[], object] | None = None) -> float:
    """Seconds that some work takes on a device, without what it does only once in a process.

    again: the same work where doing it twice would find it done.
    """
    first = _seconds(work, device)
    return first if first < _AGAIN_FROM else min(first, _seconds(again or work, device))


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    begun = time.perf_counter()
    work()
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)
    return time.perf_counter() - begun


def forecast(seconds: Mapping[str, float], counts: Mapping[str, int]) -> str | None:
    """How long measuring will take; None where that is under a minute.

    seconds: metric → for one clip.  counts: metric → how many clips it measures.
    """
    each = {metric: taken * counts[metric] for metric, taken in seconds.items()}
    total = sum(each.values())
    if total < LONG:
        return None
    slow = [metric for metric in sorted(each, key=lambda metric: -each[metric]) if each[metric] >= _NAMED_FROM * total]
    parts = ", ".join(f"{metric} {seconds[metric]:.2g} s for each of {counts[metric]:,}" for metric in slow)
    about = f"{total / 3600:.1f} hours" if total >= 7200 else f"{total / 60:.0f} minutes"
    return f"Measuring takes about {about}, by the first clip: {parts}."
