"""The audit of metrics: how each one answers graded distortions of real clips, and what it is blind to."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vgbench.audit.columns import UNDISTORTED, Columns, Grade
from vgbench.audit.distortions import DISTORTIONS, Distortion
from vgbench.config import DEFAULT_AUDIT_CLIPS, DEFAULT_PROTOCOL
from vgbench.data.protocol_data import ProtocolData
from vgbench.devices import choose_device
from vgbench.errors import ConfigError, MetricError, UnknownName
from vgbench.plugins.observers import Observer
from vgbench.plugins.registry import load_registry
from vgbench.plugins.telling import Telling
from vgbench.protocol import Protocol, as_protocol, load_protocol
from vgbench.scoring.feature_cache import FeatureCache
from vgbench.scoring.lookup import choose_metrics
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
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
    observer = observer or Telling()
    entries = choose_metrics(metrics)
    opened = ProtocolData(as_protocol(protocol), data or {})
    chosen = opened.clips("test")[:clips]
    torch_device = choose_device(device)
    with closing(FeatureCache()) as cache:
        columns = Columns(entries, cache, observer)
        for done, clip in enumerate(chosen, start=1):
            frames = opened.protocol.task.counted(opened.read(clip))
            reference = frames[None].to(torch_device)
            columns.add(UNDISTORTED, reference, reference)
            for distortion, grade in _grades():
                distorted = _distorted(frames, distortion, grade, seed, clip.clip_id)
                columns.add((distortion.name, grade), distorted[None].to(torch_device), reference)
            observer.advanced("clips", done, len(chosen))
        found = columns.values()
    return Audit(
        protocol={"name": opened.protocol.name, "n_clips": len(chosen), "n_frames": len(frames)},
        metrics=[spec for spec, _ in found],
        undistorted={spec.id: values[UNDISTORTED] for spec, values in found},
        responses=[response for spec, values in found for response in _responses(spec, values)],
        failures={name: str(error) for name, error in columns.failures.items()},
    )


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


def _responses(spec: MetricSpec, values: Mapping[Grade, float]) -> list[Response]:
    distances = {key: _distance(value, values[UNDISTORTED], spec) for key, value in values.items()}
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
