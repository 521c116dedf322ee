"""The jobs of a suite: each member with each seed, and which of them are asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from vgbench.errors import ConfigError, UnknownName
from vgbench.plugins.registry import load_registry
from vgbench.suite.suite import LoadedSuite, Member

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One member with one seed."""

    member: Member
    seed: int | None
    """None: it is not trained, so that there is one job for all seeds."""

    @property
    def name(self) -> str:
        """Unique in the suite."""
        return self.member.name if self.seed is None else f"{self.member.name}/{self.seed}"


def jobs_of(loaded: LoadedSuite) -> list[Job]:
    """All jobs, seed by seed, so that a part of them has something of every member; what is not trained comes first."""
    generators = load_registry().generators
    trained: list[Member] = []
    untrained: list[Member] = []
    for member in loaded.members:
        try:
            is_trained = generators.get(member.generator).spec.trainable
        except UnknownName:  # it will be said of the member, and costs no other
            is_trained = False
        (trained if is_trained else untrained).append(member)
    return [
        *(Job(member=member, seed=None) for member in untrained),
        *(Job(member=member, seed=seed) for seed in loaded.suite.seeds for member in trained),
    ]


def selected(jobs: Sequence[Job], text: str | None) -> list[Job]:
    """The jobs that `--select` names: members or jobs by their names, with commas between, or part i of n; None: all.

    UnknownName: no member or job of that name.  ConfigError: no part of n.
    """
    if text is None:
        return list(jobs)
    part = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = {name for job in jobs for name in (job.name, job.member.name)}
    if part and text.strip() not in known:
        return list(part_of(jobs, int(part[1]), int(part[2])))
    for name in names:
        if name not in known:
            raise UnknownName("member of this suite", name, known)
    if not names:
        raise ConfigError("--select: name members, or write i/n for the i-th of n parts.")
    return [job for job in jobs if job.name in names or job.member.name in names]


def part_of(items: Sequence[Item], number: int, parts: int) -> Sequence[Item]:
    """Every so many of the items, from the `number`-th on.  ConfigError: there is no such part."""
    if not 1 <= number <= parts:
        raise ConfigError(f"--select {number}/{parts}: parts are numbered from 1 to {max(parts, 1)}, as 1/4, 2/4, 3/4 and 4/4.")
    return items[number - 1 :: parts]
