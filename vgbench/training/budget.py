"""How long each stage of a training lasts, by steps or by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vgbench.errors import ConfigError
from vgbench.interfaces import Schedule


@dataclass(frozen=True)
class Budget:
    """How long one stage trains: until its steps or its seconds are spent, whichever comes first."""

    steps: int | None
    seconds: float | None

    def is_spent(self, steps: int, seconds: float) -> bool:
        """Whether a stage that has done so much stops; one step is always done."""
        return (self.steps is not None and steps >= self.steps) or (self.seconds is not None and steps > 0 and seconds >= self.seconds)

    def fraction(self, steps: int, seconds: float) -> float:
        """How much of it is spent, from 0 to 1."""
        by_steps = steps / self.steps if self.steps else 0.0
        by_time = seconds / self.seconds if self.seconds else 0.0
        return min(1.0, max(by_steps, by_time))


def share_budget(schedule: Schedule, stages: Sequence[str], *, steps: int | None, max_minutes: float | None) -> dict[str, Budget]:
    """Each stage's part of the steps and of the time.

    Minutes alone replace the schedule's steps; with steps as well, whichever is spent first ends a stage.
    """
    if steps is not None and steps < len(stages):
        raise ConfigError(f"--steps {steps} is too few for {len(stages)} stages ({', '.join(stages)}); each takes at least one.")
    if max_minutes is not None and max_minutes <= 0:
        raise ConfigError(f"--max-minutes {max_minutes:g} must be above 0.")
    whole = sum(schedule.shares[stage] for stage in stages)
    counted: dict[str, int | None] = dict.fromkeys(stages, None)
    if steps is not None:
        counted |= _shared(steps, {stage: schedule.shares[stage] / whole for stage in stages})
    elif max_minutes is None:
        counted |= _shared(round(schedule.steps * whole), {stage: schedule.shares[stage] / whole for stage in stages})
    return {
        stage: Budget(counted[stage], None if max_minutes is None else 60 * max_minutes * schedule.shares[stage] / whole)
        for stage in stages
    }


def _shared(steps: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers that add up to the steps, each at least 1."""
    *first, last = shares
    counts: dict[str, int] = {}
    for index, stage in enumerate(first):
        left = steps - sum(counts.values()) - (len(shares) - 1 - index)
        counts[stage] = max(1, min(left, round(steps * shares[stage])))
    counts[last] = max(1, steps - sum(counts.values()))
    return counts
