"""How far a job is, as its runs say."""

from __future__ import annotations

from contextlib import suppress

from vgbench.errors import RunError
from vgbench.runs.log import read_log
from vgbench.runs.run import TrainRun
from vgbench.suite.planning import Standing


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
