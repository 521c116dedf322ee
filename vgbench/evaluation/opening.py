"""The run folder of an evaluation: a new one, or an interrupted one that is finished."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from vgbench.errors import RunError
from vgbench.plugins.observers import begin_run
from vgbench.protocol import differing_keys
from vgbench.runs.records import EvalRecord
from vgbench.runs.run import EvalRun, locate_run


def open_run(resume: str | None, runs: Path, subject: str, begun: EvalRecord) -> EvalRun:
    """A new run that begins with a record; or with `resume`, a run or "latest", one that was asked for the same and is not done.

    RunError: there is none, it is done, or it was asked for something else; the message says what differs.
    """
    if resume is None:
        return begin_run(EvalRun, runs, subject, begun)
    run = locate_run(resume, runs, EvalRun)
    if run.record.status == "done":
        raise RunError(f"{run.path} is done; there is nothing to resume.")
    differing = differing_keys(run.record.protocol, begun.protocol)
    before, now = _asked(run.record), _asked(begun)
    if before.keys() != now.keys():
        differing.append(f"{', '.join(_names(run.record))} was asked for, not {', '.join(_names(begun))}")
    for text in differing_keys(*({key: asked[key] for key in before.keys() & now.keys()} for asked in (before, now))):
        name, is_files, _ = text.partition(_FILES)
        differing.append(f"{name} has changed since" if is_files else text)
    if differing:
        raise RunError(f"{run.path} cannot be resumed with these options: {'; '.join(differing)}.")
    run.record = replace(run.record, status="running")
    return run


_FILES = ", files: "


def _asked(record: EvalRecord) -> dict[str, Any]:
    """What was asked for as flat values, so that a message names what differs and nothing else."""
    flat: dict[str, Any] = {"metrics": list(record.metrics)}
    for name, row in zip(_names(record), map(dict, record.asked or ()), strict=True):
        flat |= {f"{name}, {key}": value for key, value in row.items()}
    return flat


def _names(record: EvalRecord) -> list[str]:
    """What was asked for, by the names of rows, folders and lists."""
    return [str(row.get("label") or row.get("given") or row.get("reference")) for row in map(dict, record.asked or ())]
