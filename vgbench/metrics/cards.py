"""What the cards of one family have in common."""

from __future__ import annotations

from collections.abc import Mapping

from vgbench.specs import Direction, MetricSpec

HEADINGS = ("formula", "range", "colour", "window", "padding", "pooling", "identical frames", "source", "same as", "beware")
"""What every card says, in this order."""


class Family:
    """Variants of one metric name, which share most of their cards."""

    def __init__(self, name: str, *, better: Direction, perfect: float, unit: str, module: str, card: Mapping[str, str]) -> None:
        self.name, self.better, self.perfect, self.unit, self.module, self.card = name, better, perfect, unit, module, card

    def variant(self, variant: str, target: str, summary: str, *, unit: str | None = None, **card: str) -> MetricSpec:
        """The spec of one variant; `card` says where it differs from the family, spaces in a heading written as _."""
        own = {heading.replace("_", " "): text for heading, text in card.items()}
        merged = {**self.card, **own}
        return MetricSpec(
            name=self.name,
            variant=variant,
            summary=summary,
            target=f"{self.module}:{target}",
            kind="paired",
            better=self.better,
            perfect=self.perfect,
            unit=self.unit if unit is None else unit,
            card={heading: merged[heading] for heading in HEADINGS},
        )
