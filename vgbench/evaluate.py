"""Evaluating: every row of a table on every test clip of a protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from vgbench.contestant import Contestant, build, fit, learns_by_fitting
from vgbench.errors import ConfigError, RunError, VgbenchError
from vgbench.feature_store import REAL, Owner
from vgbench.honesty import recall
from vgbench.host import choose_device
from vgbench.loader import read_ahead, stacked
from vgbench.measure import Scorer, choose_metrics
from vgbench.observer import Observer
from vgbench.plugins import load_plugins
from vgbench.protocol import DEFAULT_PROTOCOL, Protocol, differing_keys, load_protocol
from vgbench.registry import Entry
from vgbench.rows import Row, resolve_rows
from vgbench.runs import DEFAULT_RUNS, Run, closing_run, create_run, locate_run
from vgbench.set_scorer import SetFeatures, SetScorer
from vgbench.specs import MetricSpec
from vgbench.store import ClipScores, ScoreWriter, read_scores
from vgbench.windows import Clip, ProtocolData

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DEFAULT_METRICS = ("mse", "psnr", "ssim")
DEFAULT_BATCH = 8
DEFAULT_WORKERS = 2


def evaluate(
    generators: Sequence[str] | None = None,
    *,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    metrics: Sequence[str] = DEFAULT_METRICS,
    data: Mapping[str, Path] | None = None,
    limit: int | None = None,
    runs: Path = DEFAULT_RUNS,
    device: str = "auto",
    batch_size: int = DEFAULT_BATCH,
    workers: int = DEFAULT_WORKERS,
    resume: str | None = None,
    observer: Observer | None = None,
) -> Run:
    """Score generators on a protocol's test clips; returns the run, whose leaderboard `build_leaderboard([run])` gives.

    generators: rows, `[label=]generator[:variant][@RUN-or-file]`; None: everything installed that fits.
    limit: only the first so many clips, under another protocol id.  resume: an interrupted run to finish, or "latest".

    A generator that fails costs only its own row: the others are scored, and the failure stands in `run.record["failures"]`.

    VgbenchError: a name, the data or the run folder; if every generator fails, the first failure.
    """
    observer = observer or Observer()
    entries = choose_metrics(metrics)
    chosen = (protocol if isinstance(protocol, Protocol) else load_protocol(protocol)).limited(limit)
    check_counts(batch_size=batch_size)
    runs = Path(runs)
    resolution = resolve_rows(generators, chosen, runs)
    torch_device = choose_device(device)
    opened = ProtocolData(chosen, data or {})
    clips = opened.clips("test")
    identity = {"id": opened.protocol_id, "name": chosen.name, **chosen.compared(), "fingerprint": opened.fingerprint}
    scorers = make_scorers(entries)
    run = _open_run(resume, runs, identity, entries, resolution.rows, opened)
    evaluation = _Evaluation(opened, clips, scorers, torch_device, batch_size, workers, run, observer)
    run.record |= {"device": str(torch_device), "batch_size": batch_size, "weights": scorers.clips.weights()}
    observer.run_started(run)
    with closing_run(run):
        for note in [*_subset_note(chosen), *resolution.notes, *recall(opened)]:
            run.warn(note)
            observer.note(note)
        evaluation.score(resolution.rows)
    return run


def _subset_note(protocol: Protocol) -> list[str]:
    if protocol.limit is None:
        return []
    return [f"A trial on the first {protocol.limit} test clips: its id is its own, and its numbers do not compare with those of all clips."]


class Scorers(NamedTuple):
    """What scores an evaluation's clips."""

    clips: Scorer
    """The metrics that give every clip its values."""
    sets: SetScorer
    """The metrics that compare sets of clips."""


def make_scorers(entries: Sequence[Entry[MetricSpec]]) -> Scorers:
    """The metrics, loaded and prepared; the first thing that is missing is the error."""
    sets = [entry for entry in entries if entry.spec.kind == "set"]
    return Scorers(Scorer([entry for entry in entries if entry not in sets]), SetScorer(sets))


def check_counts(**counts: int | None) -> None:
    """ConfigError: a count that was given is below 1."""
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ConfigError(f"{name} is {count}; it must be at least 1.")


def _open_run(
    resume: str | None,
    runs: Path,
    identity: Mapping[str, Any],
    entries: Sequence[Entry[MetricSpec]],
    rows: Sequence[Row],
    data: ProtocolData,
) -> Run:
    metrics = [entry.short_name for entry in entries]
    asked = [_identity(row) for row in rows]
    if resume is None:
        record = {"protocol": identity, "metrics": metrics, "asked": asked, "rows": [], "failures": {}}
        run = create_run(runs, "eval", data.protocol.name, record)
        return run
    run = locate_run(resume, runs, "eval")
    if run.record["status"] == "done":
        raise RunError(f"{run.path} is done; there is nothing to resume.")
    differing = differing_keys(run.record["protocol"], identity)
    for name, now in (("metrics", metrics), ("asked", asked)):
        if run.record.get(name) != now:
            differing.append(f"{name}: {run.record.get(name)} against {now}")
    if differing:
        raise RunError(f"{run.path} cannot be resumed with these options: {'; '.join(differing)}.")
    run.record["status"] = "running"
    run.record["failures"] = {}
    return run


def _identity(row: Row) -> dict[str, Any]:
    """What a resumed evaluation must have in common with the one it goes on with."""
    return {"label": row.label, "row": str(row), "checkpoint": str(row.weights.checkpoint) if row.weights else None}


@dataclass(frozen=True)
class _Evaluation:
    """One evaluation at work."""

    data: ProtocolData
    clips: list[Clip]
    scorers: Scorers
    device: torch.device
    batch_size: int
    workers: int
    run: Run
    observer: Observer

    def score(self, rows: Sequence[Row]) -> None:
        """Build every row, then score batch by batch, each clip read once for all rows."""
        contestants = self._contestants(rows)
        done = {(line.generator, line.clip_id, line.sample) for line in read_scores(self.run.path)} if self._is_resumed() else set()
        groups = [self.clips[start : start + self.batch_size] for start in range(0, len(self.clips), self.batch_size)]
        with ScoreWriter(self.run.path) as writer, self.scorers.sets.open(self.run) as features:
            for index, frames in enumerate(read_ahead(groups, self._read, workers=self.workers, ahead=self.workers)):
                references = frames.to(self.device)
                features.add([Owner(REAL, clip.clip_id, clip.source_id, 0) for clip in groups[index]], self._counted(references))
                for contestant in list(contestants):
                    try:
                        writer.write(self._lines(contestant, groups[index], references, done, features))
                    except RunError:
                        raise
                    except VgbenchError as error:
                        self._drop(contestant.row, error)
                        contestants.remove(contestant)
                self._progress(min((index + 1) * self.batch_size, len(self.clips)))
                if not contestants:
                    break
        self._conclude(contestants)

    def _is_resumed(self) -> bool:
        return (self.run.path / "scores.jsonl").exists()

    def _counted(self, clips: Tensor) -> Tensor:
        """The frames of test clips that count."""
        task = self.data.protocol.task
        return clips[:, task.target_start + task.score_from : task.target_start + task.frames]

    def _read(self, group: Sequence[Clip]) -> Tensor:
        return stacked(group, self.data.read)

    def _contestants(self, rows: Sequence[Row]) -> list[Contestant]:
        contestants = []
        for row in rows:
            try:
                contestant = build(row, self.data.protocol, self.device)
                if learns_by_fitting(contestant.generator):
                    if self.data.protocol.train is None:
                        self._note(
                            f"{row.label} is left out: it learns from training clips, and protocol {self.data.protocol.name} has none."
                        )
                        continue
                    fit(
                        contestant,
                        self.data,
                        self.device,
                        workers=self.workers,
                        on_clip=partial(self.observer.advanced, f"{row.label} learns"),
                    )
            except VgbenchError as error:
                self._drop(row, error)
                continue
            self._note_training(contestant)
            contestants.append(contestant)
        return contestants

    def _note_training(self, contestant: Contestant) -> None:
        """Say where a row's training was not finished, or was on something else than this protocol's training clips."""
        checkpoint = contestant.checkpoint
        if checkpoint is None:
            return
        if checkpoint.stage not in checkpoint.finished_stages:
            done = f"{checkpoint.stage_step} steps of stage {checkpoint.stage}"
            self._note(f"{contestant.row.label} comes from a training that was not finished: {done} were done.")
        mine = self.data.protocol.compared()
        keys = [key for key in mine if key.startswith(("data.", "train.", "video."))]
        trained = {key: checkpoint.protocol.get(key) for key in keys}
        differing = differing_keys(trained, {key: mine[key] for key in keys})
        if differing:
            self._note(f"{contestant.row.label} was trained under another protocol: {'; '.join(differing)}.")

    def _lines(
        self, contestant: Contestant, group: Sequence[Clip], clips: Tensor, done: set[tuple[str, str, int]], features: SetFeatures
    ) -> list[ClipScores]:
        protocol = self.data.protocol
        label = contestant.row.label
        references = self._counted(clips)
        lines = []
        for sample in range(contestant.samples(protocol)):
            keys = [(label, clip.clip_id, sample) for clip in group]
            if done.issuperset(keys) and features.have(keys):
                continue
            sampled = contestant.sample(clips, [clip.clip_id for clip in group], protocol, sample)
            shown = sampled.clips[:, protocol.task.score_from :]
            features.add([Owner(label, clip.clip_id, clip.source_id, sample) for clip in group], shown)
            measured = self.scorers.clips.measure(shown, references)
            lines += [
                ClipScores(
                    clip_id=clip.clip_id,
                    source=clip.source_id,
                    sample=sample,
                    generator=label,
                    run=contestant.row.weights.run if contestant.row.weights else None,
                    scores=scores,
                    frames=references.shape[1],
                    perfect=perfect,
                    seconds=sampled.seconds,
                )
                for clip, scores, perfect in zip(group, measured.scores, measured.perfect, strict=True)
                if (label, clip.clip_id, sample) not in done
            ]
        return lines

    def _progress(self, done: int) -> None:
        self.observer.advanced("clips", done, len(self.clips))
        for _ in load_plugins().call("vgbench_progressed", run=self.run, progress={"clips": done, "n_clips": len(self.clips)}):
            pass

    def _conclude(self, contestants: Sequence[Contestant]) -> None:
        seconds: dict[str, list[float]] = {}
        for line in read_scores(self.run.path):
            seconds.setdefault(line.generator, []).append(line.seconds or 0.0)
        self.run.record["rows"] = [
            contestant.description()
            | {
                "n_lines": len(self.clips) * contestant.samples(self.data.protocol),
                "seconds_per_clip": median(seconds[contestant.row.label]),
            }
            for contestant in contestants
        ]
        if not contestants:
            raise VgbenchError("\n".join(self.run.record["failures"].values()) or "No generator was left to score.")

    def _drop(self, row: Row, error: VgbenchError) -> None:
        self.run.record["failures"][row.label] = str(error)
        self._note(f"{row.label} is left out: {error}")

    def _note(self, text: str) -> None:
        self.run.warn(text)
        self.observer.note(text)
