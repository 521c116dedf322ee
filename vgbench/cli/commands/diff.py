"""vgbench diff."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vgbench.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vgbench.leaderboard.difference import Difference, MetricDifference
    from vgbench.runs.run import EvalRun


@click.command("diff")
@click.argument("first", metavar="RUN[:ROW]")
@click.argument("second", metavar="RUN[:ROW]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@options.runs_option
def command(first: str, second: str, as_json: bool, runs: Path) -> int:
    """Explain why the numbers of two rows differ: protocol, checkpoint, code, versions, machine, and which clips.

    Exit status 0 where every clip has the very same numbers, 1 where not.

    \b
    vgbench diff latest 2026-01-01-120000-eval-synthetic-sky-64x16
    vgbench diff RUN:mdgan RUN:mdgan:base
    """
    from vgbench.leaderboard.difference import explain_difference, find_side

    (one, one_label), (other, other_label) = (_located(text, runs) for text in (first, second))
    found = explain_difference(find_side(one, one_label, other), find_side(other, other_label, one))
    if as_json:
        click.echo(json.dumps(found.record(), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        for line in _lines(found):
            click.echo(line)
    return 0 if found.is_same else 1


def _located(text: str, runs: Path) -> tuple[EvalRun, str | None]:
    """The run, and the row's label where one is named; a run's own name may hold a colon."""
    from vgbench.errors import RunError
    from vgbench.runs.run import EvalRun, locate_run

    name, separator, label = text.partition(":")
    try:
        return locate_run(name, runs, EvalRun), label if separator else None
    except RunError:
        if separator and (Path(text).exists() or (runs / text).exists()):
            return locate_run(text, runs, EvalRun), None
        raise


def _lines(found: Difference) -> Iterator[str]:
    yield f"first:  {found.first}"
    yield f"second: {found.second}"
    yield ""
    for metric in found.metrics:
        yield _metric_line(metric)
    yield from found.only
    for heading, lines in found.causes.items():
        yield ""
        yield f"{heading}, first against second:"
        yield from (f"  {line}" for line in lines)
    if found.is_same:
        return
    if not found.causes:
        yield ""
        yield "Nothing that the runs record differs. The clips that are furthest apart:"
    else:
        yield ""
        yield "The clips that are furthest apart:"
    for metric in found.metrics:
        for clip, one, other in metric.clips:
            yield f"  {metric.metric} of {clip}: {one:.6g} against {other:.6g}"


def _metric_line(metric: MetricDifference) -> str:
    gap = metric.second - metric.first
    apart = f"{gap:+.3g}" if math.isfinite(gap) else "not finite"
    clips = "every clip the same" if not metric.differing else f"{metric.differing} of {metric.n_clips} clips differ"
    return f"{metric.metric}: {metric.first:.6g} against {metric.second:.6g}, {apart}; {clips}"
