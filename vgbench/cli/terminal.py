"""A leaderboard on the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vgbench.leaderboard.table import Leaderboard, TableRow
from vgbench.report.cells import (
    bias_lines,
    decimals,
    definition_lines,
    duration,
    has_ranks,
    heading,
    number,
    ranks,
    row_name,
    standing_lines,
)
from vgbench.report.published import TITLE, published_headings, published_lines, published_rows
from vgbench.specs import MetricSpec

LEAST_WIDTH = 14
"""Columns that a metric takes at least, with its interval."""
FACTS_WIDTH = 22
"""Columns that parameters and time take."""
RANK_WIDTH = 7
"""Columns that a rank takes."""


def print_leaderboard(console: Console, leaderboard: Leaderboard, *, per_frame: bool = False) -> None:
    """The table, what its marks mean, and where the run lies."""
    protocol = leaderboard.protocol
    console.print(f"[bold]{escape(str(protocol['name']))}[/]  protocol {escape(str(protocol['id']))}", highlight=False)
    for table in _tables(leaderboard, console.width):
        console.print(table)
    for line in [*definition_lines(leaderboard), *standing_lines(leaderboard)]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for spec in leaderboard.metrics:
        for line in bias_lines(leaderboard, spec):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    if leaderboard.published:
        _print_published(console, leaderboard)
    if per_frame:
        for spec in leaderboard.metrics:
            _print_frames(console, leaderboard, spec)
    for run in leaderboard.runs:
        console.print(f"Run: {run}", highlight=False, markup=False, soft_wrap=True)


def _tables(leaderboard: Leaderboard, width: int) -> Iterator[Table]:
    """The table, cut into several where its metrics are too many for the width; the last has parameters and time."""
    labels = min(24, max(len("generator"), *(len(row_name(row)) for row in leaderboard.rows)))
    ranked = has_ranks(leaderboard)
    room = width - labels - FACTS_WIDTH - (RANK_WIDTH if ranked else 0)
    groups: list[list[MetricSpec]] = [[]]
    for spec in leaderboard.metrics:
        if groups[-1] and sum(map(_width, [*groups[-1], spec])) > room:
            groups.append([])
        groups[-1].append(spec)
    for specs in groups:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("generator", overflow="fold", min_width=labels)
        if ranked:
            table.add_column("rank", justify="right", no_wrap=True)
        for spec in specs:
            table.add_column("\n".join(_heading(spec)), justify="right", no_wrap=True)
        if specs is groups[-1]:
            table.add_column("para-\nmeters", justify="right", no_wrap=True)
            table.add_column("s/clip", justify="right", no_wrap=True)
        for row in leaderboard.rows:
            cells = [_cell(leaderboard, row, spec) for spec in specs]
            place = [ranks(row, leaderboard.metrics[0])] if ranked else []
            table.add_row(escape(row_name(row)), *place, *cells, *(_facts(row) if specs is groups[-1] else ()))
        yield table


def _heading(spec: MetricSpec) -> list[str]:
    """The metric's full id, its unit and its direction, a line each; an id that is long is broken before its variant and its best-of-N."""
    name, _, rest = heading(spec).partition(" ")
    whole = name.rstrip(",")
    parts = [whole] if len(whole) < LEAST_WIDTH else re.sub(r"(?=[@:])", "\n", whole).split("\n")
    return [*(part for part in parts if part), *rest.split()]


def _width(spec: MetricSpec) -> int:
    """Columns that it takes, those between it and the next included."""
    return max(LEAST_WIDTH, *(len(line) for line in _heading(spec))) + 2


def _facts(row: TableRow) -> tuple[str, str]:
    size = "–" if row.parameters is None else f"{row.parameters:,}"
    return size, duration(row.seconds_per_clip)


def _cell(leaderboard: Leaderboard, row: TableRow, spec: MetricSpec) -> str:
    """The value, and its interval below it."""
    score = row.scores.get(spec.id)
    if score is None:
        return "–  "
    places = decimals(leaderboard, spec)
    text = number(score.value, places) + (" ≈" if score.tied_with_best else "  ")
    if score.tied_with_best:
        text = f"[bold]{text}[/]"
    if score.ci_low is None or score.ci_high is None:
        return text
    return f"{text}\n[dim]{number(score.ci_low, places)}–{number(score.ci_high, places)}[/]"


def _print_published(console: Console, leaderboard: Leaderboard) -> None:
    """A table of its own, and what to know of it."""
    console.print(TITLE, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading_text in enumerate(published_headings(leaderboard)):
        table.add_column(heading_text.replace("@", "\n@"), justify="right" if place else "left", overflow="fold")
    for row in published_rows(leaderboard):
        table.add_row(*map(escape, row))
    console.print(table)
    for line in published_lines(leaderboard):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _print_frames(console: Console, leaderboard: Leaderboard, spec: MetricSpec) -> None:
    """The means at each frame, and for each row without them why there are none."""
    having = [row for row in leaderboard.rows if spec.id in row.scores]
    if any(row.scores[spec.id].per_frame for row in having):
        console.print(f"{spec.id} as measured at each frame, before pooling", highlight=False)
        console.print(_frame_table(leaderboard, having, spec))
    for row in having:
        if reason := row.scores[spec.id].per_frame_missing:
            console.print(f"{spec.id} of {row.label} has no mean at each frame: {reason}.", highlight=False, markup=False, soft_wrap=True)


def _frame_table(leaderboard: Leaderboard, rows: Sequence[TableRow], spec: MetricSpec) -> Table:
    """Frames are numbered as in the clip, from 0; where a value stands for a step, by the frame that it leads to."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("frame", justify="right")
    curves = []
    for row in rows:
        table.add_column(escape(row.label), justify="right")
        score = row.scores[spec.id]
        curves.append(dict(enumerate(score.per_frame or (), start=leaderboard.first_frame() + score.per_frame_skips)))
    places = decimals(leaderboard, spec)
    for frame in sorted(set().union(*curves)):
        table.add_row(str(frame), *(number(curve.get(frame), places) for curve in curves))
    return table
