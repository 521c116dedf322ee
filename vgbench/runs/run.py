"""Run folders: what was done, with what, and how it ended; every file is written so that a kill leaves it whole."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, ClassVar, TypeVar

from vgbench.errors import ConfigError, RunError
from vgbench.files import check_own_files, lock_folder, write_text, writing
from vgbench.runs.provenance import now, provenance
from vgbench.runs.records import SCHEMA_VERSION, EvalRecord, RunRecord, Status, TrainRecord, from_table, printable, to_json

RunT = TypeVar("RunT", bound="Run")


class Run:
    """A run's folder and its record, run.json; where something changes, another record takes its place."""

    verb: ClassVar[str]
    record: RunRecord

    def __init__(self, path: Path, record: RunRecord, text: str = "") -> None:
        """text: what run.json holds now."""
        self.path, self.record, self._text = path, record, text

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    def warn(self, text: str) -> None:
        """Add a warning to the record, once."""
        if text not in self.record.warnings:
            self.record = replace(self.record, warnings=(*self.record.warnings, text))

    def save(self) -> None:
        """Write run.json, whole or not at all."""
        self._text = to_json(self.record)
        write_text(self.path / "run.json", self._text)

    def check_unchanged(self) -> None:
        """RunError: another process has written run.json since this one read it."""
        if _text_of(self.path) != self._text:
            raise RunError(f"{self.path} was changed by another process in the meantime; nothing was written. Look at it and try again.")

    def folder(self, name: str) -> Path:
        """A folder in the run's, made on first use."""
        path = self.path / name
        with writing(path):
            path.mkdir(exist_ok=True)
        return path

    def finish(self, status: Status) -> None:
        """Note how the run ended, and when."""
        self.record = replace(self.record, status=status, finished=now())
        self.save()


class TrainRun(Run):
    """The run of a training."""

    verb = TrainRecord.verb
    record: TrainRecord
    ended_by: int | None = None
    """The signal that interrupted the training in this process."""


class EvalRun(Run):
    """The run of an evaluation."""

    verb = EvalRecord.verb
    record: EvalRecord


def create_run(kind: type[RunT], runs: Path, subject: str, record: RunRecord) -> RunT:
    """A new run folder `<date>-<verb>-<subject>` with its run.json, which says what the run is made with as well.

    RunError: the folder cannot be made or written, or a name in the record is not UTF-8.
    """
    stem = f"{datetime.now().astimezone():%Y-%m-%d-%H%M%S}-{record.verb}-{re.sub(r'[^A-Za-z0-9._-]+', '-', subject)[:80]}"
    begun = replace(record, started=now(), **provenance())
    with writing(runs):
        to_json(begun).encode()  # a name that cannot be written is refused before there is a folder
        runs.mkdir(parents=True, exist_ok=True)
        path = _unused_folder(runs, stem)
    run = kind(path, replace(begun, after=_newer_by_the_clock(runs, path.name, begun)))
    run.save()
    return run


def _newer_by_the_clock(runs: Path, name: str, begun: RunRecord) -> str | None:
    """The newest run, where by the clock it began after one that begins now."""
    # Names begin with a date, so that without a later one there is no need to open any run.
    if not any(path.name > name for path in runs.iterdir()):
        return None
    before = find_runs(runs, Run)
    is_later = bool(before) and _Ages(before).of(before[0])[0] > datetime.fromisoformat(begun.started).timestamp()
    return before[0].name if is_later else None


def _unused_folder(runs: Path, stem: str) -> Path:
    for attempt in range(1, 10_000):
        path = runs / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise RunError(f"{runs} holds ten thousand runs named {stem}.")


def open_run(path: Path) -> Run:
    """The run of a folder.

    RunError: it holds no readable run.json, or one of another version, or something that is no plain file.
    """
    file = path / "run.json"
    if not os.path.lexists(file):
        raise RunError(f"{path} is no run folder: it has no run.json. `vgbench list runs` shows the runs.")
    check_own_files(path)
    text = _text_of(path)
    try:
        table = printable(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file} cannot be read: {error}.") from error
    version = table.get("schema_version") if isinstance(table, dict) else None
    if version != SCHEMA_VERSION:
        raise RunError(f"{file} has schema_version {version!r}; this vgbench reads {SCHEMA_VERSION}.")
    try:
        record = from_table(table)
    except ConfigError as error:
        raise RunError(f"{file} is damaged: {error}") from error
    return TrainRun(path, record, text) if isinstance(record, TrainRecord) else EvalRun(path, record, text)


def _text_of(path: Path) -> str:
    """What run.json holds.  RunError: it cannot be read."""
    file = path / "run.json"
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RunError(f"{file} cannot be read: {error}.") from error


def find_runs(runs: Path, kind: type[RunT]) -> list[RunT]:
    """The readable runs of a kind in a folder, the newest first."""
    found: list[RunT] = []
    for path in runs.iterdir() if runs.is_dir() else ():
        try:
            run = open_run(path)
        except RunError:
            continue
        if isinstance(run, kind):
            found.append(run)
    ages = _Ages(found)
    return sorted(found, key=ages.of, reverse=True)


class _Ages:
    """In which order runs were started, whatever the time zone, and where the clock was put back in between."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = {run.name: run for run in runs}

    def of(self, run: Run) -> tuple[float, int, list[int | str]]:
        """Greater for newer runs; those of one second by the number behind their names."""
        time, place = _started(run), 0
        earlier, seen = run, {run.name}
        while earlier.record.after in self._runs and earlier.record.after not in seen:
            earlier = self._runs[earlier.record.after]
            seen.add(earlier.name)
            place += 1
            time = max(time, _started(earlier))
        own = time == _started(run)
        return time, 0 if own else place, [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", run.name)]


def _started(run: Run) -> float:
    """Seconds since 1970; 0 where the record says no time."""
    try:
        return datetime.fromisoformat(run.record.started).timestamp()
    except ValueError:
        return 0.0


def locate_run(text: str, runs: Path, kind: type[RunT]) -> RunT:
    """The run of a path, of a name in `runs`, or of "latest".

    RunError: there is none of that kind.
    """
    if text == "latest":
        found = find_runs(runs, kind)
        if not found:
            raise RunError(f"There is no {kind.verb} run in {runs}.")
        return found[0]
    path = Path(text) if Path(text).is_dir() else runs / text
    if not path.is_dir():
        raise RunError(f"There is no run '{text}', neither as a folder nor in {runs}.")
    run = open_run(path)
    if not isinstance(run, kind):
        raise RunError(f"{path} is a run of `vgbench {run.record.verb}`, not of `vgbench {kind.verb}`.")
    return run


def lock_run(path: Path) -> IO[bytes]:
    """A lock on the run's folder, held until the file is closed.

    RunError: another process is at work on the run.
    """
    with writing(path):
        try:
            return lock_folder(path)
        except BlockingIOError as error:
            raise RunError(f"{path} is at work in another process; wait for it, or stop it first.") from error
