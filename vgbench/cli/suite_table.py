"""A suite's table on the terminal, and in files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vgbench.cli.verbosity import say

if TYPE_CHECKING:
    from vgbench.specs import MetricSpec
    from vgbench.suite.table import SuiteTable

_OF_A_METRIC = 40
"""Columns that a metric's three take, about."""


class SuiteForm(NamedTuple):
    """How the table is shown."""

    name: str
    """terminal, or a format."""
    out: Path | None


def suite_form(format_name: str | None, as_json: bool, out: Path | None) -> SuiteForm:
    """The form that options choose.  UsageError: they contradict each other, or there is no such format."""
    from vgbench.suite.formats import FORMATS

    if as_json and format_name not in (None, "json"):
        raise click.UsageError(f"--json is --format json, and --format {format_name} asks for another.")
    suffixes = {suffix: name for name, (suffix, _) in FORMATS.items()}
    name = "json" if as_json else format_name
    if name is None:
        name = "terminal" if out is None else suffixes.get(out.suffix, "")
    if not name:
        raise click.UsageError(f"--out {out}: name a format with --format, or use {', '.join(suffixes)}.")
    if name != "terminal" and name not in FORMATS:
        raise click.UsageError(f"--format {name}: a suite's table is shown as terminal, {', '.join(FORMATS)}.")
    if name == "terminal" and out is not None:
        raise click.UsageError("--out goes with a file format: --format markdown, csv or json.")
    return SuiteForm(name, out)


def show_table(table: SuiteTable, form: SuiteForm) -> None:
    """Print the table, or write it to a file; what is missing in it goes to stderr."""
    from vgbench.files import OUT_ADVICE, write_text
    from vgbench.suite.formats import FORMATS

    if form.name == "terminal":
        _print(Console(), table)
        for warning in table.warnings:
            say(f"Warning: {warning}")
    elif form.out is None:
        click.echo(FORMATS[form.name][1](table), nl=False)
    else:
        write_text(form.out, FORMATS[form.name][1](table), advice=OUT_ADVICE)
        say(f"Wrote {form.out}")


def _print(console: Console, table: SuiteTable) -> None:
    from vgbench.suite.formats import legend

    protocol = table.protocol
    console.print(f"[bold]{escape(table.suite)}[/]  protocol {escape(protocol['name'])}, {protocol['id']}", highlight=False)
    if not table.rows:
        console.print("Nothing is done yet, so there is no table.", highlight=False)
        return
    for part in _parts(table, console.width):
        console.print(part)
    console.print(legend(table), highlight=False, markup=False, soft_wrap=True)


def _parts(table: SuiteTable, width: int) -> Iterator[Table]:
    """The table, cut into several where its metrics are too many for the width; the last has parameters, steps and time."""
    from vgbench.suite.formats import cells, facts, headings, seeds

    members = max(len("member"), *(len(row.member) for row in table.rows))
    each = max(1, (width - min(members, 24) - 8) // _OF_A_METRIC)
    groups: list[list[MetricSpec]] = [list(table.metrics[start : start + each]) for start in range(0, len(table.metrics), each)]
    for number, specs in enumerate([*groups, []]):
        part = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        part.add_column("member", overflow="fold")
        part.add_column("seeds", justify="right", no_wrap=True)
        titles = [title for spec in specs for title in headings(spec)] if number < len(groups) else ["parameters", "steps", "s/clip"]
        for title in titles:
            part.add_column(title, justify="right", no_wrap=title[:2] != "95")
        for row in table.rows:
            own = [cell for spec in specs for cell in cells(table, row, spec)] if number < len(groups) else facts(row)
            part.add_row(escape(row.member), seeds(row), *own)
        yield part
