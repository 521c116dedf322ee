"""The audit of metrics: how each one answers graded distortions of real clips, and what it is blind to."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vgbench.audit.distortions import DISTORTIONS, Distortion
from vgbench.config import DEFAULT_AUDIT_CLIPS, DEFAULT_PROTOCOL
from vgbench.data.protocol_data import ProtocolData
from vgbench.devices import choose_device
from vgbench.errors import ConfigError, MetricError, UnknownName, VgbenchError
from vgbench.interfaces import SetMetric
from vgbench.plugins.observers import Observer
from vgbench.plugins.registry import Entry, load_registry
from vgbench.protocol import Protocol, as_protocol, load_protocol
from vgbench.scoring.feature_cache import FeatureCache
from vgbench.scoring.lookup import choose_metrics, load_metric
from vgbench.scoring.pooling import Column, Pooling
from vgbench.scoring.scorer import Scorer
from vgbench.scoring.set_features import cached_features
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor

BLIND = 0.02
"""Under this share of a metric's largest response to anything, it is blind to a distortion."""


class Response(NamedTuple):
    """A metric's value under one grade of a distortion."""

    distortion: str
    grade: int
    """From 1, the weakest."""
    amount: float
    """What the grade does, in the distortion's own unit."""
    metric: str
    value: float
    share: float
    """How far the value is from the undistorted one, as a share of the metric's largest response to anything; in log scale for ratios."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found."""

    protocol: Mapping[str, Any]
    """Its name, and the number of clips."""
    metrics: Sequence[MetricSpec]
    undistorted: Mapping[str, float]
    """Metric id → its value for clips that equal their references; for a distance between sets, that of the set from itself."""
    responses: Sequence[Response]
    failures: Mapping[str, str] = field(default_factory=dict)
    """Metric id → why it has no column."""

    def of(self, metric: str, distortion: str) -> list[Response]:
        """A metric's responses to a distortion, the weakest first."""
        return [response for response in self.responses if (response.metric, response.distortion) == (metric, distortion)]

    def sees(self, metric: str, distortion: str) -> bool:
        """Whether any grade moves the metric by more than `BLIND`."""
        return any(not response.share < BLIND for response in self.of(metric, distortion))


def audit(
    metrics: Sequence[str],
    *,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    data: Mapping[str, Path] | None = None,
    clips: int = DEFAULT_AUDIT_CLIPS,
    seed: int = 0,
    device: str = "auto",
    observer: Observer | None = None,
) -> Audit:
    """Distort a protocol's first test clips in every way and grade, and score them against the clips as they were.

    The frames that count are those the protocol scores.  A metric that cannot take the clips has no column, and a failure instead.

    VgbenchError: a name, the data; if every metric fails, the first failure.  ConfigError: fewer than two clips.
    """
    if clips < 2:
        raise ConfigError(f"An audit takes at least 2 clips, not {clips}.")
    observer = observer or Observer()
    entries = choose_metrics(metrics)
    opened = ProtocolData(as_protocol(protocol), data or {})
    chosen = opened.clips("test")[:clips]
    columns = _Columns(entries, choose_device(device), observer)
    for done, clip in enumerate(chosen, start=1):
        task = opened.protocol.task
        frames = task.counted(opened.read(clip))
        columns.add("", 0, frames, frames)
        for distortion, grade in _grades():
            columns.add(distortion.name, grade, _distorted(frames, distortion, grade, seed, clip.clip_id), frames)
        observer.advanced("clips", done, len(chosen))
    return columns.concluded({"name": opened.protocol.name, "n_clips": len(chosen), "n_frames": len(frames)})


def protocol_of(dataset: str) -> str:
    """The first shipped protocol of a data set.  UnknownName: there is no such data set, or no protocol of it."""
    load_registry().datasets.get(dataset)
    found = [entry.spec.name for entry in load_registry().protocols if load_protocol(entry.spec.name).data.dataset == dataset]
    if not found:
        raise UnknownName("protocol of data set", dataset, {load_protocol(e.spec.name).data.dataset for e in load_registry().protocols})
    return found[0]


def _grades() -> Iterator[tuple[Distortion, int]]:
    for distortion in DISTORTIONS:
        for grade in range(1, len(distortion.grades) + 1):
            yield distortion, grade


def _distorted(frames: Tensor, distortion: Distortion, grade: int, seed: int, clip_id: str) -> Tensor:
    """The same for a clip whatever else is audited."""
    import torch

    digest = hashlib.sha256(f"{seed} {distortion.name} {grade} {clip_id}".encode()).digest()
    rng = torch.Generator().manual_seed(int.from_bytes(digest[:7]))
    return distortion.apply(frames, distortion.grades[grade - 1], rng)


class _Columns:
    """Each metric's values while clips come in."""

    def __init__(self, entries: Sequence[Entry[MetricSpec]], device: torch.device, observer: Observer) -> None:
        self._device, self._observer = device, observer
        self._cache = FeatureCache()
        self._failures: dict[str, VgbenchError] = {}
        self._entries = {entry.short_name: entry for entry in entries}
        self._scorers: dict[str, Scorer] = {}
        self._sets: dict[str, SetMetric] = {}
        self._values: dict[tuple[str, str, int], Column] = {}
        self._features: dict[tuple[str, str, int], list[Any]] = {}
        for name, entry in self._entries.items():
            try:
                if entry.spec.kind == "set":
                    metric: SetMetric = load_metric(entry, SetMetric)  # type: ignore[type-abstract] # only compared with
                    metric.prepare()
                    self._sets[name] = metric
                else:
                    self._scorers[name] = Scorer([entry])
            except VgbenchError as error:
                self._drop(name, error)

    def add(self, distortion: str, grade: int, clip: Tensor, reference: Tensor) -> None:
        """Score one clip (T, C, H, W) against what it was."""
        distorted, real = clip[None].to(self._device), reference[None].to(self._device)
        for name, scorer in list(self._scorers.items()):
            try:
                self._values.setdefault((name, distortion, grade), Column()).append(scorer.measure(distorted, real).scores[0][name])
            except VgbenchError as error:
                self._drop(name, error)
        for name, metric in list(self._sets.items()):
            try:
                vectors = cached_features(self._entries[name], metric, distorted, self._cache)
                self._features.setdefault((name, distortion, grade), []).append(vectors[0])
            except VgbenchError as error:
                self._drop(name, error)

    def concluded(self, protocol: Mapping[str, Any]) -> Audit:
        """MetricError or another: every metric failed."""
        if not self._scorers and not self._sets:
            raise next(iter(self._failures.values()))
        specs = [entry.spec for name, entry in self._entries.items() if name in self._scorers or name in self._sets]
        undistorted, responses = {}, []
        for spec in specs:
            values = self._pooled(spec)
            undistorted[spec.id] = values["", 0]
            responses += _responses(spec, values)
        self._cache.close()
        failures = {name: str(error) for name, error in self._failures.items()}
        return Audit(protocol=protocol, metrics=specs, undistorted=undistorted, responses=responses, failures=failures)

    def _pooled(self, spec: MetricSpec) -> dict[tuple[str, int], float]:
        """(distortion, grade) → the metric's number over all clips."""
        import numpy as np

        if spec.kind == "set":
            sets = {key[1:]: np.concatenate(vectors) for key, vectors in self._features.items() if key[0] == spec.id}
            return {key: float(self._sets[spec.id].distance(sets["", 0], vectors)) for key, vectors in sets.items()}
        pooling = Pooling(spec)
        columns = {key[1:]: column for key, column in self._values.items() if key[0] == spec.id}
        return {key: pooling.pooled(pooling.per_clip(column, np.arange(len(column)))) for key, column in columns.items()}

    def _drop(self, name: str, error: VgbenchError) -> None:
        self._failures[name] = error
        self._scorers.pop(name, None)
        self._sets.pop(name, None)
        self._observer.note(f"{name} has no column: {error}")


def _responses(spec: MetricSpec, values: Mapping[tuple[str, int], float]) -> list[Response]:
    distances = {key: _distance(value, values["", 0], spec) for key, value in values.items()}
    largest = max((one for one in distances.values() if math.isfinite(one)), default=0.0)
    found = []
    for distortion, grade in _grades():
        distance = distances[distortion.name, grade]
        share = 1.0 if math.isinf(distance) else (distance / largest if largest else 0.0)
        value = values[distortion.name, grade]
        found.append(Response(distortion.name, grade, distortion.grades[grade - 1], spec.id, value, share))
    return found


def _distance(value: float, undistorted: float, spec: MetricSpec) -> float:
    if spec.better == "toward-1":
        return abs(math.log(value / undistorted)) if value > 0 and undistorted > 0 else math.inf
    if math.isnan(value):
        raise MetricError(f"metric {spec.id} gave NaN for a distorted clip.")
    return abs(value - undistorted)
