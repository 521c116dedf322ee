"""What another machine needs to know of a suite to do a job of it; the runs folder is shared, and so are data under the same paths."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vgbench.files import write_text, writing
from vgbench.protocol import Protocol, protocol_table
from vgbench.suite.jobs import Job
from vgbench.suite.planning import Setup, SuitePlan
from vgbench.suite.suite import LoadedSuite
from vgbench.suite.worker import Outcome, Worker


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What each job takes of a machine."""

    cpus: int = 1
    """And so many threads."""
    gpus: float = 0.0
    """A fraction where jobs share one."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A suite as another machine gets it."""

    loaded: LoadedSuite
    protocol: Protocol
    setup: Setup
    threads: int
    checkpoint_every: int

    def do(self, job: Job, say: Callable[[str], None] = print) -> Outcome:
        """Do a job there; what is said names the machine."""
        worker = Worker(
            SuitePlan(self.loaded, self.protocol, self.setup),
            lambda text: say(f"{text} (on {socket.gethostname()})"),
            environment=_environment(self.threads),
            checkpoint_every=self.checkpoint_every,
        )
        return worker.do(job)


def _environment(threads: int) -> Mapping[str, str]:
    return {"OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)}


def sent_suite(plan: SuitePlan, resources: Resources, checkpoint_every: int) -> Sent:
    """The suite, with its paths made absolute, and a protocol of a file put into the runs folder.  RunError: that cannot be written."""
    data = {name: root.absolute() for name, root in (plan.setup.data or {}).items()}
    setup = replace(plan.setup, runs=plan.setup.runs.absolute(), data=data)
    protocol = _shared_protocol(plan, setup.runs)
    return Sent(loaded=plan.loaded, protocol=protocol, setup=setup, threads=resources.cpus, checkpoint_every=checkpoint_every)


def _shared_protocol(plan: SuitePlan, runs: Path) -> Protocol:
    """The protocol as other machines find it."""
    if not plan.protocol.origin.endswith(".toml"):
        return plan.protocol
    import tomli_w

    file = runs / "suites" / plan.loaded.suite.name / "protocol.toml"
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, tomli_w.dumps(protocol_table(plan.protocol)))
    return replace(plan.protocol, origin=str(file))
