"""A leaderboard as comma-separated values: one line per generator and metric."""

from __future__ import annotations

from vgbench.leaderboard.table import Leaderboard


def render(leaderboard: Leaderboard) -> str:
    """The records, numbers with all their digits, each with its protocol's name and id."""
    frame = leaderboard.frame()
    frame["aliases"] = [_no_formula("; ".join(names)) for names in frame["aliases"]]
    frame["generator"] = [_no_formula(label) for label in frame["generator"]]
    frame.insert(0, "protocol", leaderboard.protocol["name"])
    frame.insert(1, "protocol_id", leaderboard.protocol["id"])
    return frame.to_csv(index=False)


def _no_formula(label: str) -> str:
    """A label that a spreadsheet does not run: an apostrophe in front of what would begin a formula."""
    return f"'{label}" if label.startswith(("=", "+", "-", "@")) else label
