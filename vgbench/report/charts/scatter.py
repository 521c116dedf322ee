"""Two rows against each other, a point a clip."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

from vgbench.errors import ConfigError
from vgbench.leaderboard.clip_values import ClipValues
from vgbench.report.cells import heading
from vgbench.report.charts.drawing import COLOURS, WIDTH, altair, check_suffix, save_panels
from vgbench.scoring.pooling import goodness
from vgbench.specs import MetricSpec


def save_scatter(values: ClipValues, spec: MetricSpec, first: str, second: str, title: str, path: Path) -> None:
    """A square panel with the line on which both are equal; the colour says which row is better on a clip.

    ConfigError: no clip has a finite value in both rows.
    """
    check_suffix(path)
    points = [(clip, one, other) for clip, one, other in zip(*values, strict=True) if math.isfinite(one) and math.isfinite(other)]
    if not points:
        raise ConfigError(f"No clip has a finite {spec.id} in both {first} and {second}.")
    better = [_better(one, other, spec, first, second) for _, one, other in points]
    rows = [{"clip": clip, "first": one, "second": other, "better": who} for (clip, one, other), who in zip(points, better, strict=True)]
    library, groups = altair(), [first, second, "equal"]
    numbers = [number for _, *pair in points for number in pair]
    ends = [min(numbers), max(numbers)]
    scale = library.Scale(domain=ends, nice=True, zero=False)
    dots = (
        library.Chart(library.InlineData(values=rows), width=WIDTH, height=WIDTH)
        .mark_circle(size=28, opacity=0.7)
        .encode(
            x=library.X("first:Q", title=f"{first}: {heading(spec)}", scale=scale),
            y=library.Y("second:Q", title=f"{second}: {heading(spec)}", scale=scale),
            color=library.Color("better:N", scale=library.Scale(domain=groups, range=[COLOURS[0], COLOURS[1], COLOURS[7]]), sort=groups),
            tooltip=["clip:N", library.Tooltip("first:Q", format=".4g"), library.Tooltip("second:Q", format=".4g")],
        )
    )
    line = library.Chart(library.InlineData(values=[{"at": end} for end in ends])).mark_line(color="#7F7F7F", strokeDash=[4, 3])
    counts = Counter(better)
    about = f"{len(points)} clips; better: {first} on {counts[first]}, {second} on {counts[second]}"
    about += f", equal on {counts['equal']}" if counts["equal"] else ""
    save_panels([line.encode(x=library.X("at:Q", scale=scale), y=library.Y("at:Q", scale=scale)) + dots], title, about, path)


def _better(one: float, other: float, spec: MetricSpec, first: str, second: str) -> str:
    good, others = goodness(one, spec), goodness(other, spec)
    return "equal" if good == others else first if good > others else second
