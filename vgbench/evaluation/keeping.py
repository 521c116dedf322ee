"""What earlier evaluations kept: lines of scores that need no clip, and scores of clips that were made again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vgbench.data.clips import Clip
from vgbench.generation.source import ClipSource
from vgbench.protocol import Task
from vgbench.runs.features import REAL, Owner
from vgbench.runs.scores import PIXEL_DIGITS, ClipScores
from vgbench.scoring.extractor import clip_digests
from vgbench.scoring.score_store import FILE, KeptClip, KeptScore, ScoreStore
from vgbench.scoring.set_features import ClipDigests, SetFeatures

if TYPE_CHECKING:
    from torch import Tensor

_WITH_CONTEXT = " with context"


class Computed(NamedTuple):
    """One sample of some clips of a row that was not known, or not all of it."""

    label: str
    """The row's."""
    group: Sequence[Clip]
    lines: Sequence[ClipScores]
    digests: Sequence[bytes]
    """Of the frames that were scored."""
    references: Sequence[bytes]
    """Of those they were compared with."""
    joined: Tensor | None
    """The clips with the frames given in front, where a metric looks at those."""
    is_whole: bool
    """Whether these are all clips of their batch; fewer at once may differ in last bits, so these are made again another time."""


class Keeping:
    """The store at work in one evaluation."""

    def __init__(
        self, store: ScoreStore, made: Mapping[str, str | None], metrics: Mapping[str, str | None], features: SetFeatures, task: Task
    ) -> None:
        """made: what makes a row's clips, by its label, and the real ones, under `REAL`; None: that is not known, so they are made each
        time.  metrics: metric id → what decides its numbers; None likewise.
        """
        self._store, self._made, self._metrics, self._features, self._task = store, made, metrics, features, task
        self._taken = self._measured = 0
        self._recalled: dict[str, None] = {}
        self._made_again: set[str] = set()
        self._just_kept: set[bytes] = set()
        """Clips of this batch that another row made just now: the same clips, such as those of copy-first and copy-last."""

    def knows(self, group: Sequence[Clip], sources: Sequence[ClipSource], samples: Mapping[str, int]) -> bool:
        """Whether all lines of a batch of test clips can be had without a look at them."""
        return (
            self._knows_real(group)
            and self._have_features(group, REAL, 0)
            and all(
                self._have_features(group, source.label, sample) and self._kept_lines(source, group, sample) is not None
                for source in sources
                for sample in range(samples[source.label])
            )
        )

    def recall_real(self, group: Sequence[Clip]) -> bool:
        """Store the real clips' features as they are kept; False where some are not, or the clips' pixels are not known.

        Called first of each batch.
        """
        self._just_kept.clear()
        return self._knows_real(group) and self._recall_features(group, REAL, 0)

    def recall(self, source: ClipSource, group: Sequence[Clip], sample: int) -> list[ClipScores] | None:
        """The lines of one sample of a batch's clips, their features stored; None where something of them is to be computed."""
        lines = self._kept_lines(source, group, sample)
        if lines is None or not self._recall_features(group, source.label, sample):
            return None
        self._recalled[source.label] = None
        self._taken += sum(len(line.scores) for line in lines)
        return lines

    def known_scores(self, digests: Sequence[bytes], references: Sequence[bytes]) -> dict[str, list[list[float]]]:
        """Metric → its values for clips of these pixels, where all are kept."""
        known = {}
        for metric, identity in self._metrics.items():
            if identity is None:
                continue
            found = [self._store.score(identity, *pair) for pair in zip(digests, references, strict=True)]
            kept = [values for values in found if values is not None]
            if len(kept) == len(digests):
                known[metric] = kept
        return known

    def keep_real(self, group: Sequence[Clip], digests: Sequence[bytes], joined: Tensor | None) -> None:
        """Keep which pixels a batch's real clips have; joined: with the frames given in front, where a metric looks at those."""
        made = self._made[REAL]
        if made is not None:
            kept = [KeptClip(made, clip.clip_id, 0, digest, None, 0) for clip, digest in zip(group, digests, strict=True)]
            self._store.keep([*kept, *_with_context(made, group, 0, joined)], [])

    def keep(self, computed: Computed, known: Collection[str]) -> None:
        """Keep what was computed of one sample of clips; known: the metrics whose scores were kept already."""
        made, n_lines = self._made[computed.label], len(computed.lines)
        clips, scores = [], []
        for line, digest, reference in zip(computed.lines, computed.digests, computed.references, strict=True):
            if made is not None and computed.is_whole:
                clips.append(KeptClip(made, line.clip_id, line.sample, digest, line.seconds, line.perfect))
            for metric, identity in self._metrics.items():
                if identity is not None and metric not in known:
                    scores.append(KeptScore(identity, digest, reference, line.scores[metric]))
        if made is not None and computed.is_whole:
            clips += _with_context(made, computed.group, computed.lines[0].sample, computed.joined)
        self._made_again.add(computed.label)
        taken = 0 if self._just_kept.issuperset(computed.digests) else len(known) * n_lines
        self._just_kept.update(computed.digests)
        self._taken, self._measured = self._taken + taken, self._measured + len(self._metrics) * n_lines - taken
        self._store.keep(clips, scores)

    def notes(self) -> list[str]:
        """What was taken from the store, and what was found wrong with it."""
        notes, parts = [], []
        if self._taken:
            parts.append(f"{self._taken:,} of {self._taken + self._measured:,} scores were kept by earlier evaluations.")
        rows = [label for label in self._recalled if label not in self._made_again]
        if rows:
            parts.append(f"The clips of {', '.join(rows)} were not made again: s/clip is what it took then.")
        if parts:
            notes.append(" ".join([*parts, "--fresh computes all anew."]))
        return [*notes, *self.problems()]

    def problems(self) -> list[str]:
        """What was found wrong with the store."""
        problems = []
        if self._store.damaged:
            problems.append(
                f"{len(self._store.damaged):,} entries of {FILE} in the cache are damaged, and what they held was computed again; "
                f"`vgbench cache prune {FILE}` removes all that is kept there."
            )
        return [*problems, *([self._store.problem] if self._store.problem else [])]

    def _kept_lines(self, source: ClipSource, group: Sequence[Clip], sample: int) -> list[ClipScores] | None:
        made, real = self._made[source.label], self._made[REAL]
        if made is None or real is None:
            return None
        lines = []
        for clip in group:
            found, reference = self._store.clip(made, clip.clip_id, sample), self._store.clip(real, clip.clip_id, 0)
            if found is None or reference is None:
                return None
            scores = {}
            for metric, identity in self._metrics.items():
                values = None if identity is None else self._store.score(identity, found.pixels, reference.pixels)
                if values is None:
                    return None
                scores[metric] = values
            lines.append(
                ClipScores(
                    clip_id=clip.clip_id,
                    source=clip.source_id,
                    sample=sample,
                    generator=source.label,
                    run=source.run,
                    scores=scores,
                    frames=self._task.frames - self._task.score_from,
                    perfect=found.perfect,
                    seconds=found.seconds,
                    pixels=found.pixels.hex()[:PIXEL_DIGITS],
                )
            )
        return lines

    def _knows_real(self, group: Sequence[Clip]) -> bool:
        made = self._made[REAL]
        return made is not None and all(self._store.clip(made, clip.clip_id, 0) for clip in group)

    def _have_features(self, group: Sequence[Clip], label: str, sample: int) -> bool:
        return all(self._features.knows(owner, digests) for owner, digests in self._digests(group, label, sample))

    def _recall_features(self, group: Sequence[Clip], label: str, sample: int) -> bool:
        return all(self._features.recall(owner, digests) for owner, digests in self._digests(group, label, sample))

    def _digests(self, group: Sequence[Clip], label: str, sample: int) -> list[tuple[Owner, ClipDigests]]:
        made = self._made[label]
        pairs = []
        for clip in group:
            counted, joined = (
                None if made is None else self._store.clip(made + kind, clip.clip_id, sample) for kind in ("", _WITH_CONTEXT)
            )
            digests = ClipDigests(counted and counted.pixels, joined and joined.pixels)
            pairs.append((Owner(label, clip.clip_id, clip.source_id, sample), digests))
        return pairs


def _with_context(made: str, group: Sequence[Clip], sample: int, joined: Tensor | None) -> list[KeptClip]:
    """The same clips with the frames given in front, which have entries of their own."""
    digests = [] if joined is None else clip_digests(joined)
    return [KeptClip(made + _WITH_CONTEXT, clip.clip_id, sample, digest, None, 0) for clip, digest in zip(group, digests, strict=False)]
