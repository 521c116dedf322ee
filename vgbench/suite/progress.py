"""How far jobs are, as their runs say, wherever they are at work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from vgbench.errors import RunError
from vgbench.runs.log import read_log
from vgbench.runs.run import TrainRun
from vgbench.suite.jobs import Job
from vgbench.suite.planning import Standing, SuitePlan

_EVERY = 30.0
"""Seconds between two looks."""


class Watch:
    """Says now and then how far the trainings at work are."""

    def __init__(self, plan: SuitePlan, jobs: Sequence[Job], say: Callable[[str], None]) -> None:
        self._plan, self._jobs, self._say = plan, jobs, say
        self._looked, self._said = time.monotonic(), dict[str, str]()

    def look(self) -> None:
        """Say what moved, where the last look is long enough ago."""
        if time.monotonic() - self._looked < _EVERY:
            return
        for standing in self._plan.standings(self._jobs):
            if standing.state == "at work" and standing.training is not None:
                text = steps_text(standing.training)
                if self._said.get(standing.job.name) != text:
                    self._say(f"{standing.job.name}: {text}")
                    self._said[standing.job.name] = text
        self._looked = time.monotonic()


def progress_text(standing: Standing) -> str:
    """Steps of its training and where its runs lie; empty where nothing was begun."""
    parts = []
    if standing.training is not None:
        parts.append(f"{steps_text(standing.training)}, {standing.training.name}")
    if standing.evaluation is not None:
        parts.append(f"scored in {standing.evaluation.name}")
    return "; ".join(parts)


def steps_text(training: TrainRun) -> str:
    """The steps that are done, of how many where that is known."""
    done = training.record.step
    with suppress(RunError, KeyError, TypeError, ValueError):  # the record has what is kept
        done = max([done, *(int(line["step"]) for line in read_log(training.path))])
    counts = [dict(budget).get("steps") for budget in training.record.budgets.values()]
    known = [count for count in counts if isinstance(count, int)]
    of = f" of {sum(known):,}" if len(known) == len(counts) else ""
    return f"{done:,}{of} steps"
