"""The features of a run's clips, for the metrics that compare sets: computed once per clip and stored with the run."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from vgbench.errors import MetricError
from vgbench.interfaces import SetMetric
from vgbench.plugins.registry import Entry
from vgbench.runs.features import FeatureWriter, Owner
from vgbench.runs.run import EvalRun
from vgbench.scoring.extractor import Extractor, clip_digests
from vgbench.scoring.feature_cache import FeatureCache
from vgbench.scoring.kept import Kept
from vgbench.scoring.loaded_metric import load_metric
from vgbench.scoring.trial import Trial, timed
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
    from torch import Tensor


class Frames(NamedTuple):
    """Clips as distances between sets look at them, uint8 (B, T, C, H, W)."""

    counted: Tensor
    """The frames that count."""
    joined: Tensor | None
    """With the frames given in front; None where none are."""

    def of(self, extractor: Extractor) -> Tensor:
        """What an extractor looks at.  MetricError: it joins frames that are not there."""
        if not extractor.joins_context:
            return self.counted
        if self.joined is None:
            raise MetricError(
                f"{extractor.name} joins the frames given in front of those generated, and of these clips none are known to be given: "
                "score them under a protocol, or beside their references with --score-from."
            )
        return self.joined

    def part(self, which: slice) -> Frames:
        """Some of the clips."""
        return Frames(self.counted[which], None if self.joined is None else self.joined[which])


class ClipDigests(NamedTuple):
    """Hashes of what `Frames` holds of one clip; None where they are not known."""

    counted: bytes | None
    joined: bytes | None

    def of(self, extractor: Extractor) -> bytes | None:
        """The hash of what an extractor looks at; None where it is not known."""
        return self.joined if extractor.joins_context else self.counted


class SetScorer:
    """The set metrics of an evaluation; metrics of one feature key share their features."""

    def __init__(self, entries: Sequence[Entry[MetricSpec]]) -> None:
        self._extractors: dict[str, Extractor] = {}
        self.keys: dict[str, str] = {}
        """Metric id → the key of its features."""
        for entry in entries:
            extractor = Extractor(load_metric(entry, SetMetric).prepared())  # type: ignore[type-abstract] # only compared with
            self.keys[entry.short_name] = extractor.key
            self._extractors.setdefault(extractor.key, extractor)

    def without(self, ids: Collection[str]) -> SetScorer:
        """The same, but for some metrics."""
        kept = SetScorer([])
        kept.keys = {metric: key for metric, key in self.keys.items() if metric not in ids}
        kept._extractors = {key: extractor for key, extractor in self._extractors.items() if key in kept.keys.values()}
        return kept

    def trial(self, clip: Frames) -> Trial:
        """How it goes with clips such as this one; features that are known already take no time."""
        reasons: dict[str, str] = {}
        seconds: dict[str, float] = {}
        if self._extractors:
            with closing(FeatureCache()) as cache:
                for key, extractor in self._extractors.items():
                    try:
                        frames = clip.of(extractor)
                        look_up = partial(extractor.vectors, frames, clip_digests(frames), cache)
                        seconds[key] = timed(look_up, frames.device, again=partial(extractor.computed, frames))
                    except MetricError as error:
                        reasons[key] = str(error)
        refused = {metric: reasons[key] for metric, key in self.keys.items() if key in reasons}
        return Trial(refused, {metric: seconds[key] for metric, key in self.keys.items() if key in seconds})

    def open(self, run: EvalRun, kept: Kept | None = None) -> SetFeatures:
        """The features of a run, to be added to; the run's record says where they are and what they come from.

        kept: where those of other runs are; None: in the cache.
        """
        arrays = {metric: _array_name(key) for metric, key in self.keys.items()}
        run.record = replace(run.record, features=self.keys, feature_arrays=arrays)
        return SetFeatures(self._extractors, run, kept or Kept())


class SetFeatures:
    """The features of one run while it is evaluated."""

    def __init__(self, extractors: Mapping[str, Extractor], run: EvalRun, kept: Kept) -> None:
        self._extractors, self._run = extractors, run
        with ExitStack() as opened:
            self._writers = {key: FeatureWriter(run.path, _array_name(key)) for key in extractors}
            for writer in self._writers.values():
                opened.callback(writer.close)
            if extractors:
                self._cache = kept.features()
                opened.callback(self._cache.close)
            self._opened = opened.pop_all()

    def add(self, owners: Sequence[Owner], clips: Frames, digests: Sequence[bytes] | None = None) -> None:
        """Compute and store the features of clips, those of a clip that is there already excepted.

        digests: what `clip_digests` gives for the frames that count, where it is known.

        MetricError: a network cannot take them, or gives what is not finite.
        """
        known: dict[bool, Sequence[bytes]] = {} if digests is None else {False: digests}
        for key, extractor in self._extractors.items():
            writer, frames = self._writers[key], clips.of(extractor)
            new = [i for i, owner in enumerate(owners) if _key_of(owner) not in writer.written]
            if not new:
                continue
            if extractor.joins_context not in known:
                known[extractor.joins_context] = clip_digests(frames)
            hashes = [known[extractor.joins_context][i] for i in new]
            for i, vectors in zip(new, extractor.vectors(frames[new], hashes, self._cache), strict=True):
                writer.write(owners[i], vectors)

    def knows(self, owner: Owner, digests: ClipDigests) -> bool:
        """Whether a clip's features are stored, or kept from earlier runs."""
        return all(
            _key_of(owner) in self._writers[key].written or extractor.knows(digests.of(extractor), self._cache)
            for key, extractor in self._extractors.items()
        )

    def recall(self, owner: Owner, digests: ClipDigests) -> bool:
        """Store a clip's features as they are kept from earlier runs; False where some are not, and are to be computed."""
        for key, extractor in self._extractors.items():
            if _key_of(owner) in self._writers[key].written:
                continue
            vectors = extractor.recalled(digests.of(extractor), self._cache)
            if vectors is None:
                return False
            self._writers[key].write(owner, vectors)
        return True

    @property
    def join_context(self) -> bool:
        """Whether any metric looks at the frames given, too."""
        return any(extractor.joins_context for extractor in self._extractors.values())

    def have(self, clips: Sequence[tuple[str, str, int]]) -> bool:
        """Whether the features of all these clips, (generator, clip, sample), are stored."""
        return all(writer.written.issuperset(clips) for writer in self._writers.values())

    def __enter__(self) -> SetFeatures:
        return self

    def __exit__(self, *_: object) -> None:
        if self._extractors and self._cache.problem:
            self._run.warn(self._cache.problem)
        self._opened.close()


def _key_of(owner: Owner) -> tuple[str, str, int]:
    return owner.generator, owner.clip_id, owner.sample


def _array_name(key: str) -> str:
    """A file name that says what the key says, as far as it is short."""
    return f"{key[:48]}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
