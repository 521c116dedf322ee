"""A metric's means at each frame as lines of an SVG picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from vgbench.leaderboard.table import Leaderboard
from vgbench.report.cells import decimals, heading, number, row_name
from vgbench.report.charts.drawing import COLOURS
from vgbench.specs import MetricSpec

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 54, 10, 10, 30
TICKS = 5


class Line(NamedTuple):
    """One row."""

    label: str
    colour: str
    is_dashed: bool
    points: str
    """As SVG writes them."""


class Tick(NamedTuple):
    """A mark of an axis."""

    at: float
    text: str


class Curves(NamedTuple):
    """One metric's picture, and its numbers."""

    metric: str
    heading: str
    lines: Sequence[Line]
    across: Sequence[Tick]
    up: Sequence[Tick]
    frames: Sequence[int]
    table: Sequence[tuple[str, Sequence[str]]]
    """Row → its number at each frame."""


def curves_of(leaderboard: Leaderboard, spec: MetricSpec) -> Curves | None:
    """None where no row has a mean at more than one frame."""
    known: list[tuple[str, dict[int, float]]] = []
    for row in leaderboard.rows:
        score = row.scores.get(spec.id)
        if score is not None and score.per_frame is not None and len(score.per_frame) > 1:
            known.append((row_name(row), dict(enumerate(score.per_frame, start=leaderboard.first_frame() + score.per_frame_skips))))
    values = [value for _, curve in known for value in curve.values() if math.isfinite(value)]
    if not values:
        return None
    frames = sorted({frame for _, curve in known for frame in curve})
    low, high = min(values), max(values)
    places = decimals(leaderboard, spec)

    def x(frame: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (frame - frames[0]) / max(1, frames[-1] - frames[0])

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low) if high > low else 0.5)

    labels = [row_name(row) for row in leaderboard.rows]
    lines = [
        Line(
            label,
            COLOURS[labels.index(label) % len(COLOURS)],
            labels.index(label) >= len(COLOURS),
            " ".join(f"{x(frame):.1f},{y(value):.1f}" for frame, value in curve.items() if math.isfinite(value)),
        )
        for label, curve in known
    ]
    step = max(1, math.ceil((frames[-1] - frames[0]) / TICKS))
    across = [Tick(round(x(frame), 1), str(frame)) for frame in range(frames[0], frames[-1] + 1, step)]
    up = [Tick(round(y(value), 1), number(value, places)) for value in round_values(low, high)]
    table = [(label, [number(curve.get(frame), places) for frame in frames]) for label, curve in known]
    return Curves(spec.id, heading(spec), lines, across, up, frames, table)


def round_values(low: float, high: float) -> list[float]:
    """Some five values from `low` to `high` that people would write: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / TICKS
    power = 10 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough)
    return [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
