"""The records that plugins return from their hooks: light descriptions whose target is imported on first use.

A `target` is the string "package.module:Name". Nothing here imports torch, so that listing what is installed stays instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

Kind = Literal["paired", "single", "set"]
Direction = Literal["higher", "lower", "toward-1"]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What every record has."""

    noun: ClassVar[str]
    """What messages call it."""
    name: str
    """Lower-case with hyphens, as users type it: `copy-first`."""
    summary: str
    """One sentence for `vgbench list`."""

    @property
    def id(self) -> str:
        """What it is known by among those of its plugin."""
        return self.name


@dataclass(frozen=True, kw_only=True)
class GeneratorSpec(Spec):
    """A generator that a plugin offers."""

    noun = "generator"
    target: str
    """The class, "package.module:Class": a subclass of `Generator`, or of `TrainableGenerator` where `trainable`."""
    config: str | type | None = None
    """A frozen dataclass with every option and its default, or its "package.module:Class"; None: the class gets None.

    Fields named `size` (height, width), `frames`, `channels`, `context` and `target_start` are filled from the protocol. A class variable
    `presets` maps preset names to field values."""
    variants: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Variant name → the configuration values it sets. A variant named after a stage needs training up to that stage only."""
    trainable: bool = False
    """Whether `vgbench train` applies; such a generator needs a run or a file to be evaluated."""
    deterministic: bool = True
    """Whether the same request gives the same clip whatever its seeds; if not, the protocol's samples per clip apply."""
    min_context: int = 1
    """The fewest context frames it can work from; a protocol that gives fewer leaves it out with a note."""
    citation: str = ""
    licence: str = ""
    needs: tuple[str, ...] = ()
    """Importable modules it needs beyond its distribution's dependencies; a missing one is named before anything is loaded."""
    sees_reference: bool = False
    """Whether it is shown the real clips, for rows that others are held against; its class is a `ReferenceGenerator`. Such a row is scored
    only where it is named, is marked in every table, and is neither ranked nor tested."""
    card: Mapping[str, str] = field(default_factory=dict)
    """Heading → text for `vgbench explain`: method, source, parameters, cost, differs, and what else a reader of its row needs."""


@dataclass(frozen=True, kw_only=True)
class DatasetSpec(Spec):
    """A data set that a plugin offers."""

    noun = "data set"
    target: str
    """The class, "package.module:Class": a subclass of `Dataset`."""
    config: str | type | None = None
    """A frozen dataclass with every option and its default, or its "package.module:Class"; None: the class gets None."""
    splits: tuple[str, ...] = ()
    """The splits that `Dataset.sources` accepts; empty: they depend on the folder."""
    licence: str = ""
    source: str = ""
    """Where it comes from and how to get it."""
    citation: str = ""


@dataclass(frozen=True, kw_only=True)
class MetricSpec(Spec):
    """One variant of a metric, with everything a reader needs to know what its number means.

    The first variant that is listed under a name is what the bare name stands for.
    """

    noun = "metric"
    variant: str = ""
    target: str
    """A callable without arguments, "package.module:Name", that gives a `PairedMetric` or a `SetMetric`."""
    kind: Kind
    """paired: compared with the reference clip; single: looks at the generated clip alone; set: compares two sets of clips."""
    better: Direction
    perfect: float | None = None
    """The value of a perfect clip; None where there is none."""
    unit: str = ""
    card: Mapping[str, str] = field(default_factory=dict)
    """Heading → text: formula, range, colour, window, padding, pooling, source, same as, beware."""

    @property
    def id(self) -> str:
        """`name@variant`, or `name` where there is but one definition."""
        return f"{self.name}@{self.variant}" if self.variant else self.name


@dataclass(frozen=True, kw_only=True)
class ReportSpec(Spec):
    """A format of `vgbench report`."""

    noun = "report format"
    target: str
    """A callable, "package.module:function", from a `Leaderboard` to the report's text; `published` numbers are no rows."""
    suffix: str
    """The file suffix, with its dot."""


@dataclass(frozen=True, kw_only=True)
class ProtocolSpec(Spec):
    """A protocol that a plugin ships as a TOML file."""

    noun = "protocol"
    path: Path
