"""A leaderboard on the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from vgbench.leaderboard import Leaderboard, Standing
from vgbench.report.cells import decimals, definition_lines, duration, heading, number
from vgbench.specs import MetricSpec


def print_leaderboard(console: Console, leaderboard: Leaderboard, *, per_frame: bool = False) -> None:
    """The table, what its marks mean, and where the run lies."""
    protocol = leaderboard.protocol
    console.print(f"[bold]{protocol['name']}[/]  protocol {protocol['id']}", highlight=False)
    console.print(_table(leaderboard))
    for line in definition_lines(leaderboard):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if per_frame:
        for spec in leaderboard.metrics:
            console.print(_frame_table(leaderboard, spec))
    for run in leaderboard.runs:
        console.print(f"Run: {run}", highlight=False, markup=False, soft_wrap=True)


def _table(leaderboard: Leaderboard) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("generator", overflow="fold", min_width=10)
    for spec in leaderboard.metrics:
        table.add_column(heading(spec).replace(" ", "\n", 1), justify="right", no_wrap=True)
    table.add_column("para-\nmeters", justify="right")
    table.add_column("s a\nclip", justify="right")
    for standing in leaderboard.standings:
        cells = [_cell(leaderboard, standing, spec) for spec in leaderboard.metrics]
        size = "–" if standing.parameters is None else f"{standing.parameters:,}"
        table.add_row(standing.label, *cells, size, duration(standing.seconds_per_clip))
    return table


def _cell(leaderboard: Leaderboard, standing: Standing, spec: MetricSpec) -> str:
    score = standing.scores[spec.id]
    places = decimals(leaderboard, spec)
    text = number(score.value, places) + (" ≈" if score.tied_with_best else "  ")
    if score.tied_with_best:
        text = f"[bold]{text}[/]"
    if score.ci_low is None or score.ci_high is None:
        return text
    return f"{text}\n[dim]{number(score.ci_low, places)}–{number(score.ci_high, places)}[/]"


def _frame_table(leaderboard: Leaderboard, spec: MetricSpec) -> Table:
    curves = {standing.label: standing.scores[spec.id].per_frame for standing in leaderboard.standings}
    length = max((len(curve) for curve in curves.values() if curve), default=0)
    table = Table(box=box.SIMPLE_HEAD, title=f"{spec.id} as measured at each frame, before pooling", title_justify="left", pad_edge=False)
    table.add_column("frame", justify="right")
    for label in curves:
        table.add_column(label, justify="right")
    places = decimals(leaderboard, spec)
    for index in range(length):
        values = [number(curve[index], places) if curve else "–" for curve in curves.values()]
        table.add_row(str(index + leaderboard.first_frame()), *values)
    return table
