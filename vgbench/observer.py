"""What a verb tells whoever watches it; the command line shows it, a script may leave it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vgbench.runs import Run


class TrainingProgress(NamedTuple):
    """How far a training is."""

    stage: str
    step: int
    """Steps of the whole training that are done."""
    stage_step: int
    stage_steps: int | None
    """Steps the stage will take; None where only time limits it."""
    fraction: float
    """Of the stage, from 0 to 1, by steps or by time."""
    losses: Mapping[str, float]
    clips_per_second: float


class Observer:
    """Hears nothing and says nothing; subclass it to show progress."""

    def run_started(self, run: Run) -> None:
        """A run folder was opened."""

    def note(self, text: str) -> None:
        """Something the user should know, such as a row that is left out."""

    def advanced(self, task: str, done: int, total: int) -> None:
        """A long task moved on, such as "copy-first" by the clips it made."""

    def trained(self, progress: TrainingProgress) -> None:
        """A training step is done."""
