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
    differing = differing_keys(run.record.protocol, begun.protocol) + differing_keys(_asked(run.record), _asked(begun))
    if differing:
        raise RunError(f"{run.path} cannot be resumed with these options: {'; '.join(differing)}.")
    run.record = replace(run.record, status="running")
    return run


def _asked(record: EvalRecord) -> dict[str, Any]:
    return {"metrics": record.metrics, "asked": record.asked}
