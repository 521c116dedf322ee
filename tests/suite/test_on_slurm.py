"""A suite as an array job: what is submitted, without a cluster, and that an element of it does its job."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vgbench.errors import ConfigError, RunError
from vgbench.suite.planning import Setup, plan_suite
from vgbench.suite.running import Request, run_suite
from vgbench.suite.sending import Resources

pytest.importorskip("submitit", reason="submitit is not installed: pip install 'vgbench[slurm]'")

SBATCH = """#!/bin/sh
cp "$1" submitted.sh
echo Submitted batch job 4711
"""
SRUN = """#!/bin/sh
while case "$1" in --*) true;; *) false;; esac; do
  case "$1" in --output|--error) shift;; esac
  shift
done
exec "$@"
"""


@pytest.fixture
def slurm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs by the names of Slurm's: one keeps what is submitted, the other does at once what it is given."""
    programs = folder / "bin"
    programs.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


@pytest.mark.usefixtures("slurm")
def test_the_array_job_has_an_element_for_each_job_and_what_was_asked_for(write_suite, vgbench):
    path = write_suite()
    options = ("--jobs", 3, "--cpus", 2, "--gpus", 1, "--slurm", "time=90", "--slurm", "partition=gpu")
    ran = vgbench("suite", "run", path, "--on", "slurm", *options)
    assert ran.status == 0
    assert "Submitted 4 jobs as array job 4711: " in ran.err
    assert "4 jobs were submitted and are not in the table yet" in ran.err
    script = Path("submitted.sh").read_text()
    for line in ("array=0-3%3", "cpus-per-task=2", "gpus-per-node=1", "job-name=vgbench-suite", "partition=gpu", "time=90"):
        assert f"#SBATCH --{line}\n" in script
    assert f"-m submitit.core._submit {Path('runs').resolve()}/suites/suite/slurm" in script


@pytest.mark.usefixtures("slurm")
@pytest.mark.slow
def test_an_element_of_the_array_does_its_job(write_suite):
    plan = plan_suite(write_suite(), Setup(device="cpu"))
    outcomes = run_suite(plan, Request(jobs=plan.jobs[:2], engine="slurm"), print)
    assert [(outcome.job, outcome.status, outcome.reason) for outcome in outcomes] == [
        ("copy-first", "submitted", "array job 4711 does it."),
        ("static", "submitted", "array job 4711 does it."),
    ]
    element = {"SLURM_JOB_ID": "4712", "SLURM_ARRAY_JOB_ID": "4711", "SLURM_ARRAY_TASK_ID": "1", "SLURM_NTASKS": "1"}
    element |= {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_NODELIST": "here"}
    subprocess.run(["bash", "submitted.sh"], check=True, env={**os.environ, **element})
    assert [standing.state for standing in plan.standings(plan.jobs[:2])] == ["evaluate", "done"]


@pytest.mark.usefixtures("slurm")
def test_parameters_that_there_are_not_or_that_follow_from_options_are_refused(write_suite):
    plan = plan_suite(write_suite(), Setup())
    for parameters, message in (
        ({"cpus_per_task": 3}, "--slurm cpus_per_task=…: that follows from --cpus"),
        ({"tim": 3}, "--slurm: .*tim"),
    ):
        with pytest.raises(ConfigError, match=message):
            run_suite(plan, Request(jobs=plan.jobs, engine="slurm", slurm=parameters, resources=Resources(cpus=2)), print)


def test_without_slurm_or_submitit_that_is_said(write_suite, monkeypatch):
    plan = plan_suite(write_suite(), Setup())
    with pytest.raises(RunError, match="--on slurm: there is no srun on the path"):
        run_suite(plan, Request(jobs=plan.jobs, engine="slurm"), print)
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(ConfigError, match=r"--on slurm needs submitit, which is not installed: pip install 'vgbench\[slurm\]'."):
        run_suite(plan, Request(jobs=plan.jobs, engine="slurm"), print)
