"""The page of all metrics, made from their cards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from vgbench.metrics.catalogue import BUNDLES, metric_specs
from vgbench.specs import MetricSpec

_KINDS = {"paired": "each clip with its reference", "single": "each clip alone", "set": "two sets of clips"}


def page(specs: Sequence[MetricSpec]) -> str:
    """Markdown: a table of all variants, then a section a name with every card; what all variants share is said once."""
    lines = [
        "# Metrics",
        "",
        "Made from the cards by `make docs`; `vgbench explain NAME` prints the same. A bare name means the first variant under it.",
        "",
        "| id | compares | better | perfect | unit | reported by |",
        "| --- | --- | --- | ---: | --- | --- |",
    ]
    for spec in specs:
        perfect = "–" if spec.perfect is None else f"{spec.perfect:g}"
        cells = [f"`{spec.id}`", _KINDS[spec.kind], spec.better, perfect, spec.unit or "–", reported_by(spec.id) or "–"]
        lines.append("| " + " | ".join(cells) + " |")
    for name, variants in groupby(specs, key=lambda spec: spec.name):
        lines += _section(name, list(variants))
    return "\n".join(lines) + "\n"


def reported_by(metric: str) -> str:
    """The peers whose own code reports that variant, as `--as` names them."""
    return ", ".join(peer for peer, bundle in BUNDLES.items() if metric in bundle)


def _section(name: str, variants: Sequence[MetricSpec]) -> Iterator[str]:
    first = variants[0]
    shared = {heading: text for heading, text in first.card.items() if all(other.card.get(heading) == text for other in variants)}
    yield from ["", f"## {name}", ""]
    if len(variants) == 1:
        yield from [first.summary, ""]
    yield from _facts(shared)
    for spec in variants if len(variants) > 1 else ():
        own = {heading: text for heading, text in spec.card.items() if heading not in shared}
        yield from ["", f"### {spec.id}", "", spec.summary, ""]
        yield from _facts(own)


def _facts(facts: dict[str, str]) -> Iterator[str]:
    for heading, text in facts.items():
        if text != "–":
            escaped = text.replace("*", "\\*").replace("_", "\\_")
            yield f"- **{heading}**: {escaped}"


def write_page(path: Path) -> None:
    """Write the page of the core's metrics."""
    path.write_text(page(metric_specs()), encoding="utf-8")
