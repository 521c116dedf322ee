"""vgbench report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from vgbench.cli import options
from vgbench.cli.results import chosen_form, show_leaderboard
from vgbench.cli.verbosity import say


@click.command("report")
@click.argument("names", nargs=-1, metavar="[RUN]…")
@click.option("--published", is_flag=True, help="Also what papers print for this protocol: a table of its own, never ranked.")
@options.results_options
@options.runs_option
def command(names: tuple[str, ...], runs: Path, published: bool, **shown: Any) -> int:
    """Print the table of evaluation runs of one protocol; metrics that a run lacks stay empty.

    Without RUN: the newest evaluation.
    """
    form = chosen_form(**shown)

    from vgbench.errors import ProtocolError
    from vgbench.leaderboard.published import published_numbers
    from vgbench.leaderboard.ranking import build_leaderboard
    from vgbench.runs.run import EvalRun, locate_run

    leaderboard = build_leaderboard([locate_run(name, runs, EvalRun) for name in names or ("latest",)])
    missing = ""
    if published:
        try:
            leaderboard = replace(leaderboard, published=published_numbers(leaderboard.protocol))
        except ProtocolError as error:
            missing = str(error)
    show_leaderboard(leaderboard, form)
    if form.name == "terminal":
        for warning in leaderboard.warnings:
            say(f"Warning: {warning}")
    if missing:
        click.echo(f"Error: {missing}", err=True)
    return 1 if missing else 0
