"""What of a suite is done already: runs are found by what they were made with, whoever made them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vgbench.errors import RunError
from vgbench.runs.checksums import check_seal
from vgbench.runs.records import RowRecord, TrainRecord
from vgbench.runs.run import EvalRun, Run, TrainRun, find_runs
from vgbench.training.plan import TrainingPlan


@dataclass(frozen=True)
class Runs:
    """The runs of a folder, read once, the newest first."""

    trainings: Sequence[TrainRun]
    evaluations: Sequence[EvalRun]

    def training(self, plan: TrainingPlan) -> TrainRun | None:
        """The training that was planned alike: one that is done, else the newest."""
        wanted = training_content(plan.record())
        alike = [run for run in self.trainings if training_content(run.record) == wanted]
        return next((run for run in alike if run.record.status == "done"), alike[0] if alike else None)

    def evaluation(self, generator: str, training: TrainRun | None, protocol_id: str, metrics: Sequence[str]) -> EvalRun | None:
        """The newest evaluation of that row alone that was asked for the metrics, and whose files are as they were written."""
        for run in self.evaluations:
            record = run.record
            is_asked = record.status == "done" and record.protocol["id"] == protocol_id
            if not is_asked or len(record.rows) != 1 or not set(metrics) <= {*record.metrics, *record.refused}:
                continue
            if _is_row(record.rows[0], generator, training) and _is_whole(run):
                return run
        return None

    def seconds_per_step(self, plan: TrainingPlan) -> float | None:
        """How long a step took in the newest training of the same generator, configuration and shape; None where there is none."""
        wanted = _kind(plan.record())
        for run in self.trainings:
            seconds = sum(float(one) for one in run.record.elapsed.values())
            if run.record.step and seconds and _kind(run.record) == wanted:
                return seconds / run.record.step
        return None


def read_runs(folder: Path) -> Runs:
    """The runs of a folder."""
    runs = find_runs(folder, Run)
    return Runs([run for run in runs if isinstance(run, TrainRun)], [run for run in runs if isinstance(run, EvalRun)])


def training_content(record: TrainRecord) -> dict[str, Any]:
    """What of a training decides its weights, but for the code, the device and its precision."""
    return _plain(
        {
            "generator": record.generator,
            "config": record.config,
            "protocol": {key: value for key, value in record.protocol.items() if key != "name"},
            "budgets": record.budgets,
            "start": record.start,
            "select_by": record.select_by,
            "seed": record.seed,
        }
    )


def _kind(record: TrainRecord) -> dict[str, Any]:
    return _plain({"generator": record.generator, "config": record.config, "shape": record.shape})


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    """As a file gives it."""
    read: dict[str, Any] = json.loads(json.dumps(table, default=str))
    return read


def _is_row(row: RowRecord, generator: str, training: TrainRun | None) -> bool:
    if row.generator != generator or row.variant is not None:
        return False
    if training is None:
        return row.weights is None
    return row.weights is not None and (row.weights.get("run"), row.weights.get("step")) == (training.name, training.record.step)


def _is_whole(run: EvalRun) -> bool:
    try:
        check_seal(run)
    except RunError:
        return False
    return True
