"""What the cards of one family have in common."""

from __future__ import annotations

from collections.abc import Mapping

from vgbench.specs import Direction, Kind, MetricSpec

HEADINGS = (
    "formula",
    "features",
    "range",
    "colour",
    "resize",
    "window",
    "padding",
    "frames",
    "covariance",
    "pooling",
    "interval",
    "identical frames",
    "weights",
    "needs",
    "source",
    "same as",
    "beware",
)
"""What a card may say, in this order."""
ALWAYS = ("formula", "range", "colour", "pooling", "source", "same as", "beware")
"""What every card says; paired metrics on pixels also have a window, padding and what identical frames give."""


class Family:
    """Variants of one metric name, which share most of their cards."""

    def __init__(
        self,
        name: str,
        *,
        better: Direction,
        perfect: float | None,
        unit: str,
        module: str,
        card: Mapping[str, str],
        kind: Kind = "paired",
    ) -> None:
        self.name, self.better, self.perfect, self.unit, self.module, self.card, self.kind = name, better, perfect, unit, module, card, kind

    def variant(
        self, variant: str, summary: str, *, target: str = "", module: str = "", unit: str | None = None, **card: str
    ) -> MetricSpec:
        """The spec of one variant, or of a metric of one definition ("").

        target: a name in the module; by default that of the factory called as the id is, `psnr_y_limited` for psnr@y-limited.
        module: by default the family's.
        card: where it differs from the family, spaces in a heading written as _.
        """
        own = {heading.replace("_", " "): text for heading, text in card.items()}
        merged = {**self.card, **own}
        unknown = [heading for heading in merged if heading not in HEADINGS]
        missing = [heading for heading in ALWAYS if not merged.get(heading)]
        assert not unknown, f"{self.name}@{variant} has headings that no card has: {unknown}"
        assert not missing, f"{self.name}@{variant} does not say its {missing}"
        return MetricSpec(
            name=self.name,
            variant=variant,
            summary=summary,
            target=f"{module or self.module}:{target or f'{self.name}_{variant}'.replace('-', '_')}",
            kind=self.kind,
            better=self.better,
            perfect=self.perfect,
            unit=self.unit if unit is None else unit,
            card={heading: merged[heading] for heading in HEADINGS if heading in merged},
        )
