"""Names of metrics → their entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from vgbench.errors import MetricError
from vgbench.plugins.registry import Entry, load_registry
from vgbench.specs import MetricSpec


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

    UnknownName, AmbiguousName: a name.  MetricError: there is none.
    """
    if isinstance(names, str):
        raise MetricError(f"metrics is a list of names, such as ['{names}'], not the text '{names}'.")
    entries: dict[str, Entry[MetricSpec]] = {}
    for name in names:
        entry = find_metric(name)
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
