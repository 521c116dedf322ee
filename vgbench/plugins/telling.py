"""What a verb says by itself where it is called from Python: notes as warnings, and how far it is where stderr is a terminal."""

from __future__ import annotations

import shutil
import sys
import time
import warnings

from vgbench.errors import VgbenchWarning
from vgbench.plugins.observers import Everyone, Hooks, Observer, TrainingProgress

_EVERY = 0.1
"""Seconds between two lines of progress."""


def with_hooks(observer: Observer | None) -> Observer:
    """The observer, or one that tells by itself, and after it the plugins that observe runs."""
    return Everyone([observer or Telling(), Hooks()])


class Telling(Observer):
    """The observer of a call that names none; `observer=Observer()` is silent."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._last = 0.0

    def note(self, text: str) -> None:
        warnings.warn(text, VgbenchWarning, stacklevel=_level_of_caller())

    def advanced(self, task: str, done: int, total: int) -> None:
        self._show(task, done / max(total, 1), f"{done}/{total}")

    def trained(self, progress: TrainingProgress) -> None:
        losses = "  ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
        self._show(f"stage {progress.stage}", progress.fraction, f"{progress.clips_per_second:.1f} clips/s  {losses}")

    def _show(self, task: str, share: float, detail: str) -> None:
        """Write over the line of progress; the last one of a task stays."""
        if sys.stderr is None or not sys.stderr.isatty():
            return
        now = time.monotonic()
        began = self._began.setdefault(task, now)
        is_done = share >= 1
        if now - self._last < _EVERY and not is_done:
            return
        self._last = now
        left = f"{_clock((now - began) * (1 - share) / share)} left  " if 0 < share < 1 else f"{_clock(now - began)}  "
        line = f"{task}  {100 * share:3.0f} %  {left}{detail}"[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r{line}\x1b[K" + ("\n" if is_done else ""))
        sys.stderr.flush()
        if is_done:
            self._began.pop(task)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _level_of_caller() -> int:
    """How far up the first line outside of vgbench is, as `warnings.warn` counts from `note`."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "vgbench":
        frame, level = frame.f_back, level + 1
    return level
