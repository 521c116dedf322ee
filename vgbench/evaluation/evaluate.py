"""Evaluating: every row of a table on every test clip of a protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgbench.config import DEFAULT_BATCH, DEFAULT_METRICS, DEFAULT_PROTOCOL, DEFAULT_RUNS, DEFAULT_WORKERS, check_counts
from vgbench.data.clips import Clip, stacked
from vgbench.data.inspection.findings import known_findings
from vgbench.data.loader import read_batches
from vgbench.data.protocol_data import ProtocolData
from vgbench.devices import choose_device
from vgbench.errors import ConfigError, GeneratorError, RunError, VgbenchError
from vgbench.evaluation.opening import open_run
from vgbench.generation.builder import build
from vgbench.generation.fitting import fit, learns_by_fitting
from vgbench.generation.given import GivenClips
from vgbench.generation.resized import Resizing
from vgbench.generation.rows import Row, resolve_rows
from vgbench.generation.sampler import Sampler
from vgbench.generation.source import ClipSource
from vgbench.leaderboard.headline import headline
from vgbench.plugins.isolation import changes_of
from vgbench.plugins.observers import CLIPS, Observer, closing_run
from vgbench.plugins.telling import with_hooks
from vgbench.protocol import Protocol, Task, as_protocol, differing_keys
from vgbench.runs.checksums import seal
from vgbench.runs.features import REAL, Owner
from vgbench.runs.records import EvalRecord
from vgbench.runs.run import EvalRun
from vgbench.runs.scores import PIXEL_DIGITS, ClipScores, ScoreWriter, read_scores
from vgbench.scoring.extractor import clip_digests
from vgbench.scoring.lookup import choose_metrics
from vgbench.scoring.portions import Portions
from vgbench.scoring.scorer import Scorers, make_scorers
from vgbench.scoring.set_features import Frames, SetFeatures

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def evaluate(
    generators: Sequence[str] | None = None,
    *,
    given: Mapping[str, str | Path] | None = None,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    metrics: Sequence[str] = DEFAULT_METRICS,
    data: Mapping[str, Path] | None = None,
    limit: int | None = None,
    runs: Path = DEFAULT_RUNS,
    device: str = "auto",
    batch_size: int = DEFAULT_BATCH,
    workers: int = DEFAULT_WORKERS,
    layout: str | None = None,
    resizing: Resizing | None = None,
    resume: str | None = None,
    observer: Observer | None = None,
) -> EvalRun:
    """Score generators on a protocol's test clips; returns the run, whose leaderboard `build_leaderboard([run])` gives.

    generators: rows, `[label=]generator[:variant][@RUN-or-file]`; None: everything installed that fits.
    given: clips that any program made for the test clips, by the label of their row: a folder in which each has its test clip's id as its
    name (with several samples in sample-0, sample-1, …), or an array in the order of the test clips, whose axes `layout` names.
    resizing: how given clips of another size are brought to the protocol's; None: they are refused.
    limit: only the first so many clips, under another protocol id.  resume: an interrupted run to finish, or "latest".

    A generator that fails, or a named one that has no run, costs only its own row: the others are scored, and the failure stands in
    `run.record.failures`. A metric that cannot take the clips costs only its column; see `run.record.refused`.

    VgbenchError: a name, the data or the run folder; if every generator fails, the first failure.
    """
    observer = with_hooks(observer)
    entries = choose_metrics(metrics)
    chosen = as_protocol(protocol).limited(limit)
    check_counts(batch_size=batch_size)
    runs = Path(runs)
    resolution = resolve_rows(generators, chosen, runs)
    torch_device = choose_device(device)
    opened = ProtocolData(chosen, data or {})
    clips = opened.clips("test")
    first = _real_frames(chosen.task, stacked(clips[:1], opened.read).to(torch_device))
    scorers, refused = make_scorers(entries).fitting(first, observer.note)
    entries = [entry for entry in entries if entry.short_name not in refused]
    sources = _given_sources(given or {}, clips, opened, resolution.rows, layout, resizing, workers)
    asked = [*(_identity(row) for row in resolution.rows), *({"label": one.label, **one.asked()} for one in sources)]
    names = tuple(entry.short_name for entry in entries)
    run = open_run(resume, runs, chosen.name, EvalRecord(protocol=opened.identity, metrics=names, asked=tuple(asked), rows=()))
    run.record = replace(run.record, device=str(torch_device), batch_size=batch_size, weights=scorers.clips.weights())
    run.record = replace(run.record, failures=resolution.failures, refused=refused)
    evaluation = _Evaluation(opened, clips, scorers, torch_device, batch_size, workers, run, observer, generators is not None)
    with closing_run(run, observer):
        of_given = [note for source in sources for note in source.notes]
        for note in [*_subset_note(chosen), *resolution.notes, *of_given, *known_findings(opened)]:
            run.warn(note)
            observer.note(note)
        evaluation.score(resolution.rows, sources)
        plugins = [*(row.entry.plugin for row in resolution.rows), *(entry.plugin for entry in entries)]
        for text in changes_of(plugins):
            run.warn(text)
        seal(run)
        run.record = replace(run.record, headline=headline(run))
    return run


def _samples(rows: Sequence[Row], given: Sequence[GivenClips], protocol: Protocol) -> int:
    """Generated clips for each test clip, of all rows."""
    return sum(1 if row.entry.spec.deterministic else protocol.task.samples for row in rows) + sum(one.samples(protocol) for one in given)


def _subset_note(protocol: Protocol) -> list[str]:
    if protocol.limit is None:
        return []
    return [f"A trial on the first {protocol.limit} test clips: its id is its own, and its numbers do not compare with those of all clips."]


def _given_sources(
    given: Mapping[str, str | Path],
    clips: Sequence[Clip],
    data: ProtocolData,
    rows: Sequence[Row],
    layout: str | None,
    resizing: Resizing | None,
    workers: int,
) -> list[GivenClips]:
    """The rows of given clips.  ConfigError: two rows of one label.  PairingError: clips are missing or do not fit."""
    taken = {row.label for row in rows} & set(given)
    if taken:
        raise ConfigError(f"Two rows are called '{min(taken)}'; give one a label of its own: NAME={given[min(taken)]}.")
    return [
        GivenClips(label, path, clips, data.protocol, data.identity, layout=layout, resizing=resizing, workers=workers)
        for label, path in given.items()
    ]


def _identity(row: Row) -> dict[str, Any]:
    """What a resumed evaluation must have in common with the one it resumes."""
    return {"label": row.label, "row": str(row), "checkpoint": str(row.choice.checkpoint) if row.choice else None}


@dataclass(frozen=True)
class _Evaluation:
    """One evaluation at work."""

    data: ProtocolData
    clips: list[Clip]
    scorers: Scorers
    device: torch.device
    batch_size: int
    workers: int
    run: EvalRun
    observer: Observer
    are_named: bool
    """Whether the user named the generators, so that one that is left out is missed."""

    def score(self, rows: Sequence[Row], given: Sequence[GivenClips]) -> None:
        """Build every row, then score batch by batch, each clip read once for all rows."""
        for text in self.scorers.forecast(len(self.clips) * _samples(rows, given, self.data.protocol), len(self.clips)):
            self.observer.note(text)
        sources: list[ClipSource] = [*self._samplers(rows), *given]
        done = {(line.generator, line.clip_id, line.sample) for line in read_scores(self.run.path)} if self._is_resumed() else set()
        batches = read_batches(self.clips, self.data.read, batch_size=self.batch_size, workers=self.workers)
        n_read, portions = 0, Portions("clips", self._note)
        with ScoreWriter(self.run.path) as writer, self.scorers.sets.open(self.run) as features:
            for group, frames in batches:
                references, n_read = frames.to(self.device), n_read + len(group)
                owners = [Owner(REAL, clip.clip_id, clip.source_id, 0) for clip in group]
                real = _real_frames(self.data.protocol.task, references, join=features.join_context)
                portions.of_batch(len(group), partial(_add, features, owners, real))
                for source in list(sources):
                    try:
                        score = partial(self._lines, source, group, references, done, features)
                        writer.write(portions.of_batch(len(group), score))
                    except RunError:
                        raise
                    except VgbenchError as error:
                        self._drop(source.label, error)
                        sources.remove(source)
                self._progress(n_read)
                if not sources:
                    break
        self._conclude(sources)

    def _is_resumed(self) -> bool:
        return (self.run.path / "scores.jsonl").exists()

    def _samplers(self, rows: Sequence[Row]) -> list[Sampler]:
        samplers = []
        for row in rows:
            try:
                sampler = build(row, self.data.protocol, self.device)
                if learns_by_fitting(sampler.generator):
                    if self.data.protocol.train is None:
                        reason = f"it learns from training clips, and protocol {self.data.protocol.name} has none."
                        if self.are_named:
                            raise GeneratorError(reason)
                        self._note(f"{row.label} is left out: {reason}")
                        continue
                    fit(
                        sampler,
                        self.data,
                        self.device,
                        workers=self.workers,
                        on_clip=partial(self.observer.advanced, f"{row.label} learns"),
                    )
            except VgbenchError as error:
                self._drop(row.label, error)
                continue
            self._note_training(sampler)
            samplers.append(sampler)
        return samplers

    def _note_training(self, sampler: Sampler) -> None:
        """Say where a row's training was not finished, or was on something else than this protocol's training clips."""
        checkpoint = sampler.checkpoint
        if checkpoint is None:
            return
        if checkpoint.stage not in checkpoint.finished_stages:
            done = f"{checkpoint.stage_step} steps of stage {checkpoint.stage}"
            self._note(f"{sampler.row.label} comes from a training that was not finished: {done} were done.")
        mine = self.data.protocol.compared()
        keys = [key for key in mine if key.startswith(("data.", "train.", "video."))]
        trained = {key: checkpoint.protocol.get(key) for key in keys}
        differing = differing_keys(trained, {key: mine[key] for key in keys})
        if differing:
            self._note(f"{sampler.row.label} was trained under another protocol: {'; '.join(differing)}.")

    def _lines(
        self, source: ClipSource, batch: Sequence[Clip], frames: Tensor, done: set[tuple[str, str, int]], features: SetFeatures, part: slice
    ) -> list[ClipScores]:
        """The lines of some clips of a batch."""
        group, clips = batch[part], frames[part]
        protocol = self.data.protocol
        label = source.label
        references = protocol.task.counted(clips)
        lines = []
        for sample in range(source.samples(protocol)):
            keys = [(label, clip.clip_id, sample) for clip in group]
            if done.issuperset(keys) and features.have(keys):
                continue
            sampled = source.sample(clips, [clip.clip_id for clip in group], protocol, sample)
            generated = protocol.task.counted_of(sampled.clips)
            digests = clip_digests(generated)
            joined = protocol.task.joined(clips, sampled.clips) if features.join_context else None
            owners = [Owner(label, clip.clip_id, clip.source_id, sample) for clip in group]
            features.add(owners, Frames(generated, joined), digests)
            measured = self.scorers.clips.measure(generated, references)
            lines += [
                ClipScores(
                    clip_id=clip.clip_id,
                    source=clip.source_id,
                    sample=sample,
                    generator=label,
                    run=source.run,
                    scores=scores,
                    frames=references.shape[1],
                    perfect=perfect,
                    seconds=sampled.seconds,
                    pixels=digest.hex()[:PIXEL_DIGITS],
                )
                for clip, scores, perfect, digest in zip(group, measured.scores, measured.perfect, digests, strict=True)
                if (label, clip.clip_id, sample) not in done
            ]
        return lines

    def _progress(self, done: int) -> None:
        self.observer.advanced(CLIPS, done, len(self.clips))

    def _conclude(self, sources: Sequence[ClipSource]) -> None:
        rows = [source.record(len(self.clips) * source.samples(self.data.protocol)) for source in sources]
        self.run.record = replace(self.run.record, rows=tuple(rows))
        if not sources:
            raise VgbenchError("\n".join(self.run.record.failures.values()) or "No generator was left to score.")

    def _drop(self, label: str, error: VgbenchError) -> None:
        self.run.record = replace(self.run.record, failures={**self.run.record.failures, label: str(error)})
        self._note(f"{label} is left out: {error}")

    def _note(self, text: str) -> None:
        self.run.warn(text)
        self.observer.note(text)


def _real_frames(task: Task, clips: Tensor, *, join: bool = True) -> Frames:
    """Test clips as distances between sets look at them."""
    return Frames(task.counted(clips), task.joined(clips, task.target(clips)) if join else None)


def _add(features: SetFeatures, owners: Sequence[Owner], clips: Frames, part: slice) -> None:
    features.add(owners[part], clips.part(part))
