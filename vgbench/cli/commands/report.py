"""vgbench report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vgbench.cli import options
from vgbench.cli.results import chosen_form, show_leaderboard
from vgbench.cli.verbosity import say


@click.command("report")
@click.argument("names", nargs=-1, metavar="[RUN]…")
@options.results_options
@options.runs_option
def command(names: tuple[str, ...], runs: Path, **shown: Any) -> int:
    """Print the table of evaluation runs of one protocol; metrics that a run lacks stay empty.

    Without RUN: the newest evaluation.
    """
    form = chosen_form(**shown)

    from vgbench.leaderboard.ranking import build_leaderboard
    from vgbench.runs.run import EvalRun, locate_run

    leaderboard = build_leaderboard([locate_run(name, runs, EvalRun) for name in names or ("latest",)])
    show_leaderboard(leaderboard, form)
    if form.name == "terminal":
        for warning in leaderboard.warnings:
            say(f"Warning: {warning}")
    return 0
