"""What a suite has done, what it would do, and how long that takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from vgbench.config import DEFAULT_RUNS, presets
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import ConfigError, VgbenchError
from vgbench.plugins.registry import Entry, load_registry
from vgbench.protocol import Protocol, as_protocol
from vgbench.runs.run import EvalRun, TrainRun
from vgbench.scoring.lookup import choose_metrics
from vgbench.specs import GeneratorSpec
from vgbench.suite.finding import Runs, read_runs, training_content
from vgbench.suite.job_folder import JobFolder
from vgbench.suite.jobs import Job, jobs_of
from vgbench.suite.suite import LoadedSuite, Member, load_suite
from vgbench.training.options import TrainingOptions
from vgbench.training.plan import TrainingPlan, plan_training

State = Literal["done", "evaluate", "resume", "train", "at work", "failed", "impossible"]
STATES: Mapping[State, str] = {
    "done": "done",
    "evaluate": "to be evaluated",
    "resume": "to be resumed",
    "train": "to be trained",
    "at work": "at work",
    "failed": "failed",
    "impossible": "cannot run",
}
"""State → how it is shown."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Where and on what a suite runs."""

    runs: Path = DEFAULT_RUNS
    data: Mapping[str, Path] | None = None
    device: str = "auto"


class Standing(NamedTuple):
    """How far a job is."""

    job: Job
    state: State
    training: TrainRun | None = None
    evaluation: EvalRun | None = None
    reason: str = ""
    """Why it failed, or cannot run."""
    seconds: float | None = None
    """How long its training will take from here on; None where that is unknown."""


class _Planned(NamedTuple):
    """A member as it will be trained, but for the seed."""

    entry: Entry[GeneratorSpec]
    training: TrainingPlan | None


class SuitePlan:
    """A suite, checked and ready to be run: what is wrong with a member costs that member."""

    def __init__(self, loaded: LoadedSuite, protocol: Protocol, setup: Setup) -> None:
        """UnknownName: a metric, or the protocol's data set."""
        self.loaded, self.protocol, self.setup = loaded, protocol, setup
        self.metrics = [entry.short_name for entry in choose_metrics(self.loaded.suite.metrics)]
        self.data = ProtocolData(protocol, setup.data or {})
        self.jobs = jobs_of(self.loaded)
        self._members: dict[str, _Planned | str] = {}

    @cached_property
    def protocol_id(self) -> str:
        """The protocol's id on the data."""
        return self.data.protocol_id

    def standing(self, job: Job, runs: Runs | None = None, *, is_mine: bool = False) -> Standing:
        """How far a job is.

        runs: those of the folder, where they were read just now.  is_mine: whether who asks is the one at work on it.
        """
        runs = runs or read_runs(self.setup.runs)
        planned = self._planned(job.member)
        if isinstance(planned, str):
            return Standing(job, "impossible", reason=planned)
        standing = self._by_runs(job, planned, runs)
        return standing if is_mine or standing.state == "done" else self._unfinished(standing, self.folder(job))

    def _by_runs(self, job: Job, planned: _Planned, runs: Runs) -> Standing:
        """How far a job is, by the runs that there are."""
        training = None
        if planned.training is not None and job.seed is not None:
            plan = replace(planned.training, seed=job.seed)
            training = runs.training(plan)
            if training is None or training.record.status != "done":
                state: State = "train" if training is None else "resume"
                return Standing(job, state, training, seconds=_seconds(plan, runs, training))
        evaluation = runs.evaluation(planned.entry.full_name, training, self.protocol_id, self.metrics)
        return Standing(job, "evaluate" if evaluation is None else "done", training, evaluation, seconds=0.0)

    def standings(self, jobs: Sequence[Job] | None = None) -> list[Standing]:
        """How far jobs are; None: all."""
        runs = read_runs(self.setup.runs)
        return [self.standing(job, runs) for job in (self.jobs if jobs is None else jobs)]

    def folder(self, job: Job) -> JobFolder:
        """Where it is noted how a job went."""
        return JobFolder(self.setup.runs / "suites" / self.loaded.suite.name / job.name, self._key(job))

    def _unfinished(self, standing: Standing, folder: JobFolder) -> Standing:
        """The same, unless somebody is at work on it, or it failed."""
        if folder.is_at_work():
            return standing._replace(state="at work")
        reason = folder.failure()
        return standing if reason is None else standing._replace(state="failed", reason=reason)

    def _planned(self, member: Member) -> _Planned | str:
        """The member as it will be trained; or why it cannot be."""
        if member.name not in self._members:
            try:
                self._members[member.name] = self._plan(member)
            except VgbenchError as error:
                self._members[member.name] = str(error)
        return self._members[member.name]

    def _plan(self, member: Member) -> _Planned:
        entry = load_registry().generators.get(member.generator)
        context = self.protocol.task.context
        if entry.spec.min_context > context:
            raise ConfigError(f"it needs {entry.spec.min_context} context frames and protocol {self.protocol.name} gives {context}.")
        if not entry.spec.trainable:
            given = [key for key in ("preset", "options", "budget") if getattr(member, key)]
            if given:
                raise ConfigError(f"{member.generator} is not trained, so it takes no {given[0]}; leave that out.")
            return _Planned(entry, None)
        budget = self.loaded.budgets[member.name]
        options = TrainingOptions(
            protocol=self.protocol,
            preset=member.preset,
            settings=member.settings,
            steps=None if budget is None else budget.steps,
            max_minutes=None if budget is None else budget.minutes,
            device=self.setup.device,
            runs=self.setup.runs,
            seed=0,
        )
        try:
            return _Planned(entry, plan_training(member.generator, options))
        except VgbenchError as error:
            chosen = member.preset or next(iter(presets(entry.config_class())), "none")
            frames, (height, width) = self.protocol.task.frames, self.protocol.video.size
            raise ConfigError(f"{error} (preset {chosen}; protocol {self.protocol.name}, {frames} frames of {height}×{width})") from error

    def _key(self, job: Job) -> str:
        """A hash over what decides a job: failures of another do not count."""
        planned = self._planned(job.member)
        training = None if isinstance(planned, str) or planned.training is None else training_content(planned.training.record())
        content = json.dumps([job.name, training, self.protocol.compared(), self.metrics], sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def record(self, standings: Sequence[Standing]) -> dict[str, Any]:
        """The plan as JSON has it."""
        seconds, unknown = expected(standings)
        return {
            "suite": self.loaded.suite.name,
            "protocol": {"id": self.protocol_id, "name": self.protocol.name},
            "metrics": self.metrics,
            "jobs": [self._job_record(standing) for standing in standings],
            "seconds": seconds,
            "jobs_of_unknown_length": unknown,
        }

    def _job_record(self, standing: Standing) -> dict[str, Any]:
        job = standing.job
        budget = self.loaded.budgets[job.member.name]
        return {
            "job": job.name,
            "member": job.member.name,
            "seed": job.seed,
            "generator": job.member.generator,
            "preset": job.member.preset,
            "budget": None if budget is None or job.seed is None else {"steps": budget.steps, "minutes": budget.minutes},
            "state": standing.state,
            "reason": standing.reason or None,
            "seconds": standing.seconds,
            "training": None if standing.training is None else str(standing.training.path),
            "evaluation": None if standing.evaluation is None else str(standing.evaluation.path),
            "log": str(self.folder(job).log),
        }


def _seconds(plan: TrainingPlan, runs: Runs, training: TrainRun | None) -> float | None:
    """How long a training takes from here on, by its own budget of minutes, or by how long one of its kind took."""
    budgets = plan.budgets.values()
    if plan.limits_time():
        spent = 0.0 if training is None else sum(float(one) for one in training.record.elapsed.values())
        return max(0.0, sum(budget.seconds or 0.0 for budget in budgets) - spent)
    each = runs.seconds_per_step(plan)
    steps = sum(budget.steps or 0 for budget in budgets) - (0 if training is None else training.record.step)
    return None if each is None else max(0, steps) * each


def plan_suite(path: Path, setup: Setup) -> SuitePlan:
    """The plan of a suite's file.

    ConfigError: see `load_suite`.  UnknownName: a metric or the protocol.
    """
    loaded = load_suite(path)
    return SuitePlan(loaded, as_protocol(_beside(path, loaded.suite.protocol)), setup)


def expected(standings: Sequence[Standing]) -> tuple[float, int]:
    """Seconds of training that are left where that is known, and of how many jobs it is not."""
    left = [standing.seconds for standing in standings if standing.state in ("train", "resume")]
    return sum(seconds for seconds in left if seconds is not None), left.count(None)


def _beside(path: Path, protocol: str) -> str | Path:
    """A protocol's file as the suite names it, from the suite's own folder; a name as it is."""
    file = path.parent / protocol
    return file.resolve() if protocol.endswith(".toml") and file.is_file() else protocol
