"""One evaluation at work: every row on every test clip, batch by batch, but for what earlier evaluations have kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from vgbench.data.clips import Clip, stacked
from vgbench.data.loader import read_ahead
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import GeneratorError, RunError, VgbenchError
from vgbench.evaluation.keeping import Computed, Keeping
from vgbench.generation.builder import build
from vgbench.generation.fitting import fit, learns_by_fitting
from vgbench.generation.given import GivenClips
from vgbench.generation.identity import real_identity, row_identity
from vgbench.generation.rows import Row
from vgbench.generation.sampler import Sampler
from vgbench.generation.source import ClipSource
from vgbench.plugins.observers import CLIPS, Observer
from vgbench.protocol import Task, differing_keys
from vgbench.runs.features import REAL, Owner
from vgbench.runs.run import EvalRun
from vgbench.runs.scores import PIXEL_DIGITS, ClipScores, ScoreWriter, read_scores
from vgbench.scoring.extractor import clip_digests
from vgbench.scoring.kept import Kept
from vgbench.scoring.portions import Portions
from vgbench.scoring.scorer import Scorers
from vgbench.scoring.set_features import Frames, SetFeatures

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class _Batch:
    """Some test clips, whose pixels are read when they are first asked for."""

    def __init__(self, group: Sequence[Clip], evaluation: Evaluation, ahead: Iterator[Tensor] | None) -> None:
        """ahead: gives the pixels, where they are being read already."""
        self.group, self._evaluation, self._ahead = group, evaluation, ahead
        self._frames: Tensor | None = None
        self._references: list[bytes] | None = None

    @property
    def frames(self) -> Tensor:
        """uint8 (B, T, C, H, W) on the device."""
        if self._frames is None:
            read = next(self._ahead) if self._ahead is not None else stacked(self.group, self._evaluation.data.read)
            self._frames = read.to(self._evaluation.device)
        return self._frames

    @property
    def references(self) -> list[bytes]:
        """Hashes of the frames that count."""
        if self._references is None:
            self._references = clip_digests(self._evaluation.data.protocol.task.counted(self.frames))
        return self._references


class Part(NamedTuple):
    """Some of an evaluation's batches: every so many, from one on."""

    number: int
    """From 1 on."""
    parts: int


class _Tools(NamedTuple):
    """What is open while clips are scored."""

    features: SetFeatures
    keeping: Keeping
    portions: Portions
    done: set[tuple[str, str, int]]
    """(row, clip, sample) of the lines that a resumed evaluation has already."""


@dataclass(frozen=True)
class Evaluation:
    """Rows, clips and metrics, ready to be scored into a run."""

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
    kept: Kept
    """Where scores and features of earlier evaluations are."""
    part: Part | None = None
    """Which of the batches are scored; None: all."""

    def score(self, rows: Sequence[Row], given: Sequence[GivenClips]) -> None:
        """Build every row, then score batch by batch, each clip read once for all rows, and only where something is to be computed."""
        sources: list[ClipSource] = [*self._samplers(rows), *given]
        samples = {source.label: source.samples(self.data.protocol) for source in sources}
        done = {(line.generator, line.clip_id, line.sample) for line in read_scores(self.run.path)} if self._is_resumed() else set()
        groups = [self.clips[start : start + self.batch_size] for start in range(0, len(self.clips), self.batch_size)]
        groups = groups if self.part is None else groups[self.part.number - 1 :: self.part.parts]
        n_read, portions = 0, Portions("clips", self._note)
        with (
            ScoreWriter(self.run.path) as writer,
            self.scorers.sets.open(self.run, self.kept) as features,
            closing(self.kept.scores()) as store,
        ):
            keeping = Keeping(store, self._made_by(sources), self.scorers.clips.identities(self.device), features, self.data.protocol.task)
            tools = _Tools(features, keeping, portions, done)
            unknown = [not keeping.knows(group, sources, samples) for group in groups]
            n_unknown = sum(len(group) for group, is_unknown in zip(groups, unknown, strict=True) if is_unknown)
            for text in self.scorers.forecast(n_unknown * sum(samples.values()), n_unknown):
                self.observer.note(text)
            ahead = self._read_ahead([group for group, is_unknown in zip(groups, unknown, strict=True) if is_unknown])
            for group, is_unknown in zip(groups, unknown, strict=True):
                batch, n_read = _Batch(group, self, ahead if is_unknown else None), n_read + len(group)
                if is_unknown:
                    batch.frames  # noqa: B018 - in its turn, whether or not it is looked at
                self._add_real(batch, tools)
                for source in list(sources):
                    try:
                        for sample in range(samples[source.label]):
                            writer.write(self._lines(source, batch, sample, tools))
                    except RunError:
                        raise
                    except VgbenchError as error:
                        self._drop(source.label, error)
                        sources.remove(source)
                self._progress(n_read)
                if not sources:
                    break
            for note in keeping.problems() if self.kept.is_own else keeping.notes():
                self._note(note)
        self._conclude(sources)

    def _is_resumed(self) -> bool:
        return (self.run.path / "scores.jsonl").exists()

    def _read_ahead(self, groups: Sequence[Sequence[Clip]]) -> Iterator[Tensor]:
        return read_ahead(groups, lambda group: stacked(group, self.data.read), workers=self.workers, ahead=self.workers)

    def _made_by(self, sources: Sequence[ClipSource]) -> dict[str, str | None]:
        """Row → what makes its clips, where that is known; given clips are read each time."""
        made: dict[str, str | None] = {REAL: real_identity(self.data)}
        for source in sources:
            made[source.label] = row_identity(source, self.data, self.device, self.batch_size) if isinstance(source, Sampler) else None
        return made

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
                    on_clip = partial(self.observer.advanced, f"{row.label} learns")
                    sampler.learn = partial(fit, sampler, self.data, self.device, workers=self.workers, on_clip=on_clip)
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

    def _add_real(self, batch: _Batch, tools: _Tools) -> None:
        """The features of a batch's real clips, where a metric compares sets, and which pixels they have."""
        if tools.keeping.recall_real(batch.group):
            return
        task = self.data.protocol.task
        real = real_frames(task, batch.frames, join=tools.features.join_context)
        owners = [Owner(REAL, clip.clip_id, clip.source_id, 0) for clip in batch.group]
        tools.portions.of_batch(len(batch.group), partial(_add, tools.features, owners, real))
        tools.keeping.keep_real(batch.group, batch.references, real.joined)

    def _lines(self, source: ClipSource, batch: _Batch, sample: int, tools: _Tools) -> list[ClipScores]:
        """The lines of one sample of a batch's clips that are not done, their features stored."""
        keys = [(source.label, clip.clip_id, sample) for clip in batch.group]
        if tools.done.issuperset(keys) and tools.features.have(keys):
            return []
        lines = tools.keeping.recall(source, batch.group, sample)
        if lines is None:
            source.prepare()
            lines = tools.portions.of_batch(len(batch.group), partial(self._computed, source, batch, sample, tools))
        return [line for line in lines if (line.generator, line.clip_id, line.sample) not in tools.done]

    def _computed(self, source: ClipSource, batch: _Batch, sample: int, tools: _Tools, part: slice) -> list[ClipScores]:
        """The lines of one sample of some of a batch's clips, which are made, and measured where their scores are not kept."""
        group, clips, task = batch.group[part], batch.frames[part], self.data.protocol.task
        sampled = source.sample(clips, [clip.clip_id for clip in group], self.data.protocol, sample)
        generated, references = task.counted_of(sampled.clips), task.counted(clips)
        digests, reference_digests = clip_digests(generated), batch.references[part]
        joined = task.joined(clips, sampled.clips) if tools.features.join_context else None
        owners = [Owner(source.label, clip.clip_id, clip.source_id, sample) for clip in group]
        tools.features.add(owners, Frames(generated, joined), digests)
        known = tools.keeping.known_scores(digests, reference_digests)
        measured = self.scorers.clips.measure(generated, references, known)
        lines = [
            ClipScores(
                clip_id=clip.clip_id,
                source=clip.source_id,
                sample=sample,
                generator=source.label,
                run=source.run,
                scores=scores,
                frames=references.shape[1],
                perfect=perfect,
                seconds=sampled.seconds,
                pixels=digest.hex()[:PIXEL_DIGITS],
            )
            for clip, scores, perfect, digest in zip(group, measured.scores, measured.perfect, digests, strict=True)
        ]
        is_whole = len(group) == len(batch.group)
        tools.keeping.keep(Computed(source.label, group, lines, digests, reference_digests, joined, is_whole), known)
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


def real_frames(task: Task, clips: Tensor, *, join: bool = True) -> Frames:
    """Test clips as distances between sets look at them."""
    return Frames(task.counted(clips), task.joined(clips, task.target(clips)) if join else None)


def _add(features: SetFeatures, owners: Sequence[Owner], clips: Frames, part: slice) -> None:
    features.add(owners[part], clips.part(part))
