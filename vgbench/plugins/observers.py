"""Who is told of a run: whoever called the verb, and the plugins' hooks; and how a run begins and ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from vgbench.errors import RunError, VgbenchError
from vgbench.plugins.discovery import load_plugins
from vgbench.plugins.sources import code_of
from vgbench.runs.records import RunRecord, Status
from vgbench.runs.run import Run, RunT, create_run, lock_run

CLIPS = "clips"
"""The task of an evaluation whose progress plugins hear of."""


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
    diagnostics: Mapping[str, float] | None = None
    """None at a step that the log does not have."""
    learning_rates: Sequence[float] | None = None
    """One for each group of parameters; None likewise."""


class Observer:
    """Hears what a verb does and says nothing; subclass it to show progress."""

    def run_started(self, run: Run) -> None:
        """A run folder was opened."""

    def run_finished(self, run: Run, outcome: Status) -> None:
        """The run ended: "done", "interrupted" or "failed"."""

    def note(self, text: str) -> None:
        """Something the user should know, such as a row that is left out."""

    def advanced(self, task: str, done: int, total: int) -> None:
        """A long task moved on, such as "clips" by those that are scored."""

    def trained(self, progress: TrainingProgress) -> None:
        """A training step is done."""


class Hooks(Observer):
    """Tells the plugins, through the hooks that observe."""

    def __init__(self) -> None:
        self._run: Run | None = None

    def run_started(self, run: Run) -> None:
        self._run = run
        _tell("vgbench_run_started", run=run)

    def run_finished(self, run: Run, outcome: Status) -> None:
        self._run = None
        _tell("vgbench_run_finished", run=run, outcome=outcome)

    def advanced(self, task: str, done: int, total: int) -> None:
        if task == CLIPS and self._run is not None:
            _tell("vgbench_progressed", run=self._run, progress={"clips": done, "n_clips": total})

    def trained(self, progress: TrainingProgress) -> None:
        said: dict[str, Any] = {
            "stage": progress.stage,
            "step": progress.step,
            "steps": progress.stage_steps,
            "losses": progress.losses,
            "clips_per_second": progress.clips_per_second,
        }
        if progress.diagnostics is not None:
            said |= {"diagnostics": progress.diagnostics, "lr": progress.learning_rates}
        _tell("vgbench_progressed", run=self._run, progress=said)


def _tell(hook: str, **arguments: Any) -> None:
    for _ in load_plugins().call(hook, **arguments):
        pass


class Everyone(Observer):
    """Several observers as one, told in order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    def run_started(self, run: Run) -> None:
        for observer in self._observers:
            observer.run_started(run)

    def run_finished(self, run: Run, outcome: Status) -> None:
        for observer in self._observers:
            observer.run_finished(run, outcome)

    def note(self, text: str) -> None:
        for observer in self._observers:
            observer.note(text)

    def advanced(self, task: str, done: int, total: int) -> None:
        for observer in self._observers:
            observer.advanced(task, done, total)

    def trained(self, progress: TrainingProgress) -> None:
        for observer in self._observers:
            observer.trained(progress)


def begin_run(kind: type[RunT], runs: Path, subject: str, record: RunRecord) -> RunT:
    """A new run folder, whose record names the plugins of this environment as well, and which code they are.

    RunError: the folder cannot be made or written.
    """
    loaded = load_plugins().loaded
    plugins = {plugin.name: f"{plugin.distribution} {plugin.version}" for plugin in loaded}
    code = {plugin.name: code_of(plugin) for plugin in loaded}
    return create_run(kind, runs, subject, replace(record, plugins=plugins, code=code))


@contextmanager
def closing_run(run: Run, observer: Observer) -> Iterator[None]:
    """Lock the run's folder, and note how the run ended whatever happens inside; the observer hears of both ends.

    RunError: another process is at work on the run, or was since it was read.
    """
    outcome: Status = "failed"
    lock = lock_run(run.path)
    try:
        run.check_unchanged()
    except RunError:
        lock.close()
        raise
    try:
        observer.run_started(run)
        yield
        outcome = "done" if run.record.status == "running" else run.record.status
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    except VgbenchError as error:
        run.record = replace(run.record, error=str(error))
        raise
    except Exception as error:
        run.record = replace(run.record, error=f"{type(error).__name__}: {error}")
        raise
    finally:
        try:
            run.finish(outcome)
        except RunError:
            if outcome != "failed":
                raise
        finally:
            lock.close()
        observer.run_finished(run, outcome)
