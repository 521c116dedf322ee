"""Running a suite: what is left of it, where it is to be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vgbench.config import CHECKPOINT_EVERY
from vgbench.errors import ConfigError, did_you_mean
from vgbench.suite.jobs import Job
from vgbench.suite.local import cores, do_locally, threads_each
from vgbench.suite.on_ray import do_on_ray
from vgbench.suite.on_slurm import submit
from vgbench.suite.planning import Standing, SuitePlan
from vgbench.suite.progress import Watch
from vgbench.suite.sending import Resources
from vgbench.suite.worker import Outcome, Worker

ENGINES = ("local", "ray", "slurm")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of a suite."""

    jobs: Sequence[Job]
    engine: str = "local"
    n_jobs: int | None = None
    """How many jobs at a time; None: on this machine one, in an array job all.  A cluster of Ray takes as many as it has room for."""
    retry_failed: bool = False
    checkpoint_every: int = CHECKPOINT_EVERY
    """Training steps; 0: by time."""
    resources: Resources = field(default_factory=Resources)
    """What a job takes of a cluster."""
    slurm: Mapping[str, Any] = field(default_factory=dict)
    """Further parameters of an array job."""

    @property
    def place(self) -> str:
        """The engine's name."""
        return self.engine.partition("=")[0]

    @property
    def address(self) -> str | None:
        """What stands after it."""
        return self.engine.partition("=")[2] or None


def run_suite(plan: SuitePlan, request: Request, say: Callable[[str], None]) -> list[Outcome]:
    """Do what of the jobs is not done, and say what happens; the outcomes of those that were left, failures of earlier runs included.

    ConfigError: there is no such engine.
    """
    if request.place not in ENGINES or (request.place != "ray" and request.address):
        near = did_you_mean(request.place, ENGINES)
        raise ConfigError(f"--on {request.engine}: there is no such place.{near} Known: local, ray, ray=HOST:PORT, slurm.")
    standings = plan.standings(request.jobs)
    left = [standing for standing in standings if _is_to_do(standing, request)]
    outcomes = [Outcome(one.job.name, "failed", _reason(one)) for one in standings if one.state != "done" and one not in left]
    for note in _notes(plan, left, request):
        say(note)
    return [*outcomes, *_done(plan, [standing.job for standing in left], request, say)] if left else outcomes


def _done(plan: SuitePlan, jobs: Sequence[Job], request: Request, say: Callable[[str], None]) -> Iterator[Outcome]:
    """The outcomes of jobs, wherever they are done."""
    if request.place == "ray":
        return do_on_ray(plan, jobs, request.address, request.resources, request.checkpoint_every, say)
    if request.place == "slurm":
        return _submitted(plan, jobs, request, say)
    n_jobs = request.n_jobs or 1
    worker = Worker(plan, say, environment=threads_each(n_jobs), checkpoint_every=request.checkpoint_every)
    return do_locally(jobs, worker, n_jobs, Watch(plan, jobs, say))


def _submitted(plan: SuitePlan, jobs: Sequence[Job], request: Request, say: Callable[[str], None]) -> Iterator[Outcome]:
    """That jobs were handed to Slurm."""
    array = submit(plan, jobs, request.resources, request.n_jobs or len(jobs), request.checkpoint_every, request.slurm)
    say(f"Submitted {len(jobs)} jobs as array job {array.number}: {array.script}")
    return (Outcome(job.name, "submitted", f"array job {array.number} does it.") for job in jobs)


def _is_to_do(standing: Standing, request: Request) -> bool:
    return standing.state in ("train", "resume", "evaluate") or (standing.state == "failed" and request.retry_failed)


def _reason(standing: Standing) -> str:
    """Why a job that is not done is left alone."""
    if standing.state == "at work":
        return "another process is at work on it."
    return standing.reason + (" (--retry-failed tries again)" if standing.state == "failed" else "")


def _notes(plan: SuitePlan, left: Sequence[Standing], request: Request) -> list[str]:
    """What to say before the work begins."""
    done = len(request.jobs) - len(left)
    notes = [f"{len(left)} of {len(request.jobs)} jobs are to be done."] if done else []
    budgets = [plan.loaded.budgets[standing.job.member.name] for standing in left if standing.job.seed is not None]
    by_time = any(budget is not None and budget.minutes is not None for budget in budgets)
    at_once = min(request.n_jobs or 1, len(left)) if request.place == "local" else 1
    if by_time and at_once > cores():
        notes.append(
            f"{at_once} jobs at a time on {cores()} cores: minutes are no equal budget then, since what is done in them depends on what "
            "else runs. Give steps, or fewer --jobs."
        )
    return notes
