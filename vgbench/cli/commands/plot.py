"""vgbench plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vgbench.cli import options
from vgbench.cli.verbosity import say

if TYPE_CHECKING:
    from vgbench.leaderboard.table import Leaderboard
    from vgbench.runs.run import EvalRun


@click.group("plot")
def command() -> None:
    """Draw results as PDF, SVG, PNG or HTML."""


_RUNS = click.argument("names", nargs=-1, metavar="[RUN]…")
_OUT = click.option(
    "--out", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="PATH", help="A .pdf, .svg, .png or .html file."
)
_METRICS = click.option("--metrics", metavar="NAME,…", help="Only these of the table's metrics.")
_ROWS = click.option("--rows", metavar="LABEL,…", help="Only these rows, in this order.")


@command.command("curves")
@_RUNS
@_OUT
@_METRICS
@_ROWS
@options.runs_option
def curves(names: tuple[str, ...], out: Path, metrics: str | None, rows: str | None, runs: Path) -> int:
    """The mean of each metric at each frame, a line for each row.  Without RUN: the newest evaluation."""
    from vgbench.report.charts.leaderboard import save_curves

    save_curves(_table(names, runs, metrics, rows), out)
    return _wrote(out)


@command.command("bars")
@_RUNS
@_OUT
@_METRICS
@_ROWS
@options.runs_option
def bars(names: tuple[str, ...], out: Path, metrics: str | None, rows: str | None, runs: Path) -> int:
    """The value of each row with its interval, a panel for each metric.  Without RUN: the newest evaluation."""
    from vgbench.report.charts.leaderboard import save_bars

    save_bars(_table(names, runs, metrics, rows), out)
    return _wrote(out)


@command.command("scatter")
@click.argument("first")
@click.argument("second")
@_RUNS
@_OUT
@click.option("--metric", metavar="NAME", help="Default: the table's first.")
@options.runs_option
def scatter(first: str, second: str, names: tuple[str, ...], out: Path, metric: str | None, runs: Path) -> int:
    """Row FIRST against row SECOND, a point for each clip.  Without RUN: the newest evaluation."""
    from vgbench.leaderboard.clip_values import values_of_clips
    from vgbench.report.charts.scatter import save_scatter
    from vgbench.scoring.lookup import find_metric

    opened = _opened(names, runs)
    asked = opened[0].record.metrics[0] if metric is None else metric
    spec = find_metric(asked).spec
    values = values_of_clips(opened, spec, first, second)
    save_scatter(values, spec, first, second, str(opened[0].record.protocol["name"]), out)
    return _wrote(out)


@command.command("training")
@click.argument("run")
@_OUT
@click.option("--terms", metavar="NAME,…", help="Only these losses, diagnostics or validation metrics.")
@options.runs_option
def training(run: str, out: Path, terms: str | None, runs: Path) -> int:
    """Losses, diagnostics and validation of a training over its steps.  RUN: a name, a folder or 'latest'."""
    from vgbench.report.charts.training import save_training
    from vgbench.runs.log import read_log
    from vgbench.runs.run import TrainRun, locate_run

    found = locate_run(run, runs, TrainRun)
    save_training(read_log(found.path), found.name, out, terms=_names(terms))
    return _wrote(out)


def _opened(names: Sequence[str], runs: Path) -> list[EvalRun]:
    from vgbench.runs.run import EvalRun, locate_run

    return [locate_run(name, runs, EvalRun) for name in names or ("latest",)]


def _table(names: Sequence[str], runs: Path, metrics: str | None, rows: str | None) -> Leaderboard:
    """The table, with the metrics and rows that were asked for.  UnknownName: it has no such one."""
    from vgbench.errors import UnknownName
    from vgbench.leaderboard.ranking import build_leaderboard
    from vgbench.scoring.lookup import find_metric

    table = build_leaderboard(_opened(names, runs))
    if metrics is not None:
        known = {spec.id: spec for spec in table.metrics}
        wanted = [name if name in known else find_metric(name).spec.id for name in _names(metrics)]
        for name in wanted:
            if name not in known:
                raise UnknownName("metric of the table", name, known)
        table = replace(table, metrics=[known[name] for name in wanted])
    if rows is not None:
        by_label = {row.label: row for row in table.rows}
        for name in _names(rows):
            if name not in by_label:
                raise UnknownName("row of the table", name, by_label)
        table = replace(table, rows=[by_label[name] for name in _names(rows)])
    return table


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _wrote(out: Path) -> int:
    say(f"Wrote {out}")
    return 0
