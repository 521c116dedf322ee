"""A suite: which generators are trained and scored alike, with which seeds, under which protocol, for how long."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vgbench.config import DEFAULT_METRICS, DEFAULT_PROTOCOL, Layer, read_toml, resolve
from vgbench.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long a member is trained."""

    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("give steps or minutes, one of them")
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps is {self.steps}, it must be at least 1")
        if self.minutes is not None and self.minutes <= 0:
            raise ValueError(f"minutes is {self.minutes:g}, it must be above 0")

    def __str__(self) -> str:
        return f"{self.steps:,} steps" if self.steps is not None else f"{self.minutes:g} minutes"


@dataclass(frozen=True, kw_only=True)
class Member:
    """One generator of a suite."""

    name: str = ""
    """What its row is called; by default as the generator."""
    generator: str
    preset: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """Values of the generator's configuration."""
    budget: Mapping[str, Any] | None = None
    """Its own, in place of the suite's."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Its options as `--set` takes them."""
        return tuple(f"{key}={json.dumps(value)}" for key, value in self.options.items())


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Members, seeds, protocol, metrics and budget, as a file has them."""

    name: str = ""
    """By default the file's, without its suffix."""
    protocol: str = DEFAULT_PROTOCOL
    metrics: tuple[str, ...] = DEFAULT_METRICS
    seeds: tuple[int, ...] = (0,)
    budget: Mapping[str, Any] | None = None
    """Equal for all members; None: as long as each one's preset says."""
    members: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name {self.name!r} is to become a folder's: use letters, digits, '.', '_' and '-'")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"seeds are {list(self.seeds)}; give at least one, each once, none below 0")
        if not self.metrics:
            raise ValueError("metrics are empty; name at least one")


@dataclass(frozen=True, kw_only=True)
class LoadedSuite:
    """A suite with its members, each checked as far as its own keys go."""

    suite: Suite
    members: Sequence[Member]
    budgets: Mapping[str, Budget | None]
    """Member → how long it is trained; None: as its preset says."""


def load_suite(path: Path) -> LoadedSuite:
    """The suite of a TOML file.

    ConfigError: the file, an unknown key (with the nearest name), a value, two members of one name, or no member.
    """
    table = {"name": path.stem, **read_toml(path)}
    suite = resolve(Suite, [Layer("the file", table)], owner=f"suite {path}", way="in the file").config
    if not suite.members:
        raise ConfigError(f"Suite {path} has no members; write a [[members]] section for each, with generator = NAME.")
    members = [_member(row, number, path) for number, row in enumerate(suite.members, start=1)]
    names = [member.name for member in members]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"Suite {path} has {names.count(name)} members called '{name}'; give each a name of its own: name = \"…\".")
    shared = None if suite.budget is None else _budget(suite.budget, f"[budget] of suite {path}")
    own = {
        member.name: shared if member.budget is None else _budget(member.budget, f"budget of member {member.name} of suite {path}")
        for member in members
    }
    return LoadedSuite(suite=suite, members=members, budgets=own)


def _member(row: Mapping[str, Any], number: int, path: Path) -> Member:
    owner = f"member {row.get('name') or row.get('generator') or number} of suite {path}"
    member: Member = resolve(Member, [Layer("the file", row)], owner=owner, way="in its section").config
    member = replace(member, name=member.name or member.generator)
    if not re.fullmatch(r"\w[^=:@,/\s]*", member.name) or not member.name.isprintable():
        raise ConfigError(
            f"{owner}: the name {member.name!r} cannot be a row's label; begin it with a letter or digit, and leave out "
            "'=', ':', '@', ',', '/' and spaces."
        )
    return member


def _budget(table: Mapping[str, Any], owner: str) -> Budget:
    budget: Budget = resolve(Budget, [Layer("the file", table)], owner=owner, way="in that section").config
    return budget
