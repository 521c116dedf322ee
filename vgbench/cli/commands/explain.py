"""vgbench explain."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import click

from vgbench.cli.option_list import options_of, preset_lines
from vgbench.specs import DatasetSpec, GeneratorSpec, MetricSpec

WIDTH = 96


@click.command("explain")
@click.argument("name")
def command(name: str) -> int:
    """Say what NAME means: a metric (`ssim`, `ssim@wang`), a generator, a data set or a protocol."""
    click.echo("\n".join(_explanation(name)))
    return 0


def _explanation(name: str) -> Iterator[str]:
    from vgbench.errors import UnknownName
    from vgbench.plugins.registry import load_registry

    registry = load_registry()
    catalogues = (registry.metrics, registry.generators, registry.datasets, registry.protocols)
    for catalogue in catalogues:
        try:
            entry = catalogue.get(name)
        except UnknownName:
            continue
        spec = entry.spec
        if isinstance(spec, MetricSpec):
            yield from _metric(name, spec)
        elif isinstance(spec, GeneratorSpec):
            yield from _generator(spec, str(entry.plugin))
            yield from _options(entry.config_class())
        elif isinstance(spec, DatasetSpec):
            yield from _dataset(spec, str(entry.plugin))
            yield from _options(entry.config_class())
        else:
            yield from [f"{spec.name}: {spec.summary}", "", spec.path.read_text(encoding="utf-8").rstrip()]
        return
    known = {entry.short_name for catalogue in catalogues for entry in catalogue} | {entry.spec.name for entry in registry.metrics}
    raise UnknownName("name", name, known, [str(problem) for problem in registry.plugins.problems])


def _metric(name: str, spec: MetricSpec) -> Iterator[str]:
    from vgbench.metrics.page import reported_by

    yield f"{spec.id}: {spec.summary}"
    facts = {
        "compares": {"paired": "each clip with its reference", "single": "each clip alone", "set": "two sets of clips"}[spec.kind],
        "direction": {"higher": "higher is better", "lower": "lower is better", "toward-1": "the nearer to 1 the better"}[spec.better],
        "perfect": "no such value" if spec.perfect is None else f"{spec.perfect:g}",
        "unit": spec.unit or "none",
        "reported by": reported_by(spec.id),
    }
    yield from _paragraphs(facts | dict(spec.card))
    if "@" not in name:
        yield from _other_variants(spec)


def _other_variants(spec: MetricSpec) -> Iterator[str]:
    from vgbench.metrics.page import reported_by
    from vgbench.plugins.registry import load_registry

    others = [entry.spec for entry in load_registry().metrics if entry.spec.name == spec.name and entry.spec.id != spec.id]
    if others:
        yield ""
        yield f"'{spec.name}' stands for {spec.id}. Other definitions under the same name, whose numbers do not compare with it:"
        width = max(len(other.id) for other in others)
        for other in others:
            peers = reported_by(other.id)
            text = f"{other.summary} Reported by {peers}." if peers else other.summary
            yield from _wrapped(f"  {other.id.ljust(width)}  {text}", indent=width + 4)
        yield f"`vgbench explain {others[0].id}` says more."


def _generator(spec: GeneratorSpec, plugin: str) -> Iterator[str]:
    yield f"{spec.name}: {spec.summary}"
    facts = {
        "plugin": plugin,
        "trained": "yes, by vgbench train" if spec.trainable else "no",
        "deterministic": "yes" if spec.deterministic else "no: each clip depends on its seed",
        "reference": "is shown the real clips: scored only where it is named, marked, not ranked" if spec.sees_reference else "",
        "context": f"at least {spec.min_context} frame{'' if spec.min_context == 1 else 's'}",
        "variants": ", ".join(spec.variants),
        "citation": spec.citation,
        "licence": spec.licence,
    }
    yield from _paragraphs(facts | dict(spec.card))


def _options(config_class: type | None) -> Iterator[str]:
    if config_class is None:
        return
    yield ""
    yield "Options and their defaults:"
    for heading, text in options_of(config_class):
        yield from _wrapped(f"  {heading}", indent=6)
        yield from _wrapped(f"      {text}", indent=6) if text else ()
    for line in preset_lines(config_class):
        yield from _wrapped(line, indent=2)


def _dataset(spec: DatasetSpec, plugin: str) -> Iterator[str]:
    yield f"{spec.name}: {spec.summary}"
    facts = {
        "plugin": plugin,
        "splits": ", ".join(spec.splits) or "as the folder has them",
        "source": spec.source,
        "licence": spec.licence,
        "citation": spec.citation,
    }
    yield from _paragraphs(facts)


def _paragraphs(facts: dict[str, str]) -> Iterator[str]:
    shown = {key: text for key, text in facts.items() if text}
    width = max(len(key) for key in shown)
    for key, text in shown.items():
        yield from _wrapped(f"  {key.ljust(width)}  {text}", indent=width + 4)


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, drop_whitespace=True, break_on_hyphens=False) or [text]
