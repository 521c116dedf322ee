"""A suite is trained and scored to one table: what is done stays done, kills cost nothing but time, failures cost their member."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vgbench.errors import ConfigError
from vgbench.runs.run import EvalRun, TrainRun, find_runs
from vgbench.suite.jobs import selected
from vgbench.suite.local import cores, threads_each
from vgbench.suite.planning import Setup, plan_suite
from vgbench.suite.running import Request, run_suite
from vgbench.suite.worker import Outcome
from vgbench.training.train import train

RUN = [sys.executable, "-m", "vgbench", "suite", "run", "suite.toml", "--json", "--checkpoint-every", "2", "--device", "cpu"]


def table(text: str) -> list[dict[str, Any]]:
    """What must not depend on how a suite came to its end: all but the wall time."""
    return [{key: value for key, value in row.items() if key != "seconds_per_clip"} for row in json.loads(text)["rows"]]


def start(folder: str, *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "VGBENCH_CACHE": str(Path(folder).resolve() / "cache")}
    return subprocess.Popen(
        [*RUN, "--runs", folder, *more], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def finished(folder: str, *more: str) -> str:
    out, err = (process := start(folder, *more)).communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def kill_when(folder: str, happened: Any) -> None:
    """Start the suite, and kill the process that runs it, and none else, once something has happened."""
    process = start(folder)
    until = time.monotonic() + 120
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    process.kill()
    process.communicate()


def has_checkpoint(folder: str, number: int = 1) -> bool:
    return len(list(Path(folder).glob("*-train-*/checkpoints/step-*.pt"))) >= number


@pytest.mark.slow
def test_a_suite_killed_twice_ends_with_the_same_table(write_suite):
    write_suite()
    expected = table(finished("whole"))
    assert [(row["member"], row["n_seeds"]) for row in expected[::2]] == [("copy-first", 0), ("mdgan", 2), ("static", 0)]
    kill_when("killed", lambda: has_checkpoint("killed"))
    kill_when("killed", lambda: any(one.record.status == "done" for one in find_runs(Path("killed"), TrainRun)))
    assert table(finished("killed")) == expected
    assert len(find_runs(Path("killed"), TrainRun)) == 2
    assert {run.record.seed: run.record.step for run in find_runs(Path("killed"), TrainRun)} == {0: 8, 1: 8}
    before = sorted(path.name for path in Path("killed").iterdir())
    assert table(finished("killed")) == expected
    assert sorted(path.name for path in Path("killed").iterdir()) == before


def test_a_suite_of_what_needs_no_training_killed_at_once_ends_with_the_same_table(write_suite):
    write_suite('[[members]]\ngenerator = "mdgan"\npreset = "tiny"\n\n', "")
    kill_when("runs", lambda: any(Path("runs").glob("suites/suite/*/output.log")))
    rows = table(finished("runs", "--jobs", "2"))
    assert [(row["member"], row["metric"]) for row in rows] == [
        (member, metric) for member in ("copy-first", "static") for metric in ("mse@mean", "ssim@wang")
    ]
    assert all((row["n_seeds"], row["sd_over_seeds"], list(row["by_seed"])) == (0, None, [""]) for row in rows)
    assert all(row["ci_low_over_clips"] < row["mean_over_seeds"] < row["ci_high_over_clips"] for row in rows)


def outcomes(path: Path, select: str | None = None, **request: Any) -> tuple[list[Outcome], list[str]]:
    plan, said = plan_suite(path, Setup(device="cpu")), list[str]()
    return run_suite(plan, Request(jobs=selected(plan.jobs, select), **request), said.append), said


@pytest.mark.slow
def test_a_member_that_fails_is_named_with_its_reason_and_is_tried_again_when_told(write_suite, vgbench):
    path = write_suite('preset = "tiny"', 'preset = "tiny"\noptions = { batch_size = 64 }', "[0, 1]", "[0]")
    ran = vgbench("suite", "run", path, "--json", "--device", "cpu")
    assert ran.status == 1
    assert {row["member"] for row in ran.json()["rows"]} == {"copy-first", "static"}
    why = "The training split gives 12 clips and a batch takes 64"
    assert why in ran.json()["missing"]["mdgan/0"]
    assert f"Error: mdgan/0 is not in the table: {why}" in ran.err
    assert "Its output: runs/suites/suite/mdgan/0/output.log" in ran.err
    log = Path("runs/suites/suite/mdgan/0/output.log")
    before = log.read_text()
    assert before.startswith("$ vgbench train mdgan --protocol ")
    again, said = outcomes(path)
    assert [(outcome.job, outcome.status) for outcome in again] == [("mdgan/0", "failed")]
    assert "(--retry-failed tries again)" in again[0].reason
    assert said == ["0 of 3 jobs are to be done."]
    assert log.read_text() == before
    assert vgbench("suite", "status", path).status == 1
    retried, said = outcomes(path, retry_failed=True)
    assert retried[0].status == "failed"
    assert said[1:2] == ["mdgan/0: training"]
    assert len(log.read_text()) > len(before)
    mended = write_suite('preset = "tiny"', 'preset = "tiny"\noptions = { batch_size = 12 }', "[0, 1]", "[0]")
    assert plan_suite(mended, Setup(device="cpu")).standings()[2].state == "train"


KILLED = """
import os, signal
from vgbench import Generator, GeneratorSpec, hookimpl

class Killed(Generator):
    def generate(self, request):
        os.kill(os.getpid(), signal.SIGKILL)

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="killed", summary="-", target=f"{__name__}:Killed")]
"""


def test_a_process_that_is_killed_costs_its_member_alone(write_suite, install_plugin, tmp_path, monkeypatch):
    install_plugin("killed", KILLED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    path = write_suite('"noise"', '"killed"')
    done, said = outcomes(path, "static,copy-first")
    assert [(outcome.job, outcome.status) for outcome in done] == [("copy-first", "done"), ("static", "failed")]
    assert done[1].reason == ("its process was ended by SIGKILL, as where memory runs out. Its output: runs/suites/suite/static/output.log")
    assert said == ["copy-first: evaluating", "static: evaluating", f"static: failed: {done[1].reason}"]
    assert len(find_runs(Path("runs"), EvalRun)) == 2


def test_a_job_that_somebody_is_at_work_on_is_left_to_them(write_suite):
    plan = plan_suite(write_suite(), Setup())
    with plan.folder(plan.jobs[0]).locked():
        assert plan.standings()[0].state == "at work"
        assert run_suite(plan, Request(jobs=plan.jobs[:1]), print) == [Outcome("copy-first", "failed", "another process is at work on it.")]


def test_a_metric_without_a_column_is_said_and_the_row_counts_as_done(write_suite, vgbench, tiny):
    tiny.write_text(tiny.read_text().replace("[32, 32]", "[16, 16]"))
    path = write_suite('"ssim"', '"vmaf"', '[[members]]\ngenerator = "mdgan"\npreset = "tiny"\n\n', "")
    ran = vgbench("suite", "run", path, "--select", "static", "--json")
    assert ran.status == 1
    assert [row["metric"] for row in ran.json()["rows"]] == ["mse@mean"]
    assert "Error: vmaf has no column: " in ran.err
    assert "copy-first was not asked for, and is not in the table: it is to be evaluated." in ran.err


def test_threads_are_divided_among_jobs(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads_each(1) == {}
    assert threads_each(1000)["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert threads_each(3) == {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"}


def test_minutes_side_by_side_on_too_few_cores_are_said_to_be_unequal(write_suite):
    plan, said = plan_suite(write_suite("steps = 8", "minutes = 0.001"), Setup(device="cpu")), list[str]()
    many = [job for job in plan.jobs if job.seed is not None] * cores()
    with pytest.raises(RuntimeError, match="stop here"):
        run_suite(plan, Request(jobs=many, n_jobs=cores() + 1), lambda text: _stop(said, text))
    assert said[-1].startswith(f"{cores() + 1} jobs at a time on {cores()} cores: minutes are no equal budget then")


def _stop(said: list[str], text: str) -> None:
    said.append(text)
    if "equal budget" in text:
        raise RuntimeError("stop here")


def test_a_place_that_there_is_not_is_refused(write_suite):
    with pytest.raises(ConfigError, match=r"--on locl: there is no such place. Did you mean local\?"):
        run_suite(plan_suite(write_suite(), Setup()), Request(jobs=[], engine="locl"), pytest.fail)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_suite_that_is_interrupted_saves_and_goes_on(write_suite, number):
    write_suite("steps = 8", "steps = 4000", "[0, 1]", "[0]")
    process = start("runs", "--select", "mdgan")
    while not has_checkpoint("runs"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "Interrupted. The same command goes on." in err
    (run,) = find_runs(Path("runs"), TrainRun)
    assert run.record.status == "interrupted"
    (standing,) = plan_suite(Path("suite.toml"), Setup(device="cpu")).standings([selected_job()])
    assert standing.state == "resume"


def selected_job() -> Any:
    plan = plan_suite(Path("suite.toml"), Setup(device="cpu"))
    return selected(plan.jobs, "mdgan")[0]


@pytest.mark.slow
def test_a_new_seed_trains_that_seed_alone_and_the_table_has_both(write_suite, vgbench):
    train("mdgan", protocol="tiny.toml", preset="tiny", steps=8, seed=0, device="cpu")
    path = write_suite()
    ran = vgbench("suite", "run", path, "--select", "mdgan", "--device", "cpu", "-o", "table.md")
    assert ran.status == 0
    assert [line for line in ran.err.splitlines() if line.endswith("training")] == ["mdgan/1: training"]
    text = Path("table.md").read_text()
    assert "| member | seeds | mse@mean ↓ | sd over seeds | 95 % over clips |" in text
    assert "| mdgan | 2 |" in text
    assert "sd over seeds: the sample standard deviation between trainings that differ in their seed alone" in text
    assert "- static is missing: it is to be evaluated." in text
