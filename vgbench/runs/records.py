"""What run.json holds: records with one reader, which trusts no file, and one writer."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, Literal, TypeVar, get_args

from vgbench.config import checked
from vgbench.errors import ConfigError

SCHEMA_VERSION = 1
Status = Literal["running", "done", "interrupted", "failed"]
ReadT = TypeVar("ReadT", bound="RunRecord | RowRecord")


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What every run records."""

    verb: ClassVar[str]

    status: Status = "running"
    started: str = ""
    """With its zone, to the second."""
    after: str | None = None
    """The run that was the newest when this one began, where by the clock it began later: the clock was put back in between."""
    finished: str | None = None
    error: str | None = None
    """Why it failed."""
    argv: tuple[str, ...] = ()
    versions: Mapping[str, Any] = field(default_factory=dict)
    git: str | None = None
    """The commit of the working folder."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    plugins: Mapping[str, Any] = field(default_factory=dict)
    """Plugin → its distribution and version."""
    code: Mapping[str, Any] = field(default_factory=dict)
    """Plugin → the hash of its sources, and where it is run from a git checkout the commit, and whether files were changed since."""
    protocol: Mapping[str, Any]
    """Its id, its name, and every key that makes the id."""
    warnings: tuple[str, ...] = ()
    """What a reader of the run's numbers should know."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """What another version wrote, kept as it is."""


class Best(typing.NamedTuple):
    """A stage's best checkpoint on the validation clips."""

    step: int
    value: float
    file: str


@dataclass(frozen=True, kw_only=True)
class TrainRecord(RunRecord):
    """What a training records; a resumed one continues with it."""

    verb = "train"

    generator: str
    """plugin/name."""
    preset: str | None
    config: Mapping[str, Any] | None
    """None for a generator without a configuration."""
    config_origins: Mapping[str, Any]
    """Field → where its value came from."""
    protocol_table: Mapping[str, Any]
    """The protocol as its file has it."""
    shape: Mapping[str, Any]
    stages: tuple[str, ...]
    """All stages of the generator."""
    budgets: Mapping[str, Any]
    """The stages that are trained, in order → steps and seconds."""
    start: str | None
    """The checkpoint whose weights the first of them builds on."""
    select_by: str | None
    validate_every: int
    compiles: bool
    seed: int
    device: str
    precision: str
    processes: int = 1
    cudnn_benchmark: bool = False
    training_videos: str | None = None
    step: int = 0
    """Steps that the newest checkpoint holds."""
    elapsed: Mapping[str, Any] = field(default_factory=dict)
    """Stage → seconds."""
    checkpoints: Mapping[str, Any] = field(default_factory=dict)
    """Stage → the file that is evaluated."""
    best: Mapping[str, Best] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RowRecord:
    """One row that was scored."""

    label: str
    generator: str
    n_lines: int
    """Its lines in scores.jsonl."""
    plugin: str | None = None
    variant: str | None = None
    parameters: int | None = None
    config: Any = None
    weights: Mapping[str, Any] | None = None
    """Checkpoint, run, stage and step of a trained row."""
    is_reference: bool = False
    """Whether it was shown the real clips: a row that others are held against, which is not ranked."""
    others: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EvalRecord(RunRecord):
    """What an evaluation records."""

    verb = "eval"

    metrics: tuple[str, ...]
    asked: tuple[Any, ...] | None = None
    """The rows that were asked for, and of given clips which files; None in runs of given clips by older versions."""
    rows: tuple[RowRecord, ...]
    failures: Mapping[str, str] = field(default_factory=dict)
    """Row → why it is missing."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Metric that was asked for → why it has no column."""
    device: str | None = None
    batch_size: int | None = None
    weights: Mapping[str, Any] = field(default_factory=dict)
    """Metric → name and sha256 of its weights."""
    features: Mapping[str, str] = field(default_factory=dict)
    """Metric → the key of its features."""
    feature_arrays: Mapping[str, str] = field(default_factory=dict)
    """Metric → the name of its features' files."""
    headline: str | None = None
    """The best row by the first metric, for lists of runs: row, metric, value."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """File of scores or features → its sha256, once all is written."""


RECORDS: Mapping[str, type[RunRecord]] = {kind.verb: kind for kind in (TrainRecord, EvalRecord)}


def to_json(record: RunRecord) -> str:
    """The text of run.json."""
    table = {"schema_version": SCHEMA_VERSION, "verb": record.verb, **_table(record)}
    return json.dumps(table, indent=1, ensure_ascii=False, default=str) + "\n"


def from_table(table: Mapping[str, Any]) -> RunRecord:
    """The record of a parsed run.json.

    ConfigError: a value is missing or of another type; the message names it.
    """
    if table.get("status") not in get_args(Status) or table.get("verb") not in RECORDS:
        raise ConfigError("its status or verb is missing or unknown.")
    record = _read(RECORDS[table["verb"]], {key: value for key, value in table.items() if key not in ("schema_version", "verb")}, "")
    if isinstance(record, EvalRecord):
        _check_evaluation(record)
    return record


def printable(value: Any) -> Any:
    """The same table with every character that is not printable, but for line breaks, replaced: no escape sequence survives."""
    if isinstance(value, str):
        return "".join(character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}" for character in value)
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [printable(item) for item in value]
    return value


def _check_evaluation(record: EvalRecord) -> None:
    for key in ("id", "name"):
        checked(record.protocol.get(key), str, where=f"protocol.{key}")
    checked(record.protocol.get("task.score_from", 0), int, where="protocol.task.score_from")
    if record.status == "done" and not (record.metrics and record.rows):
        raise ConfigError("it is done, but names no metrics or no rows.")


def _table(record: Any) -> dict[str, Any]:
    """A dataclass as JSON holds it, what another version wrote behind its own fields."""
    own = {one.name: getattr(record, one.name) for one in fields(record) if one.name != "others"}
    return {key: _plain(value) for key, value in own.items()} | dict(record.others)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _table(value)
    if isinstance(value, Best):
        return value._asdict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _read(kind: type[ReadT], table: Any, where: str) -> ReadT:
    """The record of a table.  ConfigError: a value is missing or misfits."""
    table = checked(table, Mapping[str, Any], where=where or "the record")
    hints = typing.get_type_hints(kind)
    own = [one for one in fields(kind) if one.name != "others"]
    values = {
        one.name: _value(table.get(one.name), hints[one.name], f"{where}.{one.name}" if where else one.name)
        for one in own
        if one.name in table or _is_required(one)
    }
    names = {one.name for one in own}
    return kind(**values, others={key: value for key, value in table.items() if key not in names})


def _is_required(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _value(value: Any, hint: Any, where: str) -> Any:
    """The value as its annotation wants it, items of lists and tables each by their own."""
    parts = get_args(hint)
    if hint is RowRecord:
        return _read(RowRecord, value, where)
    if hint is Best:
        table = checked(value, Mapping[str, Any], where=where)
        return Best(**{key: checked(table.get(key), wanted, where=f"{where}.{key}") for key, wanted in typing.get_type_hints(Best).items()})
    if typing.get_origin(hint) is tuple:
        items = checked(value, list, where=where)
        return tuple(_value(item, parts[0], f"{where}[{place}]") for place, item in enumerate(items))
    if typing.get_origin(hint) is Mapping:
        return {key: _value(item, parts[1], f"{where}.{key}") for key, item in checked(value, Mapping[str, Any], where=where).items()}
    return checked(value, hint, where=where)
