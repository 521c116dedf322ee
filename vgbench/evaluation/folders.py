"""Evaluating clips that any program made, against their references or as one set against another."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vgbench.config import DEFAULT_METRICS, DEFAULT_RUNS, DEFAULT_WORKERS, check_counts
from vgbench.data.loader import read_ahead
from vgbench.devices import choose_device
from vgbench.errors import MetricError, PairingError
from vgbench.evaluation.pairing import Pair, Pairing, pair_clips
from vgbench.plugins.observers import CLIPS, Observer, begin_run, closing_run, with_hooks
from vgbench.runs.features import REAL, Owner
from vgbench.runs.run import Run
from vgbench.runs.scores import ClipScores, ScoreWriter
from vgbench.scoring.lookup import choose_metrics
from vgbench.scoring.scorer import Measured, Scorer, make_scorers
from vgbench.scoring.set_features import SetFeatures

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vgbench.video.folder import ClipFile
    from vgbench.video.info import VideoInfo

DEFAULT_MEMORY = 2 << 30
"""Bytes of pixels that may be held at once."""
_COPIES = 4
"""What a chunk of frames takes at most: decoded, stacked, joined with what came before, and read once more by a metric."""


def evaluate_folders(
    generated: str | Path,
    reference: str | Path,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    allow_missing: bool = False,
    score_from: int = 0,
    limit: int | None = None,
    runs: Path = DEFAULT_RUNS,
    device: str = "auto",
    workers: int = DEFAULT_WORKERS,
    max_memory: int = DEFAULT_MEMORY,
    observer: Observer | None = None,
) -> Run:
    """Score clips that any program made against their references; returns the run.

    generated, reference: a folder of videos or of folders of frames, or an .npy/.npz file (`file.npz:name`).
    score_from: the first frame that counts.  allow_missing: clips without a partner are counted in the warnings, not refused.
    max_memory: bytes of pixels that may be held at once; longer clips are measured in chunks of frames.

    Clips are paired by name, or by order for arrays; where every metric compares sets, they need no partners, and the two sides may
    differ in number.

    PairingError: clips without a partner, or of different lengths or sizes; the message lists them.
    MetricError: a metric looks at whole clips, and one does not fit into `max_memory`.
    """
    observer = with_hooks(observer)
    entries = choose_metrics(metrics)
    torch_device = choose_device(device)
    check_counts(limit=limit, max_memory=max_memory)
    scorers = make_scorers(entries)
    if all(entry.spec.kind == "set" for entry in entries):
        work: _Work = _SetsOfClips(generated, reference, score_from, limit)
    else:
        options = {"allow_missing": allow_missing, "score_from": score_from, "workers": workers}
        work = _PairsOfClips(pair_clips(generated, reference, **options), scorers.clips, score_from, limit, max_memory, workers)  # type: ignore[arg-type]
    identity = {"id": "", "name": "given clips", "score_from": score_from, "reference": str(reference)}
    record = {"protocol": identity, "metrics": [entry.short_name for entry in entries], "rows": [], "failures": {}}
    record["weights"] = scorers.clips.weights()
    run = begin_run(Path(runs), "eval", work.name, record)
    with closing_run(run, observer), ScoreWriter(run.path) as writer, scorers.sets.open(run) as features:
        for text in work.notes:
            run.warn(text)
            observer.note(text)
        for done, line in enumerate(work.score(features, torch_device), start=1):
            writer.write([line])
            observer.advanced(CLIPS, done, work.n_clips)
        run.record["rows"] = [{"label": work.name, "generator": work.name, "n_lines": work.n_clips}]
        identity["id"] = work.digest.hexdigest()[:16]
    return run


class _Work(ABC):
    """What is to be scored, and a hash over the references that were read."""

    name: str
    """The row's label."""
    notes: Sequence[str] = ()
    n_clips: int
    """Generated clips."""

    def __init__(self, score_from: int) -> None:
        self.score_from = score_from
        self.digest = hashlib.sha256(f"given clips 1, score_from {score_from}".encode())

    @abstractmethod
    def score(self, features: SetFeatures, device: torch.device) -> Iterator[ClipScores]:
        """A line for each generated clip."""

    def _line(self, clip_id: str, measured: Measured, frames: int) -> ClipScores:
        return ClipScores(clip_id, clip_id, 0, self.name, None, measured.scores[0], frames, measured.perfect[0], None)


class _PairsOfClips(_Work):
    """Clips and the references they are paired with."""

    def __init__(self, pairing: Pairing, scorer: Scorer, score_from: int, limit: int | None, max_memory: int, workers: int) -> None:
        super().__init__(score_from)
        self.name, self.notes, self._pairs = pairing.name, pairing.warnings, pairing.pairs[:limit]
        self.n_clips, self._scorer, self._max_memory, self._workers = len(self._pairs), scorer, max_memory, workers
        for pair in self._pairs:
            self._check_fits(pair)

    def _check_fits(self, pair: Pair) -> None:
        whole = self._scorer.whole_clip_metrics
        if whole and not self._is_whole(pair):
            needed = pair.bytes() * (self._workers + 2)
            looks = "looks" if len(whole) == 1 else "look"
            raise MetricError(
                f"{', '.join(whole)} {looks} at whole clips, and {pair.name} with its reference and those read ahead takes {size(needed)}; "
                f"--max-memory is {size(self._max_memory)}. Raise it, or leave out {', '.join(whole)}."
            )

    def _is_whole(self, pair: Pair) -> bool:
        """Whether the pair fits into memory, with those that are read ahead of it."""
        return pair.bytes() * (self._workers + 2) <= self._max_memory

    def score(self, features: SetFeatures, device: torch.device) -> Iterator[ClipScores]:
        read = read_ahead(self._pairs, self._read, workers=self._workers, ahead=self._workers)
        for pair, whole in zip(self._pairs, read, strict=True):
            frames = pair.reference.info().frames
            self.digest.update(shape_bytes(pair.reference.info()))
            if whole is None:
                chunks = ((clip[None].to(device), target[None].to(device)) for clip, target in self._counted(pair))
                measured = self._scorer.measure_chunks(chunks)
            else:
                self.digest.update(whole[1].numpy().tobytes())
                generated, expected = (clip[None, self.score_from :].to(device) for clip in whole)
                features.add([Owner(REAL, pair.name, pair.name, 0)], expected)
                features.add([Owner(self.name, pair.name, pair.name, 0)], generated)
                measured = self._scorer.measure(generated, expected)
            yield self._line(pair.name, measured, frames - self.score_from)

    def _read(self, pair: Pair) -> tuple[Tensor, Tensor] | None:
        return pair.read() if self._is_whole(pair) else None

    def _counted(self, pair: Pair) -> Iterator[tuple[Tensor, Tensor]]:
        """The pair in chunks of frames, from the first one that counts on."""
        frame = pair.bytes() // pair.reference.info().frames
        length = max(self._scorer.widest_span, self._max_memory // (_COPIES * frame))
        skipped = 0
        for clip, target in pair.chunks(length):
            self.digest.update(target.numpy().tobytes())
            left = max(0, self.score_from - skipped)
            skipped += len(clip)
            if left < len(clip):
                yield clip[left:], target[left:]


class _SetsOfClips(_Work):
    """Two sets of clips, which need no partners."""

    def __init__(self, generated: str | Path, reference: str | Path, score_from: int, limit: int | None) -> None:
        from vgbench.video.folder import open_clips

        super().__init__(score_from)
        folders = open_clips(generated), open_clips(reference)
        self.name = folders[0].name
        self._generated, self._real = (folder.clips[:limit] for folder in folders)
        self.n_clips = len(self._generated)

    def score(self, features: SetFeatures, device: torch.device) -> Iterator[ClipScores]:
        for clip in self._real:
            frames = clip.read()
            self.digest.update(shape_bytes(clip.info()) + frames.contiguous().numpy().tobytes())
            features.add([Owner(REAL, clip.name, clip.name, 0)], self._counted(clip, frames).to(device))
        for clip in self._generated:
            generated = self._counted(clip, clip.read())
            features.add([Owner(self.name, clip.name, clip.name, 0)], generated.to(device))
            yield self._line(clip.name, Measured([{}], [0]), generated.shape[1])

    def _counted(self, clip: ClipFile, frames: Tensor) -> Tensor:
        if self.score_from >= len(frames):
            raise PairingError(f"--score-from {self.score_from} leaves no frame of {clip.name} with {len(frames)} frames.")
        return frames[None, self.score_from :]


def shape_bytes(info: VideoInfo) -> bytes:
    """The shape (T, C, H, W) as a hash takes it in."""
    return str((info.frames, info.channels, info.height, info.width)).encode()


def size(n_bytes: int) -> str:
    """A number of bytes for people."""
    unit, exponent = next(((unit, n) for unit, n in (("GiB", 3), ("MiB", 2)) if n_bytes >= 1024**n), ("KiB", 1))
    return f"{n_bytes / 1024**exponent:.1f} {unit}"
