"""Ctrl-C ends a command by its signal, after what was to be saved is saved, and never with a traceback."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vgbench.runs.run import Run, find_runs

VGBENCH = [sys.executable, "-m", "vgbench"]
STARTED = 0.15
"""Seconds within which Python itself starts: what it says then is not ours."""


def interrupted(command: list[str], seconds: float, number: int = signal.SIGINT) -> subprocess.CompletedProcess[str]:
    """A command that gets a signal after so long, if it has not ended by then."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    if process.poll() is None:
        process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.slow
def test_at_any_moment_it_dies_of_the_signal_and_leaves_whole_files(tiny):
    rng = random.Random(0)
    commands = [
        [*VGBENCH, "eval", "--protocol", str(tiny), "--generators", "noise,train-mean", "--metrics", "mse,ssim,motion-ratio"],
        [*VGBENCH, "train", "mdgan", "--protocol", str(tiny), "--preset", "tiny", "--steps", "400", "--seed", "0", "--device", "cpu"],
        [*VGBENCH, "list", "metrics"],
    ]
    ended = []
    for turn in range(9):
        done = interrupted(commands[turn % 3], rng.uniform(STARTED, 3))
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, -signal.SIGINT), done.stderr
        ended.append(done.returncode)
    assert -signal.SIGINT in ended
    for run in find_runs(Path("runs"), Run):
        assert run.record.status in ("done", "interrupted", "running")  # running: as it had just been begun


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no shell")
def test_a_shells_loop_over_seeds_stops(tiny):
    train = f"{' '.join(VGBENCH)} train mdgan --protocol {tiny} --preset tiny --steps 4000 --device cpu"
    line = f"for seed in 0 1 2; do {train} --seed $seed; done"
    process = subprocess.Popen(["bash", "-c", line], start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not any(Path("runs").glob("*/log.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    (run,) = find_runs(Path("runs"), Run)
    assert run.record.status == "interrupted"


@pytest.mark.slow
def test_a_termination_is_passed_on_as_well(tiny):
    command = [*VGBENCH, "train", "mdgan", "--protocol", str(tiny), "--preset", "tiny", "--steps", "4000", "--seed", "0", "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not any(Path("runs").glob("*/log.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM, err
    assert "Interrupted after" in out
    assert "Resume with: vgbench train mdgan --resume" in err


def test_within_a_process_an_interruption_is_a_status(vgbench, tiny, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("vgbench.evaluation.evaluate.evaluate", stop)
    ran = vgbench("eval", "--protocol", tiny)
    assert ran.status == 130
    assert "Interrupted. Resume with the same command and --resume latest." in ran.err
