"""A leaderboard's numbers as charts: curves over the frames, and values with their intervals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from vgbench.errors import ConfigError
from vgbench.leaderboard.table import Leaderboard, TableRow
from vgbench.report.cells import heading, row_name
from vgbench.report.charts.drawing import HEIGHT, WIDTH, altair, check_suffix, colours_of, dashes_of, save_panels
from vgbench.specs import MetricSpec

_ROW_HEIGHT = 20


def save_curves(leaderboard: Leaderboard, path: Path) -> None:
    """A panel a metric: the mean over clips at each frame, a line a row.  ConfigError: no metric has a mean at each frame."""
    check_suffix(path)
    panels = [panel for spec in leaderboard.metrics if (panel := _curves(leaderboard, spec)) is not None]
    if not panels:
        reasons = {score.per_frame_missing for row in leaderboard.rows for score in row.scores.values() if score.per_frame_missing}
        raise ConfigError(f"No metric of the table has a mean at each frame: {'; '.join(sorted(reasons)) or 'it has one frame'}.")
    save_panels(panels, leaderboard.protocol["name"], _about(leaderboard, "mean over clips at each frame, as measured"), path)


def _curves(leaderboard: Leaderboard, spec: MetricSpec) -> Any:
    """One metric's panel; None where nothing has more than one frame."""
    points = [
        {"row": row_name(row), "frame": frame, "value": value}
        for row in leaderboard.rows
        if spec.id in row.scores and len(curve := row.scores[spec.id].per_frame or ()) > 1
        for frame, value in enumerate(curve, start=leaderboard.first_frame() + row.scores[spec.id].per_frame_skips)
        if math.isfinite(value)
    ]
    if not points:
        return None
    library, labels = altair(), [row_name(row) for row in leaderboard.rows]
    return (
        library.Chart(library.InlineData(values=points), width=WIDTH, height=HEIGHT)
        .mark_line(strokeWidth=1.8)
        .encode(
            x=library.X("frame:Q", title="frame", axis=library.Axis(tickMinStep=1, format="d")),
            y=library.Y("value:Q", title=heading(spec), scale=library.Scale(zero=False)),
            color=library.Color("row:N", scale=colours_of(labels), sort=labels),
            strokeDash=library.StrokeDash("row:N", scale=dashes_of(labels), sort=labels),
            tooltip=["row:N", "frame:Q", library.Tooltip("value:Q", format=".4g")],
        )
    )


def save_bars(leaderboard: Leaderboard, path: Path) -> None:
    """A panel a metric: each row's value, a bar from zero, with its 95 % interval.  ConfigError: no value is finite."""
    check_suffix(path)
    panels = [panel for spec in leaderboard.metrics if (panel := _bars(leaderboard, spec)) is not None]
    if not panels:
        raise ConfigError("The table has no finite value to draw.")
    save_panels(panels, leaderboard.protocol["name"], _about(leaderboard, "95 % intervals over source videos"), path)


def _bars(leaderboard: Leaderboard, spec: MetricSpec) -> Any:
    values = [point for row in leaderboard.rows if (point := _value(row, spec)) is not None]
    if not values:
        return None
    library, labels = altair(), [row_name(row) for row in leaderboard.rows]
    base = library.Chart(library.InlineData(values=values)).encode(y=library.Y("row:N", sort=labels, title=None))
    bars = base.mark_bar(height=_ROW_HEIGHT * 0.6).encode(
        x=library.X("value:Q", title=heading(spec)),
        color=library.Color("row:N", scale=colours_of(labels), sort=labels, legend=None),
        tooltip=["row:N", *(library.Tooltip(f"{key}:Q", format=".4g") for key in ("value", "low", "high"))],
    )
    ends = base.mark_rule(strokeWidth=1.5, color="black").encode(x="low:Q", x2="high:Q")
    return (bars + ends).properties(width=WIDTH, height=_ROW_HEIGHT * len(values))


def _value(row: TableRow, spec: MetricSpec) -> dict[str, Any] | None:
    score = row.scores.get(spec.id)
    if score is None or not math.isfinite(score.value):
        return None
    return {"row": row_name(row), "value": score.value, "low": score.ci_low, "high": score.ci_high}


def _about(leaderboard: Leaderboard, what: str) -> str:
    score = next(score for row in leaderboard.rows for score in row.scores.values())
    return f"{score.n_clips} clips, {score.n_sources} source videos; {what}"
