"""vgbench report."""

from __future__ import annotations

from pathlib import Path

import click

from vgbench.cli import options


@click.command("report")
@click.argument("names", nargs=-1, metavar="[RUN]…")
@click.option(
    "--format",
    "format_name",
    metavar="FORMAT",
    help="terminal, markdown, csv, json, or a plugin's. Default: the one of --out's suffix, else terminal.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH", help="Write a file instead.")
@click.option("--per-frame", is_flag=True, help="With terminal or json: also the mean at each frame.")
@options.runs_option
def command(names: tuple[str, ...], format_name: str | None, out: Path | None, per_frame: bool, runs: Path) -> int:
    """Print the table of evaluation runs; several share one only where their protocols agree in every key.

    Without RUN: the newest evaluation.
    """
    format_name = format_name or ("terminal" if out is None else _format_of(out))
    if per_frame and format_name not in ("terminal", "json"):
        raise click.UsageError(f"--per-frame goes with --format terminal or json, not with {format_name}.")

    from vgbench.files import OUT_ADVICE, write_text
    from vgbench.leaderboard.ranking import build_leaderboard
    from vgbench.runs.run import EvalRun, locate_run

    leaderboard = build_leaderboard([locate_run(name, runs, EvalRun) for name in names or ("latest",)])
    if format_name == "terminal":
        from rich.console import Console

        from vgbench.cli.terminal import print_leaderboard

        if out is not None:
            raise click.UsageError("--out goes with a file format: --format markdown, csv or json.")
        print_leaderboard(Console(), leaderboard, per_frame=per_frame)
        for warning in leaderboard.warnings:
            click.echo(f"Warning: {warning}", err=True)
        return 0
    text = _render(format_name, leaderboard, per_frame)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text, advice=OUT_ADVICE)
        click.echo(f"Wrote {out}", err=True)
    return 0


def _format_of(out: Path) -> str:
    """The format whose files have that suffix."""
    from vgbench.plugins.registry import load_registry

    suffixes = {entry.spec.suffix: entry.short_name for entry in load_registry().reports}
    if out.suffix not in suffixes:
        known = ", ".join(f"{suffix} ({name})" for suffix, name in suffixes.items())
        raise click.UsageError(f"--out {out}: no format writes '{out.suffix}' files; name one with --format, or use {known}.")
    return suffixes[out.suffix]


def _render(format_name: str, leaderboard: object, per_frame: bool) -> str:
    from vgbench.errors import PluginError
    from vgbench.plugins.guard import guarded
    from vgbench.plugins.registry import load_registry

    entry = load_registry().reports.get(format_name)
    who, render = f"report format '{entry.short_name}' ({entry.plugin})", entry.load()
    with guarded(PluginError, who, entry.spec.target):
        text = render(leaderboard, per_frame=True) if per_frame else render(leaderboard)
    if not isinstance(text, str):
        raise PluginError(f"{who} returned a {type(text).__name__}, not the report's text.")
    return text
