"""A training's log as charts: each loss and diagnostic over the steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vgbench.errors import ConfigError, RunError, did_you_mean
from vgbench.report.charts.drawing import COLOURS, HEIGHT, WIDTH, altair, check_suffix, save_panels

KINDS = ("losses", "diagnostics", "validation")
"""The groups of terms in a line of the log, drawn in this order."""


def save_training(lines: Iterable[Mapping[str, Any]], title: str, path: Path, *, terms: Sequence[str] = ()) -> None:
    """A panel a term, a colour a stage.  terms: only these.

    RunError: the log is empty.  ConfigError: it has no such term.
    """
    check_suffix(path)
    points = [point for line in lines for point in _points(line)]
    if not points:
        raise RunError(f"{title}: its log has no number to draw; train it for some steps first.")
    known = list(dict.fromkeys(point["term"] for point in sorted(points, key=lambda point: KINDS.index(point["kind"]))))
    for term in terms:
        if term not in known:
            raise ConfigError(f"Unknown term '{term}' of {title}.{did_you_mean(term, known)}\nKnown: {', '.join(known)}.")
    stages = list(dict.fromkeys(point["stage"] for point in points))
    panels = [_panel([point for point in points if point["term"] == term], term, stages) for term in terms or known]
    save_panels(panels, title, f"{max(point['step'] for point in points):,} steps", path)


def _points(line: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a line of the log says, number by number; what is not finite is left out, as a gap."""
    return [
        {"kind": kind, "term": name, "step": line["step"], "stage": str(line.get("stage", "")), "value": value}
        for kind in KINDS
        for name, value in (line.get(kind) or {}).items()
        if isinstance(value, int | float) and math.isfinite(value)
    ]


def _panel(points: Sequence[Mapping[str, Any]], term: str, stages: Sequence[str]) -> Any:
    library = altair()
    colours = library.Scale(domain=list(stages), range=list(COLOURS[: len(stages)]))
    return (
        library.Chart(library.InlineData(values=list(points)), width=WIDTH, height=HEIGHT * 2 // 3)
        .mark_line(strokeWidth=1.4, point=library.OverlayMarkDef(size=8) if len(points) < 40 else False)
        .encode(
            x=library.X("step:Q", title="step"),
            y=library.Y("value:Q", title=term, scale=library.Scale(zero=False)),
            color=library.Color("stage:N", legend=library.Legend() if len(stages) > 1 else None, scale=colours, sort=list(stages)),
            tooltip=["stage:N", "step:Q", library.Tooltip("value:Q", format=".4g")],
        )
    )
