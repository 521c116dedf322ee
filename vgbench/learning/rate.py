"""How a learning rate changes along a training."""

from __future__ import annotations

import math

from vgbench.learning.options import LearningRate

WARM_UP = 0.3
"""The share of a cycle during which the rate rises."""
START, END = 1 / 25, 1 / 250_000
"""Of the highest rate, where a cycle begins and where it ends."""


def share_of_rate(schedule: LearningRate, progress: float) -> float:
    """What the learning rate is multiplied by, when so much of the training is done; progress: from 0 to 1."""
    if schedule == "cosine":
        return _between(1, 0, progress)
    if schedule == "one-cycle":
        rises = progress < WARM_UP
        return _between(START, 1, progress / WARM_UP) if rises else _between(1, END, (progress - WARM_UP) / (1 - WARM_UP))
    return 1.0


def _between(first: float, last: float, progress: float) -> float:
    """From `first` to `last` along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0))) / 2
