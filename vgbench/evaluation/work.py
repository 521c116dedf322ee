"""What is to be scored of given clips: pairs with their references, or a set beside another."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from vgbench.data.loader import read_ahead
from vgbench.errors import MetricError, PairingError
from vgbench.evaluation.pair import Pair
from vgbench.evaluation.pairing import Pairing
from vgbench.evaluation.partners import place_of
from vgbench.files import size_text
from vgbench.generation.manifest import Manifest, Place
from vgbench.generation.resized import Resizing
from vgbench.generation.stored import stored_notes
from vgbench.runs.features import REAL, Owner
from vgbench.runs.scores import PIXEL_DIGITS, ClipScores
from vgbench.scoring.extractor import clip_digests, clip_hash, pixel_bytes
from vgbench.scoring.portions import Portions
from vgbench.scoring.scorer import Measured, Scorer
from vgbench.scoring.set_features import Frames, SetFeatures

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from vgbench.video.folder import ClipFile, ClipFolder
    from vgbench.video.info import VideoInfo

_HELD = 2
"""Copies of a whole clip that are held at once: as it was read, and on its way into a metric."""
_COPIES = 4
"""What a chunk of frames takes at most: decoded, stacked, joined with what came before, and read once more by a metric."""


Scored = Collection[tuple[str, str, int]]
"""(row, clip, sample) of what is scored already."""


class Work(ABC):
    """What is to be scored, and a hash over the references that were read."""

    name: str
    """The row's label."""
    notes: list[str]
    n_clips: int
    """Generated clips."""

    def __init__(self, name: str, score_from: int, resizing: Resizing | None) -> None:
        self.name, self.score_from = name, score_from
        brought = "" if resizing is None else f", {resizing}"
        self.digest = hashlib.sha256(f"given clips 1, score_from {score_from}{brought}".encode())

    @abstractmethod
    def references(self) -> list[str]:
        """The names of the real clips."""

    @abstractmethod
    def score(self, features: SetFeatures, device: torch.device, scored: Scored) -> Iterator[ClipScores | None]:
        """A line for each generated clip; None for those that an interrupted evaluation has scored, whose features are there as well."""

    def _line(self, place: Place, measured: Measured, frames: int, digest: bytes) -> ClipScores:
        scores, perfect = measured.scores[0], measured.perfect[0]
        pixels = digest.hex()[:PIXEL_DIGITS]
        return ClipScores(place.clip_id, place.source, place.sample, self.name, None, scores, frames, perfect, None, pixels)


class PairsOfClips(Work):
    """Clips and the references they are paired with."""

    def __init__(
        self,
        name: str,
        pairing: Pairing,
        scorer: Scorer,
        whole_clip_metrics: Sequence[str],
        score_from: int,
        resizing: Resizing | None,
        limit: int | None,
        max_memory: int,
        workers: int,
        note: Callable[[str], None],
    ) -> None:
        super().__init__(name, score_from, resizing)
        kept = set(list(dict.fromkeys(pair.reference.name for pair in pairing.pairs))[:limit])
        self.notes, self._pairs = list(pairing.warnings), [pair for pair in pairing.pairs if pair.reference.name in kept]
        self.n_clips, self._scorer, self._max_memory = len(self._pairs), scorer, max_memory
        for pair in self._pairs:
            self._check_fits(pair, whole_clip_metrics)
        largest = max((pair.bytes() for pair in self._pairs if self._is_whole(pair)), default=1)
        self._ahead = min(workers, max_memory // largest - _HELD)
        self._portions = Portions("frames", note, least=scorer.widest_span)

    def references(self) -> list[str]:
        return [pair.reference.name for pair in self._pairs]

    def _check_fits(self, pair: Pair, whole_clip_metrics: Sequence[str]) -> None:
        if whole_clip_metrics and not self._is_whole(pair):
            raise _too_large(whole_clip_metrics, f"{pair.name} with its reference", _HELD * pair.bytes(), self._max_memory)
        least = _COPIES * pair.frame_bytes() * self._scorer.widest_span
        if least > self._max_memory and not self._is_whole(pair):
            raise MetricError(
                f"{pair.name}: {self._scorer.widest_span} frames with their references, which are the least that is measured at once, take "
                f"{size_text(least)}; --max-memory is {size_text(self._max_memory)}. Raise it, or make the frames smaller."
            )

    def _is_whole(self, pair: Pair) -> bool:
        """Whether the pair fits into memory, as it is read and as it is measured."""
        return _HELD * pair.bytes() <= self._max_memory

    def score(self, features: SetFeatures, device: torch.device, scored: Scored) -> Iterator[ClipScores | None]:
        def is_done(pair: Pair) -> bool:
            key = (self.name, pair.place.clip_id, pair.place.sample)
            return key in scored and features.have([key, (REAL, pair.place.clip_id, 0)])

        def read(pair: Pair) -> tuple[Tensor, Tensor] | None:
            return pair.read() if self._is_whole(pair) and not is_done(pair) else None

        hashed = ""
        for pair, whole in zip(self._pairs, read_ahead(self._pairs, read, workers=self._ahead, ahead=self._ahead), strict=True):
            frames = pair.reference.info().frames
            is_new, hashed = pair.reference.name != hashed, pair.reference.name  # samples of one reference follow each other
            if is_new:
                self.digest.update(shape_bytes(pair.reference.info()))
            if is_done(pair):
                for target in pair.reference.chunks(self._chunk(pair)) if is_new else ():
                    self.digest.update(pixel_bytes(target))
                yield None
                continue
            if whole is None:
                info = pair.generated.info()
                digest = clip_hash((frames - self.score_from, info.channels, info.height, info.width))
                chunks = ((clip[None].to(device), target[None].to(device)) for clip, target in self._counted(pair, digest, is_new))
                measured = self._scorer.measure_chunks(chunks)
            else:
                if is_new:
                    self.digest.update(pixel_bytes(whole[1]))
                made, wanted = (clip[None].to(device) for clip in whole)
                generated, expected = made[:, self.score_from :], wanted[:, self.score_from :]
                features.add([Owner(REAL, pair.place.clip_id, pair.place.source, 0)], real_frames(wanted, self.score_from))
                digest = clip_hash(whole[0][self.score_from :].shape, whole[0][self.score_from :])
                joined = _joined(wanted, made, self.score_from) if features.join_context else None
                features.add([Owner(self.name, *pair.place)], Frames(generated, joined), [digest.digest()])
                measured = self._measured(generated, expected)
            yield self._line(pair.place, measured, frames - self.score_from, digest.digest())

    def _measured(self, generated: Tensor, expected: Tensor) -> Measured:
        """The scores of a clip; in chunks of frames where it is too much for the device, if no metric needs the whole."""
        frames = generated.shape[1]
        if self._scorer.whole_clip_metrics:
            return self._scorer.measure(generated, expected)

        def measure(length: int) -> Measured:
            if length == frames:
                return self._scorer.measure(generated, expected)
            starts = range(0, frames, length)
            return self._scorer.measure_chunks((generated[:, i : i + length], expected[:, i : i + length]) for i in starts)

        return self._portions.of_whole(frames, measure)

    def _chunk(self, pair: Pair) -> int:
        """Frames of a pair that are held at once."""
        return self._max_memory // (_COPIES * pair.frame_bytes())

    def _counted(self, pair: Pair, digest: hashlib._Hash, is_new: bool) -> Iterator[tuple[Tensor, Tensor]]:
        """The pair in chunks of frames, from the first one that counts on; the digest takes in the generated ones.

        is_new: whether the reference is yet to be hashed.
        """
        skipped = 0
        for clip, target in pair.chunks(self._chunk(pair)):
            if is_new:
                self.digest.update(pixel_bytes(target))
            left = max(0, self.score_from - skipped)
            skipped += len(clip)
            if left < len(clip):
                digest.update(pixel_bytes(clip[left:]))
                yield clip[left:], target[left:]


class SetsOfClips(Work):
    """Two sets of clips, which need no partners."""

    def __init__(
        self,
        name: str,
        folders: tuple[ClipFolder, ClipFolder],
        manifest: Manifest | None,
        score_from: int,
        resizing: Resizing | None,
        limit: int | None,
        max_memory: int,
    ) -> None:
        super().__init__(name, score_from, resizing)
        self._manifest = manifest
        kept = set(list(dict.fromkeys(place_of(clip, manifest).clip_id for clip in folders[0].clips))[:limit])
        self._generated = [clip for clip in folders[0].clips if place_of(clip, manifest).clip_id in kept]  # with all their samples
        self._real = folders[1].clips[:limit]
        self.n_clips = len(self._generated)
        for clip in (*self._generated, *self._real):
            needed = _HELD * clip.info().bytes()
            if needed > max_memory:
                raise _too_large(["A distance between sets"], clip.name, needed, max_memory)
        self.notes = _differences([clip.info() for clip in self._generated], [clip.info() for clip in self._real])
        self.notes += [*stored_notes(self._generated, folders[0].name), *stored_notes(self._real, folders[1].name)]

    def references(self) -> list[str]:
        return [clip.name for clip in self._real]

    def score(self, features: SetFeatures, device: torch.device, scored: Scored) -> Iterator[ClipScores | None]:
        for clip in self._real:
            frames = clip.read()
            self.digest.update(shape_bytes(clip.info()))
            self.digest.update(pixel_bytes(frames))
            source = clip.name if self._manifest is None else str(self._manifest.clips.get(clip.name, clip.name))
            features.add([Owner(REAL, clip.name, source, 0)], Frames(self._counted(clip, frames).to(device), None))
        for clip in self._generated:
            place = place_of(clip, self._manifest)
            key = (self.name, place.clip_id, place.sample)
            if key in scored and features.have([key]):
                yield None
                continue
            generated = self._counted(clip, clip.read())
            (digest,) = clip_digests(generated)
            features.add([Owner(self.name, *place)], Frames(generated.to(device), None), [digest])
            yield self._line(place, Measured([{}], [0]), generated.shape[1], digest)

    def _counted(self, clip: ClipFile, frames: Tensor) -> Tensor:
        if self.score_from >= len(frames):
            raise PairingError(f"--score-from {self.score_from} leaves no frame of {clip.name} with {len(frames)} frames.")
        return frames[None, self.score_from :]


def real_frames(clips: Tensor, score_from: int) -> Frames:
    """References as distances between sets look at them: the frames that do not count are those that were given."""
    return Frames(clips[:, score_from:], clips if score_from else None)


def _joined(real: Tensor, generated: Tensor, score_from: int) -> Tensor | None:
    """Generated clips (B, T, C, H, W) with the frames given in front, which are their references'; None where all frames count."""
    import torch

    return torch.cat([real[:, :score_from], generated[:, score_from:]], dim=1) if score_from else None


def _differences(generated: Sequence[VideoInfo], real: Sequence[VideoInfo]) -> list[str]:
    """In what two sets of clips differ that a distance between them measures beside their content."""
    facts: dict[str, Callable[[VideoInfo], str]] = {
        "length": lambda info: f"{info.frames} frames",
        "size": lambda info: f"{info.width}×{info.height}",
        "number of channels": lambda info: str(info.channels),
        "frame rate": lambda info: "unknown" if info.fps is None else f"{info.fps:g}/s",
    }
    notes = []
    for what, fact in facts.items():
        mine, theirs = (sorted({fact(info) for info in infos}) for infos in (generated, real))
        if mine != theirs and (what != "frame rate" or "unknown" not in (*mine, *theirs)):
            known = f"{_some(mine)} generated, {_some(theirs)} real"
            notes.append(f"The two sets differ in {what}, which a distance between them measures as well: {known}.")
    return notes


def _some(values: Sequence[str]) -> str:
    return ", ".join(values[:3]) + (f" and {len(values) - 3} more" if len(values) > 3 else "")


def _too_large(metrics: Sequence[str], what: str, needed: int, max_memory: int) -> MetricError:
    looks = "looks" if len(metrics) == 1 else "look"
    return MetricError(
        f"{', '.join(metrics)} {looks} at whole clips, and {what} takes {size_text(needed)}; --max-memory is {size_text(max_memory)}. "
        f"Raise it, or give shorter or smaller clips."
    )


def shape_bytes(info: VideoInfo) -> bytes:
    """The shape (T, C, H, W) as a hash takes it in."""
    return str((info.frames, info.channels, info.height, info.width)).encode()
