"""What a training writes down and says; of several processes the first one alone does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vgbench.data.loader import ClipCache
from vgbench.data.protocol_data import ProtocolData
from vgbench.plugins.observers import Observer, TrainingProgress, closing_run
from vgbench.runs.checkpoints import Checkpoint, save_checkpoint, step_checkpoints
from vgbench.runs.log import Logbook
from vgbench.runs.records import Best
from vgbench.runs.run import TrainRun
from vgbench.training.preview import Preview, write_strip

if TYPE_CHECKING:
    import torch

KEPT_CHECKPOINTS = 2
"""Of the stage at work; the last one of each finished stage stays as well, and the best one where there is such a choice."""


def best_file(stage: str) -> str:
    """Where a stage's best checkpoint lies in its run's folder."""
    return f"checkpoints/best-{stage}.pt"


class Journal:
    """Writes and says nothing: the journal of every process but the first."""

    @contextmanager
    def opened(self, last_step: int) -> Iterator[None]:
        """The run at work inside the block; afterwards how it ended is noted."""
        yield

    def note(self, text: str) -> None:
        """Something the user should know of the machine or the moment."""

    def warn(self, text: str) -> None:
        """Something a reader of the results should know."""

    def log(self, line: Mapping[str, Any]) -> None:
        """A line of the log."""

    def announce(self, progress: TrainingProgress, logged: Mapping[str, Any] | None) -> None:
        """A step is done; logged: its line, where it got one."""

    def preview(self, name: str, step: int, preview: Preview, data: ProtocolData, cache: ClipCache, device: torch.device) -> None:
        """What the stage makes now, as a strip."""

    def save(self, checkpoint: Checkpoint) -> None:
        """The training as it is, to go on from."""

    def save_best(self, checkpoint: Checkpoint, value: float) -> None:
        """The training as it is, the best of its stage so far on the validation clips."""


class RunJournal(Journal):
    """Keeps a run's folder and tells the observers."""

    def __init__(self, run: TrainRun, observer: Observer) -> None:
        self._run, self._observer = run, observer
        self._logbook: Logbook | None = None

    @contextmanager
    def opened(self, last_step: int) -> Iterator[None]:
        with closing_run(self._run, self._observer), Logbook(self._run.path, last_step=last_step) as self._logbook:
            yield

    def note(self, text: str) -> None:
        self._observer.note(text)

    def warn(self, text: str) -> None:
        self._run.warn(text)
        self._observer.note(text)

    def log(self, line: Mapping[str, Any]) -> None:
        assert self._logbook is not None, "a journal is written while it is opened"
        self._logbook.write(line)

    def announce(self, progress: TrainingProgress, logged: Mapping[str, Any] | None) -> None:
        if logged is not None:
            progress = progress._replace(diagnostics=logged["diagnostics"], learning_rates=logged["lr"])
        self._observer.trained(progress)

    def preview(self, name: str, step: int, preview: Preview, data: ProtocolData, cache: ClipCache, device: torch.device) -> None:
        write_strip(self._run.folder("clips") / f"preview-{name}-{step:06d}.mp4", preview, data, cache, device)

    def save(self, checkpoint: Checkpoint) -> None:
        file = f"checkpoints/step-{checkpoint.step:06d}.pt"
        save_checkpoint(self._run.path / file, checkpoint)
        record = replace(self._run.record, step=checkpoint.step, elapsed=dict(checkpoint.elapsed))
        if checkpoint.stage not in record.best:
            record = replace(record, checkpoints={**record.checkpoints, checkpoint.stage: file})
        self._run.record = record
        self._run.save()
        self._prune()

    def save_best(self, checkpoint: Checkpoint, value: float) -> None:
        file = best_file(checkpoint.stage)
        save_checkpoint(self._run.path / file, checkpoint)
        record = self._run.record
        best = {**record.best, checkpoint.stage: Best(checkpoint.step, value, file)}
        self._run.record = replace(record, best=best, checkpoints={**record.checkpoints, checkpoint.stage: file})
        self._run.save()

    def _prune(self) -> None:
        """Drop old checkpoints, except the newest few and those that are evaluated."""
        kept = set(self._run.record.checkpoints.values())
        for path in step_checkpoints(self._run.path)[:-KEPT_CHECKPOINTS]:
            if f"checkpoints/{path.name}" not in kept:
                path.unlink(missing_ok=True)
