"""A suite on a cluster of two nodes: the same table as on one machine, also where a node is lost in the middle."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from vgbench.errors import ConfigError, RunError
from vgbench.runs.run import TrainRun, find_runs
from vgbench.suite.on_ray import connected, do_on_ray
from vgbench.suite.planning import Setup, plan_suite
from vgbench.suite.running import Request, run_suite
from vgbench.suite.sending import Resources

from .test_running import RUN, table

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install 'vgbench[ray]'")


def start(*more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*RUN, *more], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def steps_kept(folder: str) -> list[int]:
    """Of each training the newest checkpoint's step."""
    found = [re.findall(r"step-(\d+)", " ".join(map(str, path.glob("checkpoints/*.pt")))) for path in Path(folder).glob("*-train-*")]
    return [max(map(int, steps), default=0) for steps in found]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_node_lost_in_the_middle_costs_nothing_but_time(write_suite, cluster):
    write_suite("steps = 8", "steps = 120")
    process = start("--runs", "clustered", "--on", f"ray={cluster.address}")
    until = time.monotonic() + 300
    while len(steps_kept("clustered")) < 2 or min(steps_kept("clustered")) < 4:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    cluster.remove_node(cluster.second, allow_graceful=False)
    assert max(steps_kept("clustered")) < 120
    out, err = process.communicate(timeout=400)
    assert process.returncode == 0, err
    assert re.search(r"mdgan/\d: resuming its training at step \d+ \(on ", err)
    runs = find_runs(Path("clustered"), TrainRun)
    assert sorted((run.record.seed, run.record.step, run.record.status) for run in runs) == [(0, 120, "done"), (1, 120, "done")]
    alone, err = (process := start("--runs", "alone")).communicate(timeout=400)
    assert process.returncode == 0, err
    assert table(out) == table(alone)
    assert not list(Path("clustered").glob(".probe*"))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_a_cluster_lacks_is_said_before_any_work(write_suite, cluster, monkeypatch):
    plan = plan_suite(write_suite(), Setup())
    job = plan.jobs[:1]
    with pytest.raises(
        RunError, match=r"A job takes 2 CPUs and 0 GPUs, and the nodes have 1 CPUs and 0 GPUs; 1 CPUs and 0 GPUs. Ask for less."
    ):
        list(do_on_ray(plan, job, cluster.address, Resources(cpus=2), 0, print))
    here = os.open(".", os.O_RDONLY)  # a folder that other processes do not find by this path
    elsewhere = plan_suite(Path("suite.toml"), Setup(runs=Path(f"/proc/self/fd/{here}/runs")))
    with pytest.raises(
        RunError, match=r"The runs folder /proc/self/fd/\d+/runs is not the same on .*: a file that was written to it here is"
    ):
        list(do_on_ray(elsewhere, job, cluster.address, Resources(), 0, print))
    os.close(here)
    said: list[str] = []
    outcomes = run_suite(plan, Request(jobs=job, engine=f"ray={cluster.address}"), said.append)
    assert [(outcome.job, outcome.status) for outcome in outcomes] == [("copy-first", "done")]
    assert said[0] == f"copy-first: evaluating (on {socket.gethostname()})"


@needs_ray
def test_an_address_where_no_cluster_answers_is_said_at_once():
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with pytest.raises(RunError, match=rf"--on ray=127.0.0.1:{port}: nothing answers there \(.*refused\). Give the address that"):
            connected(f"127.0.0.1:{port}").__enter__()
    with pytest.raises(
        ConfigError, match="--on ray=nowhere: that is no address. Give the address that `ray start --head` printed, HOST:PORT."
    ):
        connected("nowhere").__enter__()


@needs_ray
@pytest.mark.slow
def test_what_answers_and_is_no_cluster_is_told_from_one():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(RunError, match=f"--on ray={address}: what answers there is no Ray cluster of this version."):
            connected(address).__enter__()


def test_without_ray_the_extra_is_named(write_suite, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    plan = plan_suite(write_suite(), Setup())
    with pytest.raises(ConfigError, match=r"--on ray needs Ray, which is not installed: pip install 'vgbench\[ray\]'."):
        run_suite(plan, Request(jobs=plan.jobs, engine="ray"), print)
