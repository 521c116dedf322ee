"""Numbers that papers and other projects print: what stands in `published.toml` for what a run's protocol compares."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from vgbench.errors import ProtocolError

FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, kw_only=True)
class PublishedNumber:
    """A number that was not measured here: it has no interval, and is neither ranked nor compared with any row."""

    method: str
    metric: str
    """The id of the definition it was computed by; NAME@unknown where its source does not say which."""
    value: Decimal
    """With the digits that are printed."""
    epochs: int | None
    """How long the method was trained; None where that is not stated."""
    source: str
    is_checked: bool
    """Whether it was compared with its source; else it is passed on as others quote it."""
    note: str = ""
    clips: int | None = None
    """Over how many test clips it is; None where that is not known."""

    def record(self) -> dict[str, Any]:
        """The same as plain values, for machines."""
        return {
            "method": self.method,
            "metric": self.metric,
            "value": float(self.value),
            "epochs": self.epochs,
            "source": self.source,
            "checked": self.is_checked,
            "note": self.note,
            "n_clips": self.clips,
        }


def published_numbers(protocol: Mapping[str, Any]) -> list[PublishedNumber]:
    """The numbers that are published for what a protocol compares, as a run records it, in the file's order.

    ProtocolError: there are none.
    """
    sets = tomllib.loads(FILE.read_text(encoding="utf-8"), parse_float=Decimal)["sets"]
    found = [number for one in sets if _holds(one["compared"], protocol) for number in _numbers(one)]
    if not found:
        known = ", ".join(one["protocol"] for one in sets)
        raise ProtocolError(
            f"Nothing that vgbench knows of is published for what protocol {protocol['name']} compares. There are numbers for {known}."
        )
    return found


def _holds(compared: Mapping[str, Any], protocol: Mapping[str, Any]) -> bool:
    """Whether a run's protocol has these values; on how many test clips, a report says."""
    return all(key in protocol and _plain(protocol[key]) == value for key, value in compared.items())


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _numbers(one: Mapping[str, Any]) -> Iterator[PublishedNumber]:
    for number in one["numbers"]:
        source = one["sources"][number["source"]]
        yield PublishedNumber(
            method=number["method"],
            metric=number["metric"],
            value=Decimal(number["value"]),
            epochs=number.get("epochs"),
            source=source["text"],
            is_checked=source.get("checked", False),
            note=source.get("note", ""),
            clips=one.get("clips"),
        )
