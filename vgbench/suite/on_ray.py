"""Jobs as tasks of a Ray cluster, whose nodes share the runs folder; what a lost node was at work on goes on on another."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vgbench.errors import ConfigError, RunError
from vgbench.files import write_text, writing
from vgbench.plugins.guard import stdout_to_stderr
from vgbench.suite.jobs import Job
from vgbench.suite.planning import SuitePlan
from vgbench.suite.progress import Watch
from vgbench.suite.sending import Resources, Sent, sent_suite
from vgbench.suite.worker import Outcome

RETRIES = 20
"""How often a task is begun anew whose node or process was lost."""
_CONNECT_SECONDS, _ANSWER_SECONDS, _LOOK_SECONDS = 5.0, 15.0, 1.0


def do_on_ray(
    plan: SuitePlan, jobs: Sequence[Job], address: str | None, resources: Resources, checkpoint_every: int, say: Callable[[str], None]
) -> Iterator[Outcome]:
    """The outcomes of jobs as they end on a cluster; address: None for the one of this machine or $RAY_ADDRESS, else a new one here.

    ConfigError: Ray is not installed.  RunError: no cluster answers, no node has what a job takes, or one does not share the runs folder.
    """
    with connected(address) as ray:
        _check_resources(ray, resources)
        check_shared(ray, plan.setup.runs.absolute())
        sent = sent_suite(plan, resources, checkpoint_every)
        told = ray.remote(_Told).options(num_cpus=0, scheduling_strategy=_here(ray)).remote()
        task = ray.remote(_do).options(num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=RETRIES)
        references = {task.remote(sent, job, told): job for job in jobs}
        yield from _gathered(ray, references, told, Watch(plan, jobs, say), say)


def _gathered(ray: Any, references: dict[Any, Job], told: Any, watch: Watch, say: Callable[[str], None]) -> Iterator[Outcome]:
    """The outcomes as they come, and meanwhile what the tasks tell."""
    waiting = list(references)
    while waiting:
        ready, waiting = ray.wait(waiting, timeout=_LOOK_SECONDS)
        for text in ray.get(told.taken.remote()):
            say(text)
        watch.look()
        for reference in ready:
            try:
                yield ray.get(reference)
            except ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[0]
                yield Outcome(references[reference].name, "failed", f"Ray gave its task up: {reason}")


def _do(sent: Sent, job: Job, told: Any) -> Outcome:
    """One job, on a node."""
    return sent.do(job, told.tell.remote)


class _Told:
    """Collects what tasks tell, until it is asked."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def tell(self, text: str) -> None:
        self._texts.append(text)

    def taken(self) -> list[str]:
        texts, self._texts = self._texts, []
        return texts


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Ray, connected to a cluster.  ConfigError, RunError: see `do_on_ray`."""
    try:
        import ray
    except ImportError as error:
        raise ConfigError("--on ray needs Ray, which is not installed: pip install 'vgbench[ray]'.") from error
    given = address or os.environ.get("RAY_ADDRESS")
    if given not in (None, "auto", "local"):
        _check_answers(str(given))
    try:
        ray.init(address=given, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=None if given else False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RunError(f"--on ray: no cluster can be joined ({reason}). Start one with `ray start --head`, or name its address.") from error
    try:
        with stdout_to_stderr():  # Ray prints there what becomes of its nodes
            yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """RunError: no Ray answers at host:port, or ray://host:port.  Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    way = "Give the address that `ray start --head` printed, HOST:PORT."
    if not host or not port.isdecimal():
        raise ConfigError(f"--on ray={address}: that is no address. {way}")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise RunError(f"--on ray={address}: nothing answers there ({error}). {way}") from error
    if address.startswith("ray://"):
        return
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode:
        raise RunError(f"--on ray={address}: what answers there is no Ray cluster of this version. {way}")


def _check_resources(ray: Any, resources: Resources) -> None:
    """RunError: no node has what a job takes, so that its task would wait for ever."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(node.get("CPU", 0) >= resources.cpus and node.get("GPU", 0) >= resources.gpus for node in nodes):
        found = "; ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes)
        raise RunError(f"A job takes {resources.cpus} CPUs and {resources.gpus:g} GPUs, and the nodes have {found}. Ask for less.")


def check_shared(ray: Any, runs: Path) -> None:
    """RunError: a node does not see in the runs folder what is written to it here; the message names the nodes."""
    with writing(runs):
        runs.mkdir(parents=True, exist_ok=True)
    probe, content = runs / f".probe-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    write_text(probe, content)
    try:
        looks = []
        for node in ray.nodes():
            if node["Alive"]:
                look = ray.remote(_sees).options(num_cpus=0, scheduling_strategy=_on(ray, node["NodeID"]))
                looks.append((node["NodeManagerHostname"], look.remote(probe, content)))
        blind = {name for name, look in looks if not ray.get(look)}
    finally:
        probe.unlink(missing_ok=True)
    if blind:
        raise RunError(
            f"The runs folder {runs} is not the same on {', '.join(sorted(blind))}: a file that was written to it here is not there. Give "
            "--runs a folder that all nodes share."
        )


def _sees(probe: Path, content: str) -> bool:
    """Whether a file is there, as it was written."""
    try:
        return probe.read_text(encoding="utf-8") == content
    except OSError:
        return False


def _on(ray: Any, node: str) -> Any:
    return ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)


def _here(ray: Any) -> Any:
    """On this machine's node: it is lost only together with who asks."""
    return _on(ray, ray.get_runtime_context().get_node_id())
