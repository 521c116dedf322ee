"""One evaluation split over the batches of its clips, which a cluster's nodes score; merged to the bits of one that was not split."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vgbench.config import DEFAULT_BATCH, DEFAULT_METRICS, DEFAULT_PROTOCOL, DEFAULT_RUNS, DEFAULT_WORKERS
from vgbench.errors import VgbenchError
from vgbench.evaluation.evaluate import evaluate
from vgbench.evaluation.evaluation import Part
from vgbench.generation.rows import Row, resolve_rows
from vgbench.plugins.observers import Observer
from vgbench.protocol import Protocol, as_protocol
from vgbench.runs.run import EvalRun
from vgbench.scoring.kept import Kept
from vgbench.suite.on_ray import RETRIES, check_shared, connected


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is evaluated, as `evaluate` takes it."""

    generators: Sequence[str] | None = None
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL
    metrics: Sequence[str] = DEFAULT_METRICS
    data: Mapping[str, Path] | None = None
    limit: int | None = None
    runs: Path = DEFAULT_RUNS
    device: str = "auto"
    batch_size: int = DEFAULT_BATCH
    workers: int = DEFAULT_WORKERS


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """The same as a node gets it: no name depends on where it is looked up."""

    rows: Sequence[str]
    protocol: Protocol
    options: Mapping[str, Any]
    folder: Path
    """In the runs folder, for what the parts keep."""


def evaluate_on_ray(asked: Asked, address: str | None, parts: int | None, observer: Observer) -> EvalRun:
    """`evaluate` with its batches scored by the nodes of a cluster; the run has the same bits, but for the seconds that clips took.

    parts: into how many the batches are split; None: as many as the cluster has CPUs.  What a lost node was at work on is begun anew on
    another, and what no node could score is scored here.

    ConfigError, RunError: see `vgbench.suite.on_ray`.  VgbenchError: see `evaluate`.
    """
    runs, protocol = asked.runs.absolute(), as_protocol(asked.protocol)
    rows = resolve_rows(asked.generators, protocol.limited(asked.limit), asked.runs).rows
    data = {name: root.absolute() for name, root in (asked.data or {}).items()}
    options: dict[str, Any] = {"metrics": list(asked.metrics), "data": data, "limit": asked.limit, "device": asked.device}
    options |= {"batch_size": asked.batch_size, "workers": asked.workers}
    with connected(address) as ray:
        check_shared(ray, runs)
        folder = Path(tempfile.mkdtemp(prefix=".parts-", dir=runs))
        sent = _Sent(rows=[_explicit(row) for row in rows], protocol=protocol, options=options, folder=folder)
        try:
            merged = _merged(ray, sent, parts or max(1, int(ray.cluster_resources().get("CPU", 1))), observer)
            kept = Kept(folder=merged, is_own=True)
            run = evaluate(asked.generators, protocol=asked.protocol, runs=asked.runs, kept=kept, observer=observer, **options)
            for problem in Kept().absorb(merged):
                observer.note(problem)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return run


def _explicit(row: Row) -> str:
    """The row's name, its weights by their file."""
    variant = f":{row.variant}" if row.variant else ""
    origin = f"@{row.choice.checkpoint.absolute()}" if row.choice else ""
    return f"{row.label}={row.entry.full_name}{variant}{origin}"


def _merged(ray: Any, sent: _Sent, parts: int, observer: Observer) -> Path:
    """The folder of what all parts kept."""
    gpus = 1 if ray.cluster_resources().get("GPU") and sent.options["device"] != "cpu" else 0
    task = ray.remote(_do).options(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)
    waiting = {task.remote(sent, Part(number, parts)): number for number in range(1, parts + 1)}
    kept, done = Kept(folder=sent.folder / "merged"), 0
    while waiting:
        for reference in ray.wait(list(waiting))[0]:
            number, done = waiting.pop(reference), done + 1
            try:
                problems = kept.absorb(ray.get(reference))
            except (ray.exceptions.RayError, VgbenchError) as error:
                problems = [str(error).strip().splitlines()[-1]]
            for problem in problems:
                observer.note(f"Part {number} of {parts} is scored here: {problem}")
            observer.advanced("parts", done, parts)
    return kept.folder


def _do(sent: _Sent, part: Part) -> Path:
    """Score a part, on a node; the folder of what it kept."""
    place = sent.folder / f"part-{part.number}"
    # SQLite wants a disk of its own; the files are moved to the shared folder when they are whole.
    with tempfile.TemporaryDirectory(prefix="vgbench-part-") as own:
        runs, kept = Path(own) / "runs", Kept(folder=Path(own) / "kept")
        evaluate(sent.rows, protocol=sent.protocol, runs=runs, kept=kept, part=part, observer=Observer(), **sent.options)
        _moved(kept.folder, place)
    return place


def _moved(kept: Path, place: Path) -> None:
    """Put a folder in its place, in that of one that an earlier attempt left."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(kept, place)
