"""Scoring a batch: every metric over the same pair of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

from vgbench.errors import MetricError
from vgbench.guard import guarded
from vgbench.interfaces import PairedMetric
from vgbench.registry import Entry, load_registry
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
    from torch import Tensor


class Measured(NamedTuple):
    """What a batch scored."""

    scores: list[dict[str, list[float]]]
    """For each clip: metric id → its values."""
    perfect: list[int]
    """For each clip: how many frames equal the reference in every bit."""


class Scorer:
    """The metrics of an evaluation, loaded once."""

    def __init__(self, entries: Sequence[Entry[MetricSpec]]) -> None:
        self._metrics: list[tuple[Entry[MetricSpec], PairedMetric]] = []
        for entry in entries:
            target = entry.load()
            with guarded(MetricError, _who(entry)):
                metric = target()
            if not isinstance(metric, PairedMetric):
                raise MetricError(f"{entry.short_name} of {entry.plugin} is a {type(metric).__name__}, not a PairedMetric.")
            self._metrics.append((entry, metric))

    def measure(self, clips: Tensor, references: Tensor) -> Measured:
        """The scores of uint8 (B, T, C, H, W) clips against their references.

        MetricError: a metric cannot take these clips, or breaks its contract; the message names it.
        """
        scores: list[dict[str, list[float]]] = [{} for _ in clips]
        for entry, metric in self._metrics:
            for clip_scores, values in zip(scores, self._values(entry, metric, clips, references), strict=True):
                clip_scores[entry.short_name] = values
        equal = (clips == references).flatten(2).all(dim=2).sum(dim=1)
        return Measured(scores, equal.tolist())

    def _values(self, entry: Entry[MetricSpec], metric: PairedMetric, clips: Tensor, references: Tensor) -> list[list[float]]:
        import torch

        versions = clips._version, references._version
        with guarded(MetricError, _who(entry)):
            values = metric.measure(clips, references if entry.spec.kind == "paired" else cast("Tensor", None))
        if versions != (clips._version, references._version):
            raise MetricError(f"{_who(entry)} changed the clips it was given; measure() must leave them as they are.")
        if not isinstance(values, torch.Tensor) or values.ndim != 2 or len(values) != len(clips) or values.shape[1] == 0:
            got = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
            raise MetricError(f"{_who(entry)} returned {got} for {len(clips)} clips; measure() returns (B, K).")
        if values.is_complex():
            raise MetricError(f"{_who(entry)} returned {values.dtype}; measure() returns real numbers.")
        rows: list[list[float]] = values.to("cpu", torch.float64).tolist()
        return rows


def _who(entry: Entry[MetricSpec]) -> str:
    return f"metric {entry.short_name} ({entry.plugin})"


def find_metric(name: str) -> Entry[MetricSpec]:
    """The entry of a metric's name; where two plugins offer its id, the spec's name gets its plugin in front.

    UnknownName, AmbiguousName: the name.
    """
    metrics = load_registry().metrics
    entry = metrics.get(name)
    if metrics.display_name(entry) == entry.short_name:
        return entry
    return replace(entry, spec=replace(entry.spec, name=f"{entry.plugin.name}/{entry.spec.name}"))


def choose_metrics(names: Sequence[str]) -> list[Entry[MetricSpec]]:
    """The entries of metric names, each once, in order.

    UnknownName, AmbiguousName: a name.  MetricError: a metric that compares sets, which a table of clips cannot hold.
    """
    if isinstance(names, str):
        raise MetricError(f"metrics is a list of names, such as ['{names}'], not the text '{names}'.")
    entries: dict[str, Entry[MetricSpec]] = {}
    for name in names:
        entry = find_metric(name)
        if entry.spec.kind == "set":
            raise MetricError(f"{name} compares two sets of clips by their features, which this version cannot score yet.")
        entries.setdefault(entry.short_name, entry)
    if not entries:
        raise MetricError("No metric is named; try --metrics mse,psnr,ssim.")
    return list(entries.values())


def peer_metrics(peer: str) -> list[str]:
    """The ids of the metrics that reproduce a peer's numbers.

    UnknownName: no such peer.
    """
    from vgbench.errors import UnknownName
    from vgbench.metrics.catalogue import BUNDLES

    if peer not in BUNDLES:
        raise UnknownName("peer", peer, BUNDLES)
    return list(BUNDLES[peer])
