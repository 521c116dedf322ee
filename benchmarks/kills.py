"""Kill trainings, evaluations and preparations at random moments, go on with them, and compare what they end with.

    python benchmarks/kills.py [--kills 30] [--seed 0]

Of each kind, runs are begun, killed by SIGKILL after a random time, resumed, killed again, and at last left to end, until so many kills
were done. What each ends with is compared, bit by bit, with what a run that nobody killed ends with: the weights, the scores of every
clip, the packed frames. Exit status 1 where one differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from vgbench.runs.checkpoints import load_checkpoint
from vgbench.runs.run import EvalRun, TrainRun, find_runs
from vgbench.runs.scores import read_scores

PROTOCOL = """
summary = "8 frames of 32×32"
[data]
dataset = "synthetic-sky"
config = { train_sources = 12, validation_sources = 2, test_sources = 12, frames = 16 }
[train]
split = "train"
length = 8
stride = 8
[test]
split = "test"
length = 8
stride = 8
[video]
size = [32, 32]
[task]
frames = 8
score_from = 1
"""


class Job(NamedTuple):
    """Something that can be killed and gone on with."""

    name: str
    begin: list[str]
    resume: list[str]
    """What goes on with the newest run; empty: `begin` itself."""
    result: Callable[[Path], str]
    """A digest of what is in a folder in which it has ended."""


def of_training(folder: Path) -> str:
    """The weights and the optimizers' state of the last checkpoint."""
    (run,) = find_runs(folder / "runs", TrainRun)
    checkpoint = load_checkpoint(run.path / str(run.record.checkpoints["refine"]))
    digest = hashlib.sha256()
    _take_in(digest, {"generator": checkpoint.generator_state, "stage": checkpoint.stage_state, "step": checkpoint.step})
    return digest.hexdigest()


def _take_in(digest: hashlib._Hash, state: object) -> None:
    if isinstance(state, dict):
        for key in sorted(state, key=str):
            digest.update(str(key).encode())
            _take_in(digest, state[key])
    elif isinstance(state, (list, tuple)):
        for one in state:
            _take_in(digest, one)
    else:
        digest.update(state.numpy().tobytes() if hasattr(state, "numpy") else repr(state).encode())


def of_evaluation(folder: Path) -> str:
    """Every clip's scores."""
    (run,) = find_runs(folder / "runs", EvalRun)
    lines = sorted(json.dumps((line.generator, line.clip_id, line.sample, line.scores)) for line in read_scores(run.path))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def of_preparation(folder: Path) -> str:
    """The packs, but for when they were made."""
    packs = sorted(path for path in (folder / "cache" / "packed").rglob("*") if path.is_file() and path.suffix != ".json")
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in packs)).hexdigest()


_OPTIONS = ["--protocol", "protocol.toml"]
JOBS = (
    Job(
        "training",
        ["train", "mdgan", *_OPTIONS, "--preset", "tiny", "--steps", "40", "--seed", "0", "--checkpoint-every", "2", "--device", "cpu"],
        ["train", "mdgan", "--resume", "latest"],
        of_training,
    ),
    Job(
        "evaluation",
        [
            "eval",
            *_OPTIONS,
            "--generators",
            "copy-first,noise,train-mean",
            "--metrics",
            "mse,ssim,motion-ratio",
            "--batch-size",
            "1",
            "--fresh",
        ],
        ["--resume", "latest"],
        of_evaluation,
    ),
    Job("preparation", ["data", "prepare", *_OPTIONS, "--no-check"], [], of_preparation),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=30, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    print("| what | kills | ended | with the same bits |\n| --- | ---: | ---: | ---: |")
    is_right = True
    for job in JOBS:
        expected, seconds = _undisturbed(job)
        kills = ended = same = 0
        while kills < given.kills:
            done, result = _disturbed(job, seconds, min(given.kills - kills, rng.randint(1, 5)), rng)
            kills, ended, same = kills + done, ended + 1, same + (result == expected)
        print(f"| {job.name} | {kills} | {ended} | {same} |", flush=True)
        is_right = is_right and ended == same
    sys.exit(not is_right)


def _undisturbed(job: Job) -> tuple[str, float]:
    """What it ends with, and how long it takes."""
    with tempfile.TemporaryDirectory() as name:
        started = time.monotonic()
        _begin(job.begin, Path(name)).wait()
        return job.result(Path(name)), time.monotonic() - started


def _disturbed(job: Job, seconds: float, kills: int, rng: random.Random) -> tuple[int, str]:
    """How often it was killed, and what it ended with."""
    with tempfile.TemporaryDirectory() as name:
        folder, done, command = Path(name), 0, job.begin
        while True:
            process = _begin(command, folder)
            if done < kills:
                try:
                    process.wait(rng.uniform(0.1, 1.0) * seconds)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    done += 1
            if process.wait() == 0 or b"is done; there is nothing to resume" in (folder / "stderr").read_bytes():
                return done, job.result(folder)
            if process.returncode != -signal.SIGKILL:
                raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {(folder / 'stderr').read_text()[-800:]}")
            begun = any((folder / "runs").glob("*/run.json"))
            command = (job.begin + job.resume if job.name == "evaluation" else job.resume) if job.resume and begun else job.begin


def _begin(arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    (folder / "protocol.toml").write_text(PROTOCOL)
    environment = os.environ | {"VGBENCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    with open(folder / "stderr", "wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "vgbench", *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )


if __name__ == "__main__":
    main()
