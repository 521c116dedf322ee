"""A leaderboard as JSON, for machines; `leaderboard.schema.json` beside this file says what is in it."""

from __future__ import annotations

import json
from typing import Any

from vgbench.leaderboard.table import Leaderboard

SCHEMA_VERSION = 1
"""Raised when a reader of the one before would go wrong; what is only added does not raise it."""


def render(leaderboard: Leaderboard, *, per_frame: bool = False) -> str:
    """One object: schema_version, protocol, rows, warnings, run, and published if asked for; a value that is not finite is null."""
    return json.dumps(as_object(leaderboard, per_frame=per_frame), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_object(leaderboard: Leaderboard, *, per_frame: bool = False) -> dict[str, Any]:
    """The same as plain values; per_frame adds to each row the mean over clips at each scored frame, as measured."""
    return {
        "schema_version": SCHEMA_VERSION,
        "protocol": dict(leaderboard.protocol),
        "rows": leaderboard.records(per_frame=per_frame),
        "smallest_differences": dict(leaderboard.smallest_differences),
        "warnings": list(leaderboard.warnings),
        "run": leaderboard.runs[0] if leaderboard.runs else None,
        "runs": list(leaderboard.runs),
        **({"published": [number.record() for number in leaderboard.published]} if leaderboard.published else {}),
    }
