"""A leaderboard as comma-separated values: one line a generator and metric."""

from __future__ import annotations

from vgbench.leaderboard.table import Leaderboard


def render(leaderboard: Leaderboard) -> str:
    """The records, numbers with all their digits, each with its protocol's name and id."""
    frame = leaderboard.frame()
    frame.insert(0, "protocol", leaderboard.protocol["name"])
    frame.insert(1, "protocol_id", leaderboard.protocol["id"])
    return frame.to_csv(index=False)
