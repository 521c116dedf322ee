"""The results of an evaluation on stdout or in a file, its warnings on stderr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from vgbench.cli.verbosity import say

if TYPE_CHECKING:
    from vgbench.leaderboard.table import Leaderboard
    from vgbench.runs.run import EvalRun


class Form(NamedTuple):
    """How a table is shown."""

    name: str
    """terminal, or a format of the registry."""
    out: Path | None
    per_frame: bool


def chosen_form(format_name: str | None, as_json: bool, out: Path | None, per_frame: bool) -> Form:
    """The form that the options of a command choose.  UsageError: they contradict each other."""
    if as_json:
        if format_name not in (None, "json"):
            raise click.UsageError(f"--json is --format json, and --format {format_name} asks for another.")
        format_name = "json"
    name = format_name or ("terminal" if out is None else _format_of(out))
    if per_frame and name not in ("terminal", "json"):
        raise click.UsageError(f"--per-frame goes with --format terminal or json, not with {name}.")
    if name == "terminal" and out is not None:
        raise click.UsageError("--out goes with a file format: --format markdown, csv or json.")
    if name != "terminal":
        from vgbench.plugins.registry import load_registry

        load_registry().reports.get(name)  # an unknown one is said before any work
    return Form(name, out, per_frame)


def show_results(run: EvalRun, form: Form) -> int:
    """Print a finished evaluation; returns the exit status, 1 where a row or a column that was asked for is missing."""
    from vgbench.leaderboard.ranking import build_leaderboard

    leaderboard = build_leaderboard([run])
    show_leaderboard(leaderboard, form)
    if form.name == "terminal":
        for warning in leaderboard.warnings:
            if warning not in run.record.warnings:
                say(f"Warning: {warning}")
    for label, failure in run.record.failures.items():
        click.echo(f"Error: {label} has no row: {failure}", err=True)
    for metric, reason in run.record.refused.items():
        click.echo(f"Error: {metric} has no column: {reason}", err=True)
    return 1 if run.record.failures or run.record.refused else 0


def show_leaderboard(leaderboard: Leaderboard, form: Form) -> None:
    """Print the table, or write it to a file."""
    if form.name == "terminal":
        from rich.console import Console

        from vgbench.cli.terminal import print_leaderboard

        print_leaderboard(Console(), leaderboard, per_frame=form.per_frame)
        return
    text = _render(form, leaderboard)
    if form.out is None:
        click.echo(text, nl=False)
        return
    from vgbench.files import OUT_ADVICE, write_text

    write_text(form.out, text, advice=OUT_ADVICE)
    say(f"Wrote {form.out}")


def _format_of(out: Path) -> str:
    """The format whose files have that suffix."""
    from vgbench.plugins.registry import load_registry

    suffixes = {entry.spec.suffix: entry.short_name for entry in load_registry().reports}
    if out.suffix not in suffixes:
        known = ", ".join(f"{suffix} ({name})" for suffix, name in suffixes.items())
        raise click.UsageError(f"--out {out}: no format writes '{out.suffix}' files; name one with --format, or use {known}.")
    return suffixes[out.suffix]


def _render(form: Form, leaderboard: Leaderboard) -> str:
    from vgbench.errors import PluginError
    from vgbench.plugins.guard import guarded
    from vgbench.plugins.registry import load_registry

    entry = load_registry().reports.get(form.name)
    who, render = f"report format '{entry.short_name}' ({entry.plugin})", entry.load()
    with guarded(PluginError, who, entry.spec.target):
        text = render(leaderboard, per_frame=True) if form.per_frame else render(leaderboard)
    if not isinstance(text, str):
        raise PluginError(f"{who} returned a {type(text).__name__}, not the report's text.")
    return text
