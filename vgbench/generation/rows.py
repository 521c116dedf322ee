"""The rows of a table: which generators, of which variant, with which weights; resolved before anything heavy is imported.

A row is written `[label=]generator[:variant][@RUN-or-file]`: `mdgan`, `mdgan:base`, `wide=mdgan@runs/2026-01-01-train-mdgan`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from vgbench.config import DEFAULT_RUNS, plain
from vgbench.errors import ConfigError, RunError, UnknownName
from vgbench.plugins.registry import Entry, load_registry
from vgbench.protocol import Protocol, shape_of
from vgbench.runs.run import TrainRun, find_runs, locate_run
from vgbench.specs import GeneratorSpec

_ROW = re.compile(r"(?:(?P<label>[^=@]+)=)?(?P<generator>[^=:@]+)(?::(?P<variant>[^@]+))?(?:@(?P<origin>.+))?")


class CheckpointChoice(NamedTuple):
    """The checkpoint that a trained row's weights come from, and how it was chosen."""

    checkpoint: Path
    run: str | None
    """The run's folder name; None for a file outside a run."""
    stage: str | None
    """The stage the row needs; None: whatever the file holds."""
    chosen: str = "the last"
    """How this checkpoint was chosen among those of its training."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One generator of a table, ready to be built."""

    label: str
    entry: Entry[GeneratorSpec]
    variant: str | None = None
    choice: CheckpointChoice | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The configuration values its variant sets."""
    is_null: bool = False
    """Whether it is another row drawn anew, with other seeds: what differs between the two means nothing."""

    def __str__(self) -> str:
        name = self.entry.short_name + (f":{self.variant}" if self.variant else "")
        return f"generator '{name}' ({self.entry.plugin})"


class Resolution(NamedTuple):
    """The rows that can be scored, and why others were left out."""

    rows: list[Row]
    notes: list[str]
    failures: dict[str, str]
    """Of those that were named: row → why it is missing."""


class LeftOut(Exception):
    """Why a row has no place in this table; becomes a note."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(f"{label} is left out: {reason}")
        self.label, self.reason = label, reason


class Untrained(LeftOut):
    """A generator that has no training run that fits."""


def resolve_rows(names: Sequence[str] | None, protocol: Protocol, runs: Path) -> Resolution:
    """The rows of the names; without names every generator that fits and is not shown the real clips, with each of its variants.

    UnknownName, AmbiguousName: a generator or variant.  RunError, ConfigError: what stands after @, or two rows of one label.
    """
    rows: list[Row] = []
    notes: list[str] = []
    failures: dict[str, str] = {}
    untrained: list[str] = []
    if isinstance(names, str):
        raise ConfigError(f"generators is a list of names, such as ['{names}'], not the text '{names}'.")
    for text in names if names is not None else _everything():
        try:
            row = _resolve(text, protocol, runs)
        except LeftOut as left_out:
            if names is None and isinstance(left_out, Untrained):
                untrained.append(left_out.label)
                continue
            notes.append(str(left_out))
            if names is not None:
                failures[left_out.label] = left_out.reason
            continue
        if any(row.label == other.label for other in rows):
            raise ConfigError(f"Two rows are called '{row.label}'; give one a label of its own: NAME={text}.")
        rows.append(row)
    if untrained:
        notes.append(f"Left out, as {_no_run('them', runs, protocol)}: {', '.join(untrained)}. {_how_to_train('NAME', protocol, runs)}")
    if not rows:
        raise ConfigError("\n".join(["No generator is left to evaluate.", *notes]))
    return Resolution(rows, notes, failures)


def null_rows(labels: Sequence[str], rows: Sequence[Row]) -> list[Row]:
    """Rows with these labels once more, drawn with other seeds.

    UnknownName: there is no such row.  ConfigError: its generator gives the same clip whatever its seed.
    """
    by_label = {row.label: row for row in rows}
    found = []
    for label in labels:
        if label not in by_label:
            raise UnknownName("row", label, by_label)
        if by_label[label].entry.spec.deterministic:
            raise ConfigError(f"{label} gives the same clip whatever its seed, so a null row of it would be the row itself.")
        found.append(replace(by_label[label], label=f"{label} (null)", is_null=True))
    return found


def _everything() -> list[str]:
    generators = load_registry().generators
    names = []
    for entry in generators:
        if entry.spec.sees_reference:
            continue
        name = generators.display_name(entry)
        names += [name, *(f"{name}:{variant}" for variant in entry.spec.variants)]
    return names


def row_without_weights(text: str, protocol: Protocol) -> Row:
    """The row of a name whose weights come from elsewhere.

    UnknownName, AmbiguousName: a generator or variant.  ConfigError: the text is no row, names a run, or does not fit the protocol.
    """
    try:
        row, origin = _named(text, protocol)
    except LeftOut as reason:
        raise ConfigError(str(reason)) from reason
    if origin is not None:
        raise ConfigError(f"'{text}' names a run or file after @ and gets its weights from --checkpoint as well; leave out one of them.")
    return row


def _resolve(text: str, protocol: Protocol, runs: Path) -> Row:
    row, origin = _named(text, protocol)
    if row.entry.spec.trainable:
        return replace(row, choice=choose_checkpoint(row.entry, row.variant, origin, protocol, runs, row.label))
    if origin is not None:
        raise ConfigError(f"'{text}': {row.entry.short_name} is not trained, so it takes no run or file after @.")
    return row


def _named(text: str, protocol: Protocol) -> tuple[Row, str | None]:
    """The row of a name, without weights, and what stands after @."""
    match = _ROW.fullmatch(text)
    if match is None:
        raise ConfigError(f"'{text}' is no row; write [label=]generator[:variant][@RUN-or-file], such as mdgan or wide=mdgan@runs/NAME.")
    name, variant = match["generator"], match["variant"]
    entry = load_registry().generators.get(name)
    spec = entry.spec
    if variant is not None and variant not in spec.variants:
        raise UnknownName(f"variant of {name}", variant, spec.variants)
    if not text.isprintable():
        raise ConfigError(f"{text!r} holds characters that cannot be printed; name the row otherwise.")
    label = match["label"] or (f"{name}:{variant}" if variant else name)
    if spec.min_context > protocol.task.context:
        raise LeftOut(label, f"it needs {spec.min_context} context frames and protocol {protocol.name} gives {protocol.task.context}.")
    settings = spec.variants[variant] if variant else {}
    return Row(label=label, entry=entry, variant=variant, settings=settings), match["origin"]


def choose_checkpoint(
    entry: Entry[GeneratorSpec], variant: str | None, origin: str | None, protocol: Protocol, runs: Path, label: str
) -> CheckpointChoice:
    """The weights of a trained row: what stands after @, else the newest run that fits the protocol and has the stage.

    variant: a variant, or a stage.  LeftOut: no run fits.  RunError: the origin is no run, is of another generator, or does not fit.
    """
    if origin is not None and Path(origin).is_file():
        return CheckpointChoice(Path(origin), None, variant)
    if origin is not None:
        run = locate_run(origin, runs, TrainRun)
        choice = _choice_of(run, variant)
        if run.record.generator != entry.full_name:
            raise RunError(f"{run.path} is a run of {run.record.generator}, not of {entry.full_name}.")
        if choice is None:
            raise RunError(f"{run.path} has no checkpoint of stage '{_stage_needed(run, variant)}'; its stages: {_stages_text(run)}.")
        unlike = unlike_shape(run, protocol)
        if unlike:
            raise RunError(f"{run.path} was trained for {unlike} (protocol {protocol.name}).")
        return choice
    for run in find_runs(runs, TrainRun):
        if run.record.generator == entry.full_name and not unlike_shape(run, protocol):
            choice = _choice_of(run, variant)
            if choice is not None:
                return choice
    raise Untrained(label, f"{_no_run('it', runs, protocol)}. {_how_to_train(entry.short_name, protocol, runs)}")


def _no_run(whose: str, runs: Path, protocol: Protocol) -> str:
    return f"{runs} has no run of {whose} that fits protocol {protocol.name}"


def _how_to_train(name: str, protocol: Protocol, runs: Path) -> str:
    return f"Train one: vgbench train {name} --protocol {protocol.typed}" + (f" --runs {runs}" if runs != DEFAULT_RUNS else "")


def _stage_needed(run: TrainRun, variant: str | None) -> str:
    """The stage a row needs: the one its variant is named after, else the last."""
    stages = run.record.stages
    return variant if variant in stages else (stages[-1] if stages else "")


def _stages_text(run: TrainRun) -> str:
    return ", ".join(run.record.checkpoints) or "none yet"


def _choice_of(run: TrainRun, variant: str | None) -> CheckpointChoice | None:
    """The run's newest checkpoint that has the needed stage; a stage that was begun but not finished counts."""
    stage = _stage_needed(run, variant)
    file = run.record.checkpoints.get(stage)
    if not isinstance(file, str) or not (run.path / file).is_file():
        return None
    choice = CheckpointChoice(run.path / file, run.name, stage)
    if stage in run.record.best:
        return choice._replace(chosen=f"the best {run.record.select_by} on the validation clips")
    return choice


def unlike_shape(run: TrainRun, protocol: Protocol) -> str:
    """How a training's shape differs from the protocol's, as a phrase; empty where it fits."""
    trained, wanted = run.record.shape, plain(shape_of(protocol))
    differing = [f"{key} {trained.get(key)}, not {value}" for key, value in wanted.items() if trained.get(key) != value]
    return "; ".join(differing)
