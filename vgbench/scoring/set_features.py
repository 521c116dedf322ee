"""Features of clips for the metrics that compare sets: each network run once a clip, and not at all where the cache knows it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vgbench.errors import MetricError
from vgbench.interfaces import SetMetric
from vgbench.plugins.guard import guarded
from vgbench.plugins.registry import Entry
from vgbench.runs.features import FeatureWriter, Owner
from vgbench.runs.run import EvalRun
from vgbench.scoring.feature_cache import FeatureCache
from vgbench.scoring.lookup import load_metric
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Vectors = NDArray[np.floating[Any]]


class SetScorer:
    """The set metrics of an evaluation; metrics of one feature key share their features."""

    def __init__(self, entries: Sequence[Entry[MetricSpec]]) -> None:
        self._metrics: dict[str, tuple[Entry[MetricSpec], SetMetric]] = {}
        self.keys: dict[str, str] = {}
        """Metric id → the key of its features; its own id where it has none."""
        self._cached: set[str] = set()
        for entry in entries:
            metric: SetMetric = load_metric(entry, SetMetric)  # type: ignore[type-abstract] # only compared with
            with guarded(MetricError, f"metric {entry.short_name} ({entry.plugin})", entry.spec.target):
                metric.prepare()
                key = metric.feature_key()
            if key:
                self._cached.add(key)
            self.keys[entry.short_name] = key or entry.short_name
            self._metrics.setdefault(key or entry.short_name, (entry, metric))

    def open(self, run: EvalRun) -> SetFeatures:
        """The features of a run, to be added to; the run's record says where they are and what they come from."""
        arrays = {metric: _array_name(key) for metric, key in self.keys.items()}
        run.record = replace(run.record, features=self.keys, feature_arrays=arrays)
        return SetFeatures(self._metrics, self._cached, run)


class SetFeatures:
    """The features of one run while it is evaluated."""

    def __init__(self, metrics: dict[str, tuple[Entry[MetricSpec], SetMetric]], cached: set[str], run: EvalRun) -> None:
        self._metrics, self._cached, self._run = metrics, cached, run
        with ExitStack() as opened:
            self._writers = {key: FeatureWriter(run.path, _array_name(key)) for key in metrics}
            for writer in self._writers.values():
                opened.callback(writer.close)
            self._cache = FeatureCache() if cached else None
            if self._cache is not None:
                opened.callback(self._cache.close)
            self._opened = opened.pop_all()

    def add(self, owners: Sequence[Owner], clips: Tensor) -> None:
        """Compute and store the features of uint8 (B, T, C, H, W) clips, those of a clip that is there already excepted.

        MetricError: a network cannot take them, or gives what is not finite.
        """
        digests = [_digest(clip) for clip in clips] if self._cached else [b""] * len(owners)
        for key, (entry, metric) in self._metrics.items():
            writer = self._writers[key]
            new = [i for i, owner in enumerate(owners) if (owner.generator, owner.clip_id, owner.sample) not in writer.written]
            known = {i: found for i in new if (found := self._recall(key, digests[i])) is not None}
            missing = [i for i in new if i not in known]
            if missing:
                known |= dict(zip(missing, _features(entry, metric, clips[missing]), strict=True))
            for i in new:
                if i in missing:
                    self._keep(key, digests[i], known[i])
                writer.write(owners[i], known[i])

    def have(self, clips: Sequence[tuple[str, str, int]]) -> bool:
        """Whether the features of all these clips, (generator, clip, sample), are stored."""
        return all(writer.written.issuperset(clips) for writer in self._writers.values())

    def _recall(self, key: str, digest: bytes) -> Vectors | None:
        return self._cache.get(key, digest) if self._cache is not None and key in self._cached else None

    def _keep(self, key: str, digest: bytes, vectors: Vectors) -> None:
        if self._cache is not None and key in self._cached:
            self._cache.put(key, digest, vectors)

    def __enter__(self) -> SetFeatures:
        return self

    def __exit__(self, *_: object) -> None:
        if self._cache is not None and self._cache.problem:
            self._run.warn(self._cache.problem)
        self._opened.close()


def cached_features(entry: Entry[MetricSpec], metric: SetMetric, clips: Tensor, cache: FeatureCache) -> list[Vectors]:
    """Each clip's vectors (n, D), taken from the cache where it has them."""
    key = metric.feature_key()
    digests = [_digest(clip) for clip in clips]
    known = [cache.get(key, digest) if key else None for digest in digests]
    missing = [i for i, vectors in enumerate(known) if vectors is None]
    if missing:
        for i, vectors in zip(missing, _features(entry, metric, clips[missing]), strict=True):
            known[i] = vectors
            if key:
                cache.put(key, digests[i], vectors)
    return [vectors for vectors in known if vectors is not None]


def _features(entry: Entry[MetricSpec], metric: SetMetric, clips: Tensor) -> list[Vectors]:
    """Each clip's vectors (n, D)."""
    import numpy as np
    import torch

    who = f"metric {entry.short_name} ({entry.plugin})"
    with guarded(MetricError, who, entry.spec.target), torch.no_grad():
        vectors = metric.features(clips)
    if not isinstance(vectors, torch.Tensor) or vectors.ndim != 2 or not len(vectors) or len(vectors) % len(clips) or not vectors.shape[1]:
        got = tuple(vectors.shape) if isinstance(vectors, torch.Tensor) else type(vectors).__name__
        raise MetricError(f"{who} returned features {got} for {len(clips)} clips; features() returns (B, D) or (B·T, D).")
    array = vectors.detach().cpu().numpy()
    if array.dtype not in (np.float32, np.float64):
        raise MetricError(f"{who} returned features of type {array.dtype}; features() returns float32 or float64.")
    finite = np.isfinite(array.reshape(len(clips), -1)).all(axis=1)
    if not finite.all():
        raise MetricError(f"{who}: the features of {int((~finite).sum())} of {len(clips)} clips are NaN or infinite.")
    return list(array.reshape(len(clips), -1, array.shape[1]))


def _digest(clip: Tensor) -> bytes:
    """Of a clip's shape and pixels."""
    pixels = clip.detach().cpu().contiguous().numpy()
    return hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).digest()


def _array_name(key: str) -> str:
    """A file name that says what the key says, as far as it is short."""
    return f"{key[:48]}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
