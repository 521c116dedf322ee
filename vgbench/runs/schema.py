"""What a run's record must look like before anything trusts it: it may come from a stranger, or be damaged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vgbench.config import checked
from vgbench.errors import ConfigError, RunError

_SHAPES: dict[str, dict[str, Any]] = {
    "any": {"protocol": Mapping[str, Any], "warnings": list},
    "train": {"generator": str, "shape": Mapping[str, Any], "stages": list, "checkpoints": Mapping[str, Any]},
    "eval": {"metrics": list, "rows": list},
}
_ROW = {"label": str, "n_lines": int, "generator": str}


def printable(value: Any) -> Any:
    """The same record with every character that is not printable, but for line breaks, replaced: no escape sequence survives."""
    if isinstance(value, str):
        return "".join(character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}" for character in value)
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [printable(item) for item in value]
    return value


def check_record(record: Mapping[str, Any], file: Path) -> None:
    """RunError: a value that readers rely on is missing or of another type; the message names it."""
    try:
        for shape in (_SHAPES["any"], _SHAPES.get(record["verb"], {})):
            for key, hint in shape.items():
                checked(record.get(key), hint, where=key)
        _check_texts("warnings", record["warnings"])
        if record["verb"] == "train":
            _check_texts("stages", record["stages"])
            for stage, best in checked(record.get("best", {}), Mapping[str, Any], where="best").items():
                _check_keys(best, {"step": int, "value": float, "file": str}, where=f"the best of stage {stage}")
        if record["verb"] == "eval":
            _check_evaluation(record)
    except ConfigError as error:
        raise RunError(f"{file} is damaged: {error}") from error


def _check_texts(name: str, values: list[Any]) -> None:
    for value in values:
        checked(value, str, where=f"an item of {name}")


def _check_keys(table: Any, hints: Mapping[str, Any], *, where: str) -> None:
    checked(table, Mapping[str, Any], where=where)
    for key, hint in hints.items():
        checked(table.get(key), hint, where=f"{where}'s {key}")


def _check_evaluation(record: Mapping[str, Any]) -> None:
    _check_texts("metrics", record["metrics"])
    protocol = record["protocol"]
    for key in ("id", "name"):
        checked(protocol.get(key), str, where=f"protocol {key}")
    checked(protocol.get("task.score_from", 0), int, where="protocol task.score_from")
    if record["status"] == "done" and not (record["metrics"] and record["rows"]):
        raise ConfigError("it is done, but names no metrics or no rows.")
    for row in record["rows"]:
        _check_keys(row, _ROW, where="a row")
        checked(row.get("parameters"), int | None, where="a row's parameters")
        seconds = checked(row.get("seconds_per_clip"), float | None, where="a row's seconds_per_clip")
        if seconds is not None and not math.isfinite(seconds):
            raise ConfigError(f"a row's seconds_per_clip is {seconds}.")
