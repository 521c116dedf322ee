"""The results of an evaluation on stdout, its warnings on stderr."""

from __future__ import annotations

import click

from vgbench.runs.run import EvalRun


def show_results(run: EvalRun, *, as_json: bool, per_frame: bool) -> int:
    """Print a finished evaluation; returns the exit status, 1 where a row or a column that was asked for is missing."""
    from rich.console import Console

    from vgbench.cli.terminal import print_leaderboard
    from vgbench.leaderboard.ranking import build_leaderboard
    from vgbench.report.json import render

    leaderboard = build_leaderboard([run])
    if as_json:
        click.echo(render(leaderboard, per_frame=per_frame), nl=False)
    else:
        print_leaderboard(Console(), leaderboard, per_frame=per_frame)
        for warning in leaderboard.warnings:
            if warning not in run.record.warnings:
                click.echo(f"Warning: {warning}", err=True)
    for label, failure in run.record.failures.items():
        click.echo(f"Error: {label} has no row: {failure}", err=True)
    for metric, reason in run.record.refused.items():
        click.echo(f"Error: {metric} has no column: {reason}", err=True)
    return 1 if run.record.failures or run.record.refused else 0
