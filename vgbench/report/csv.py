"""A leaderboard as comma-separated values: one line per generator and metric, and one for each published number if asked for."""

from __future__ import annotations

from vgbench.leaderboard.table import Leaderboard
from vgbench.report.published import published_records


def render(leaderboard: Leaderboard) -> str:
    """The records, numbers with all their digits, each with its protocol's name and id.

    A published number fills columns of its own, and none of those of a measured one.
    """
    frame = leaderboard.frame()
    frame["aliases"] = [_no_formula("; ".join(names)) for names in frame["aliases"]]
    frame["generator"] = [_no_formula(label) for label in frame["generator"]]
    frame.insert(0, "protocol", leaderboard.protocol["name"])
    frame.insert(1, "protocol_id", leaderboard.protocol["id"])
    if not leaderboard.published:
        return frame.to_csv(index=False)
    import pandas as pd

    # As objects, since else whole numbers would get a decimal point beside the empty cells.
    published = pd.DataFrame(published_records(leaderboard.published), dtype=object)
    published.insert(0, "protocol", leaderboard.protocol["name"])
    published.insert(1, "protocol_id", leaderboard.protocol["id"])
    return pd.concat([frame.astype(object), published]).to_csv(index=False)


def _no_formula(label: str) -> str:
    """A label that a spreadsheet does not run: an apostrophe in front of what would begin a formula."""
    return f"'{label}" if label.startswith(("=", "+", "-", "@")) else label
