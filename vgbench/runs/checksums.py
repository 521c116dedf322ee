"""Checksums of what an evaluation wrote, so that damage and changes are noticed before a number is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from vgbench.errors import RunError
from vgbench.files import sha256_of, writing
from vgbench.runs.features import FOLDER
from vgbench.runs.run import EvalRun
from vgbench.runs.scores import SCORES


def seal(run: EvalRun) -> None:
    """Record the checksums of a finished evaluation's files.  RunError: one cannot be read."""
    paths = [run.path / SCORES, *sorted((run.path / FOLDER).glob("*"))]
    with writing(run.path):
        run.record = replace(run.record, checksums={str(path.relative_to(run.path)): sha256_of(path) for path in paths})


def check_seal(run: EvalRun) -> None:
    """RunError: a file is missing, or not what the evaluation wrote.  A run of an older version, without checksums, passes."""
    for name, expected in run.record.checksums.items():
        path = run.path / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise RunError(f"{run.path}/run.json is damaged: it names a file outside the run's folder, {name}.")
        try:
            found = sha256_of(path)
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}.") from error
        if found != expected:
            raise RunError(
                f"{path} is not what the evaluation wrote: its sha256 is {found[:16]}…, recorded is {expected[:16]}…. Run it again."
            )
