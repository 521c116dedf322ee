"""A metric made from its entry, once, and handed down to whoever asks it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from vgbench.devices import arithmetic
from vgbench.errors import MetricError
from vgbench.interfaces import PairedMetric, SetMetric
from vgbench.plugins.guard import guarded
from vgbench.plugins.isolation import isolated
from vgbench.plugins.registry import Entry
from vgbench.plugins.sources import code_hashes
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
    import torch

MetricT = TypeVar("MetricT", PairedMetric, SetMetric)


@dataclass(frozen=True)
class LoadedMetric(Generic[MetricT]):
    """A metric at work, and where it comes from."""

    entry: Entry[MetricSpec]
    metric: MetricT

    @property
    def id(self) -> str:
        """The id its numbers stand under."""
        return self.entry.short_name

    def __str__(self) -> str:
        return f"metric {self.id} ({self.entry.plugin})"

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """A call of its code.  MetricError: it raised."""
        with guarded(MetricError, str(self), self.entry.spec.target), isolated(self.entry.plugin):
            yield

    def identity(self, device: torch.device) -> str | None:
        """What decides a paired metric's numbers for given pixels, as a hash; None where its plugin's code cannot be found."""
        code = code_hashes(self.entry.plugin)
        if code is None or not isinstance(self.metric, PairedMetric):
            return None
        with self.guarded():
            relies_on = {"weights": dict(self.metric.weights()), "on": str(self.metric.relies_on())}
        content = json.dumps([1, self.entry.full_name, code, relies_on, arithmetic(device)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    def prepared(self) -> LoadedMetric[MetricT]:
        """The same, once it has what it needs.  MetricError, WeightsError: it lacks something."""
        with self.guarded():
            self.metric.prepare()
        return self


def load_metric(entry: Entry[MetricSpec], wanted: type[MetricT]) -> LoadedMetric[MetricT]:
    """The entry's metric.  MetricError: it cannot be made, or is of another kind than its spec says."""
    with isolated(entry.plugin):
        target = entry.load()
        with guarded(MetricError, f"metric {entry.short_name} ({entry.plugin})", entry.spec.target):
            metric = target()
    if not isinstance(metric, wanted):
        raise MetricError(f"{entry.short_name} of {entry.plugin} is a {type(metric).__name__}, not a {wanted.__name__}.")
    if isinstance(metric, PairedMetric):
        metric.metric_id = entry.short_name
    return LoadedMetric(entry, metric)
