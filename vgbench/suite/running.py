"""Running a suite: what is left of it, where it is to be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vgbench.config import CHECKPOINT_EVERY
from vgbench.errors import ConfigError, did_you_mean
from vgbench.suite.jobs import Job
from vgbench.suite.local import cores, do_locally, threads_each
from vgbench.suite.planning import Standing, SuitePlan
from vgbench.suite.worker import Outcome, Worker

ENGINES = ("local",)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of a suite."""

    jobs: Sequence[Job]
    engine: str = "local"
    n_jobs: int = 1
    """How many jobs at a time."""
    retry_failed: bool = False
    checkpoint_every: int = CHECKPOINT_EVERY
    """Training steps; 0: by time."""


def run_suite(plan: SuitePlan, request: Request, say: Callable[[str], None]) -> list[Outcome]:
    """Do what of the jobs is not done, and say what happens; the outcomes of those that were left, failures of earlier runs included.

    ConfigError: there is no such engine.
    """
    if request.engine not in ENGINES:
        raise ConfigError(
            f"--on {request.engine}: there is no such place.{did_you_mean(request.engine, ENGINES)} Known: {', '.join(ENGINES)}."
        )
    standings = plan.standings(request.jobs)
    left = [standing for standing in standings if _is_to_do(standing, request)]
    outcomes = [Outcome(one.job.name, "failed", _reason(one)) for one in standings if one.state != "done" and one not in left]
    for note in _notes(plan, left, request):
        say(note)
    if left:
        worker = Worker(plan, say, environment=threads_each(request.n_jobs), checkpoint_every=request.checkpoint_every)
        outcomes += do_locally([standing.job for standing in left], worker, request.n_jobs)
    return outcomes


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
    at_once = min(request.n_jobs, len(left))
    if by_time and at_once > cores():
        notes.append(
            f"{at_once} jobs at a time on {cores()} cores: minutes are no equal budget then, since what is done in them depends on what "
            "else runs. Give steps, or fewer --jobs."
        )
    return notes
