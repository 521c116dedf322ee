"""Run folders: what was done, with what, and how it ended; every file is written so that a kill leaves it whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from vgbench.errors import RunError
from vgbench.files import lock_folder, write_text, writing
from vgbench.runs.provenance import now, provenance
from vgbench.runs.schema import check_record, printable

SCHEMA_VERSION = 1
_STATUSES = ("running", "done", "interrupted", "failed")


class Run:
    """A run's folder and its record, run.json."""

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path, self.record = path, record

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def warnings(self) -> list[str]:
        """What a reader of the run's numbers should know."""
        warnings: list[str] = self.record.setdefault("warnings", [])
        return warnings

    def warn(self, text: str) -> None:
        """Add a warning to the record, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def save(self) -> None:
        """Write run.json, whole or not at all."""
        write_text(self.path / "run.json", _as_text(self.record))

    def folder(self, name: str) -> Path:
        """A folder in the run's, made on first use."""
        path = self.path / name
        with writing(path):
            path.mkdir(exist_ok=True)
        return path

    def finish(self, status: str) -> None:
        """Note how the run ended, and when."""
        self.record |= {"status": status, "finished": now()}
        self.save()


def create_run(runs: Path, verb: str, subject: str, record: Mapping[str, Any]) -> Run:
    """A new run folder `<date>-<verb>-<subject>` with its run.json.

    RunError: the folder cannot be made or written, or a name in the record is not UTF-8.
    """
    stem = f"{datetime.now().astimezone():%Y-%m-%d-%H%M%S}-{verb}-{re.sub(r'[^A-Za-z0-9._-]+', '-', subject)[:80]}"
    whole = {
        "schema_version": SCHEMA_VERSION,
        "status": "running",
        "verb": verb,
        "started": now(),
        **provenance(),
        **record,
        "warnings": [],
    }
    with writing(runs):
        _as_text(whole).encode()  # a name that cannot be written is refused before there is a folder
        runs.mkdir(parents=True, exist_ok=True)
        path = _unused_folder(runs, stem)
    run = Run(path, whole)
    run.save()
    return run


def _as_text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=1, ensure_ascii=False, default=str) + "\n"


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

    RunError: it holds no readable run.json, or one of another version.
    """
    file = path / "run.json"
    try:
        record = printable(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RunError(f"{path} is no run folder: it has no run.json. `vgbench list runs` shows the runs.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{file} cannot be read: {error}.") from error
    version = record.get("schema_version") if isinstance(record, dict) else None
    if version != SCHEMA_VERSION:
        raise RunError(f"{file} has schema_version {version!r}; this vgbench reads {SCHEMA_VERSION}.")
    if record.get("status") not in _STATUSES or record.get("verb") not in ("train", "eval"):
        raise RunError(f"{file} is damaged: its status or verb is missing or unknown.")
    check_record(record, file)
    return Run(path, record)


def find_runs(runs: Path, verb: str | None = None) -> list[Run]:
    """The readable runs in a folder, the newest first."""
    found = []
    for path in runs.iterdir() if runs.is_dir() else ():
        try:
            run = open_run(path)
        except RunError:
            continue
        if verb in (None, run.record["verb"]):
            found.append(run)
    return sorted(found, key=lambda run: (str(run.record.get("started", "")), run.name), reverse=True)


def locate_run(text: str, runs: Path, verb: str) -> Run:
    """The run of a path, of a name in `runs`, or of "latest".

    RunError: there is none.
    """
    if text == "latest":
        found = find_runs(runs, verb)
        if not found:
            raise RunError(f"There is no {verb} run in {runs}.")
        return found[0]
    path = Path(text) if Path(text).is_dir() else runs / text
    if not path.is_dir():
        raise RunError(f"There is no run '{text}', neither as a folder nor in {runs}.")
    run = open_run(path)
    if run.record["verb"] != verb:
        raise RunError(f"{path} is a run of `vgbench {run.record['verb']}`, not of `vgbench {verb}`.")
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
