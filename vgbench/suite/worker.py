"""One job at work: trained and evaluated by the commands that a user would type, each a process of its own."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Literal, NamedTuple

from vgbench.errors import RunError
from vgbench.files import writing
from vgbench.runs.run import TrainRun, lock_run
from vgbench.suite.job_folder import COMMAND, patiently
from vgbench.suite.jobs import Job
from vgbench.suite.planning import Standing, SuitePlan


class Outcome(NamedTuple):
    """How a job ended."""

    job: str
    status: Literal["done", "failed", "interrupted", "submitted"]
    reason: str = ""


class Processes:
    """The commands at work, so that they can be told to end."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = Lock()
        self.are_ending = False
        """Whether no more are started."""

    @contextmanager
    def started(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes] | None]:
        """A command whose output goes to the end of a file; None where no more are started."""
        with writing(log), open(log, "ab") as file:
            file.write(f"{COMMAND}{shlex.join(command[4:])}\n".encode())
            file.flush()
            with self._lock:
                if self.are_ending:
                    process = None
                else:
                    process = subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **environment}
                    )
                    self._running.add(process)
            yield process
        if process is not None:
            self._running.discard(process)

    def end(self) -> None:
        """Start no more, and tell those at work to save what they have and end."""
        with self._lock:
            self.are_ending = True
            for process in self._running:
                process.terminate()


class _Failed(Exception):
    """Why a job cannot go on."""


class _Interrupted(Exception):
    """Its process was told to end; it goes on another time."""


class Worker:
    """Does the jobs of a plan, one at a time for each that calls it."""

    def __init__(
        self, plan: SuitePlan, say: Callable[[str], None], *, environment: Mapping[str, str] | None = None, checkpoint_every: int
    ) -> None:
        """say: told what begins and ends, a line each.  environment: of the commands, beside this process's."""
        self.processes = Processes()
        self._plan, self._say, self._environment, self._checkpoint_every = plan, say, environment or {}, checkpoint_every

    def do(self, job: Job) -> Outcome:
        """Train and evaluate a job as far as it is not done; whatever goes wrong is its outcome."""
        folder = self._plan.folder(job)
        try:
            if self.processes.are_ending:
                raise _Interrupted
            with folder.locked():
                folder.forget_failure()
                try:
                    self._train(job)
                    self._evaluate(job)
                except _Failed as failure:
                    folder.note_failure(str(failure))
                    self._say(f"{job.name}: failed: {failure}")
                    return Outcome(job.name, "failed", str(failure))
        except _Interrupted:
            return Outcome(job.name, "interrupted", "it was interrupted; the same command goes on with it.")
        except RunError as error:
            return Outcome(job.name, "failed", str(error))
        return Outcome(job.name, "done")

    def _train(self, job: Job) -> None:
        """Train the job, or go on with its training, where it is not done."""
        standing = self._standing(job)
        if standing.state not in ("train", "resume"):
            return
        begun = standing.training
        if begun is not None:
            patiently(partial(lock_run, begun.path)).close()
        self._say(f"{job.name}: training" if begun is None else f"{job.name}: resuming its training at step {begun.record.step:,}")
        started, steps = time.monotonic(), ["--checkpoint-every", str(self._checkpoint_every)]
        status = self._run(job, [*(_training(self._plan, job) if begun is None else _resuming(begun)), *_shared(self._plan), *steps])
        ended = self._standing(job)
        if ended.state in ("train", "resume"):
            raise self._ending(job, status, ended.training)
        self._say(f"{job.name}: trained in {time.monotonic() - started:.0f} s")

    def _evaluate(self, job: Job) -> None:
        """Evaluate the job, where that is not done."""
        standing = self._standing(job)
        if standing.state == "done":
            return
        self._say(f"{job.name}: evaluating")
        status = self._run(job, [*_evaluation(self._plan, job, standing.training), *_shared(self._plan)])
        if self._standing(job).state != "done":
            raise self._ending(job, status, None)

    def _standing(self, job: Job) -> Standing:
        """How far the job is.  _Failed: it can never be."""
        standing = self._plan.standing(job, is_mine=True)
        if standing.state == "impossible":
            raise _Failed(standing.reason)
        return standing

    def _run(self, job: Job, arguments: Sequence[str]) -> int:
        """The exit status of a command, or minus the number of the signal that ended it."""
        command = [sys.executable, "-m", "vgbench.suite.child", str(os.getpid()), *arguments]
        with self.processes.started(command, self._plan.folder(job).log, self._environment) as process:
            return -signal.SIGTERM if process is None else process.wait()

    def _ending(self, job: Job, status: int, training: TrainRun | None) -> Exception:
        """Why a command did not do its work, and where there is more to read."""
        if -status in (signal.SIGINT, signal.SIGTERM):
            return _Interrupted()
        folder = self._plan.folder(job)
        kept = f" {training.record.step:,} steps are kept." if training is not None and training.record.step else ""
        if status < 0:
            memory = ", as where memory runs out" if status == -signal.SIGKILL else ""
            why = f"its process was ended by {signal.Signals(-status).name}{memory}."
        else:
            why = folder.last_words() or f"its process ended with status {status}."
        return _Failed(f"{why}{kept} Its output: {folder.log}")


def _shared(plan: SuitePlan) -> list[str]:
    """The options of every command."""
    data = [word for name, root in (plan.setup.data or {}).items() for word in ("--data", f"{name}={root.resolve()}")]
    return [*data, "--device", plan.setup.device, "--runs", str(plan.setup.runs.resolve())]


def _training(plan: SuitePlan, job: Job) -> list[str]:
    member, budget = job.member, plan.loaded.budgets[job.member.name]
    words = ["train", member.generator, "--protocol", str(plan.protocol.typed), "--seed", str(job.seed)]
    words += [] if member.preset is None else ["--preset", member.preset]
    words += [word for setting in member.settings for word in ("--set", setting)]
    if budget is not None:
        words += ["--max-minutes", repr(budget.minutes)] if budget.steps is None else ["--steps", str(budget.steps)]
    return words


def _resuming(run: TrainRun) -> list[str]:
    return ["train", run.record.generator, "--resume", str(run.path.resolve())]


def _evaluation(plan: SuitePlan, job: Job, training: TrainRun | None) -> list[str]:
    row = f"{job.member.name}={job.member.generator}" + ("" if training is None else f"@{training.path.resolve()}")
    words = ["eval", "--generators", row, "--protocol", str(plan.protocol.typed), "--metrics", ",".join(plan.metrics)]
    return words
