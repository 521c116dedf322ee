"""Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from vgbench.cli.ending import something_to_save
from vgbench.cli.verbosity import is_quiet
from vgbench.plugins.observers import Observer, TrainingProgress
from vgbench.runs.run import Run

LINE_SECONDS = 15


def _fixed() -> Column:
    """A column that keeps its width: what is left of the line is for the numbers behind."""
    return Column(no_wrap=True)


class ConsoleObserver(Observer):
    """Shows what a verb tells; nothing of it where the command is to be quiet."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}", table_column=_fixed()),
            BarColumn(bar_width=16, table_column=_fixed()),
            TextColumn("{task.percentage:>3.0f} %", table_column=_fixed()),
            TimeRemainingColumn(compact=True, table_column=_fixed()),
            TextColumn("left  {task.fields[detail]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            console=console,
            transient=True,
            expand=True,
            disable=console.quiet or not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._last_line = time.monotonic()

    @contextmanager
    def showing(self) -> Iterator[ConsoleObserver]:
        """Show bars inside the block, from the first one that there is."""
        try:
            yield self
        finally:
            self._bar.stop()

    def run_started(self, run: Run) -> None:
        something_to_save()
        self._console.print(f"Run: {escape(str(run.path))}", highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        self._console.print(f"[yellow]Note:[/] {escape(text)}", highlight=False, soft_wrap=True)

    def advanced(self, task: str, done: int, total: int) -> None:
        self._show(task, done, total, f"{done}/{total}")

    def trained(self, progress: TrainingProgress) -> None:
        losses = "  ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
        steps = f"{progress.stage_step}/{progress.stage_steps}" if progress.stage_steps else f"{progress.stage_step}"
        detail = f"step {steps}  {progress.clips_per_second:.1f} clips/s  {losses}"
        self._show(f"stage {progress.stage}", progress.fraction * 1000, 1000, detail)

    def _show(self, name: str, done: float, total: float, detail: str) -> None:
        if not self._tasks:
            something_to_save()  # the terminal's cursor
            self._bar.start()
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=total, detail=detail)
        self._bar.update(self._tasks[name], completed=done, detail=detail)
        if done >= total:
            self._bar.update(self._tasks[name], visible=False)
        if not self._console.is_terminal and (done >= total or time.monotonic() - self._last_line > LINE_SECONDS):
            self._last_line = time.monotonic()
            self._console.print(f"{name}  {100 * done / total:.0f} %  {detail}", highlight=False, soft_wrap=True, markup=False)


def stderr_console() -> Console:
    """The console for progress and notes, which says nothing where the command is to be quiet."""
    return Console(stderr=True, quiet=is_quiet())
