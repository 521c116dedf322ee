"""How well many workers do the jobs of a suite side by side, and what the store of scores that they share costs.

A job sleeps, as one that waits for its GPU does, and then keeps real scores in the store as an evaluation does, batch by batch: those of
a baseline on the default protocol's test clips, each job's under an identity of its own.  Efficiency is the time that a job sleeps, times
the jobs of a worker, over the time that all of them took.  Afterwards every score is read back: none may be missing or another's.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from vgbench.runs.scores import read_scores
from vgbench.scoring.score_store import KeptClip, KeptScore, ScoreStore

WORKERS = (1, 2, 4, 8, 16, 32, 64)
BATCH = 8
_WARM_SECONDS = 2.0


class Line(NamedTuple):
    """What an evaluation found of a clip."""

    clip_id: str
    seconds: float
    perfect: int
    scores: dict[str, list[float]]


@dataclass(frozen=True)
class Work:
    """What each job does."""

    store: Path | None
    """None: it only sleeps."""
    seconds: float
    lines: Sequence[Line]

    def do(self, job: int) -> float:
        """Sleep, and keep the scores; the seconds that keeping them took."""
        time.sleep(self.seconds)
        begun = time.perf_counter()
        if self.store is not None:
            with closing(ScoreStore(self.store)) as store:
                for start in range(0, len(self.lines), BATCH):
                    store.keep(*kept(job, self.lines[start : start + BATCH]))
                assert not store.problem, store.problem
        return time.perf_counter() - begun


def pixels_of(job: int, clip_id: str) -> bytes:
    """Stands for the hash of a clip's frames: no two jobs make the same."""
    return f"{job} {clip_id}".encode().ljust(32)[-32:]


def kept(job: int, lines: Sequence[Line]) -> tuple[list[KeptClip], list[KeptScore]]:
    """The entries of a batch."""
    clips = [KeptClip(f"row {job}", line.clip_id, 0, pixels_of(job, line.clip_id), line.seconds, line.perfect) for line in lines]
    scores = [
        KeptScore(metric, pixels_of(job, line.clip_id), bytes(32), values) for line in lines for metric, values in line.scores.items()
    ]
    return clips, scores


def real_lines(limit: int) -> list[Line]:
    """The scores of a baseline."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "vgbench",
            "eval",
            "--generators",
            "noise",
            "--limit",
            str(limit),
            "--runs",
            "runs",
            "--fresh",
            "-q",
        ]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, env={**os.environ, "VGBENCH_CACHE": folder})
        (run,) = Path(folder, "runs").iterdir()
        found = list(read_scores(run))
    scores = [{name: list(values) for name, values in line.scores.items()} for line in found]
    return [Line(line.clip_id, line.seconds or 0.0, line.perfect, own) for line, own in zip(found, scores, strict=True)]


Map = Callable[[Callable[[int], float], Sequence[int]], list[float]]


@contextmanager
def processes(workers: int) -> Iterator[Map]:
    """Workers that are processes of this machine."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        pool.map(_begin, range(workers), chunksize=1)
        yield lambda do, jobs: pool.map(do, jobs, chunksize=1)


def _begin(_: int) -> None:
    """Lets a process start before the clock does."""
    time.sleep(0.5)


@contextmanager
def on_ray(workers: int) -> Iterator[Map]:
    """Workers that are a Ray node's."""
    import ray

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)

    def mapped(do: Callable[[int], float], jobs: Sequence[int]) -> list[float]:
        shared = ray.put(do)
        task = ray.remote(_called).options(num_cpus=1)
        return list(ray.get([task.remote(shared, job) for job in jobs]))

    try:
        with redirect_stdout(sys.stderr):  # Ray prints what it thinks of so many workers
            while True:
                begun = time.perf_counter()
                mapped(_warm, range(workers))
                if time.perf_counter() - begun < 1.5 * _WARM_SECONDS:
                    break
            yield mapped
    finally:
        ray.shutdown()


def _called(do: Callable[[int], float], job: int) -> float:
    return do(job)


def _warm(_: int) -> float:
    """Keeps a process busy, so that as many are started as there are to be."""
    time.sleep(_WARM_SECONDS)
    return 0.0


def check(store: Path, jobs: Sequence[int], lines: Sequence[Line]) -> None:
    """Every score of every job is there, and as it was."""
    with closing(ScoreStore(store)) as opened:
        for job in jobs:
            clips, scores = kept(job, lines)
            assert all(opened.clip(clip.made, clip.clip_id, 0) == clip for clip in clips), job
            assert all(opened.score(*score[:3]) == score.values for score in scores), job


def measured(map_: Map, work: Work, jobs: Sequence[int]) -> tuple[float, list[float]]:
    """Seconds that all jobs took, and how long each was at the store."""
    begun = time.perf_counter()
    in_store = map_(work.do, jobs)
    return time.perf_counter() - begun, in_store


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="that a job sleeps")
    parser.add_argument("--each", type=int, default=3, help="jobs of a worker")
    parser.add_argument("--clips", type=int, default=64, help="of a job")
    parser.add_argument("--workers", type=int, nargs="*", default=WORKERS)
    parser.add_argument("--on", choices=("processes", "ray"), default="processes")
    given = parser.parse_args()
    engine: dict[str, Any] = {"processes": processes, "ray": on_ray}
    lines = real_lines(given.clips)
    n_scores = len(lines) * len(lines[0].scores)
    print(
        f"{given.each} jobs a worker, {given.seconds:g} s of sleep and {n_scores} scores of {len(lines)} clips each; workers: {given.on}.\n"
    )
    print("| workers | jobs | efficiency | without the store | at the store, s a job | slowest | scores/s kept |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for workers in given.workers:
        jobs = range(workers * given.each)
        ideal = given.seconds * given.each
        with tempfile.TemporaryDirectory() as folder, engine[given.on](workers) as map_:
            work = partial(Work, seconds=given.seconds, lines=lines)
            store = Path(folder) / "scores.sqlite"
            alone, _ = measured(map_, work(None), jobs)
            taken, in_store = measured(map_, work(store), jobs)
            check(store, jobs, lines)
        cells = [f"{ideal / taken:.3f}", f"{ideal / alone:.3f}", f"{mean(in_store):.3f}", f"{max(in_store):.3f}"]
        print(f"| {workers} | {len(jobs)} | {' | '.join(cells)} | {n_scores * len(jobs) / taken:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
