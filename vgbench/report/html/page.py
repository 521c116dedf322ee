"""A leaderboard as one HTML page: everything it needs is inside, and it asks no host for anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

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
from vgbench.report.html.curves import curves_of
from vgbench.report.published import TITLE, published_headings, published_lines, published_rows
from vgbench.specs import MetricSpec
from vgbench.version import __version__


class Cell(NamedTuple):
    """A cell of the table."""

    text: str
    key: float | str | None = None
    """What it is sorted by; None: behind all others."""
    is_best: bool = False
    """Whether it is the column's best, or cannot be told apart from it."""
    interval: str = ""
    low: float | None = None
    """Where the interval begins, ends and has its value, as shares of the column's range; None without one."""
    high: float | None = None
    at: float | None = None


class Column(NamedTuple):
    """A column of the table."""

    key: str
    """What the page's address calls it."""
    heading: str
    is_number: bool = True
    descends: bool = False
    """Whether the first click sorts from the largest on."""


class Range(NamedTuple):
    """The values that a column's intervals are drawn in."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5


def render(leaderboard: Leaderboard) -> str:
    """The page.  All text from outside is escaped; the scripts and styles are the package's own."""
    from jinja2 import Environment, StrictUndefined

    folder = files("vgbench.report.html")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((folder / "page.html").read_text(encoding="utf-8"))
    return template.render(
        style=(folder / "page.css").read_text(encoding="utf-8"),
        script=(folder / "page.js").read_text(encoding="utf-8"),
        **_contents(leaderboard),
    )


def _contents(leaderboard: Leaderboard) -> dict[str, Any]:
    protocol = leaderboard.protocol
    return {
        "title": f"{protocol['name']}",
        "protocol": {key: str(value) for key, value in protocol.items()},
        "columns": _columns(leaderboard),
        "rows": [_cells(leaderboard, row) for row in leaderboard.rows],
        "notes": [*definition_lines(leaderboard), *standing_lines(leaderboard)],
        "biases": [line for spec in leaderboard.metrics for line in bias_lines(leaderboard, spec)],
        "warnings": list(leaderboard.warnings),
        "curves": [found for spec in leaderboard.metrics if (found := curves_of(leaderboard, spec)) is not None],
        "cards": [_card(spec) for spec in leaderboard.metrics],
        "runs": [run.rstrip("/").rpartition("/")[2] for run in leaderboard.runs],
        "published": _published(leaderboard),
        "version": __version__,
    }


def _columns(leaderboard: Leaderboard) -> list[Column]:
    rank = [Column("rank", "rank")] if has_ranks(leaderboard) else []
    metrics = [Column(spec.id, heading(spec), descends=spec.better == "higher") for spec in leaderboard.metrics]
    return [
        Column("generator", "generator", is_number=False),
        *rank,
        *metrics,
        Column("parameters", "parameters"),
        Column("s/clip", "s/clip"),
    ]


def _cells(leaderboard: Leaderboard, row: TableRow) -> list[Cell]:
    first = leaderboard.metrics[0]
    score = row.scores.get(first.id)
    place = [Cell(ranks(row, first), None if score is None else score.rank_best)] if has_ranks(leaderboard) else []
    size = "–" if row.parameters is None else f"{row.parameters:,}"
    return [
        Cell(row_name(row), row_name(row)),
        *place,
        *(_score(leaderboard, row, spec) for spec in leaderboard.metrics),
        Cell(size, row.parameters),
        Cell(duration(row.seconds_per_clip), row.seconds_per_clip),
    ]


def _score(leaderboard: Leaderboard, row: TableRow, spec: MetricSpec) -> Cell:
    score = row.scores.get(spec.id)
    if score is None:
        return Cell("–")
    places = decimals(leaderboard, spec)
    text = number(score.value, places) + (" ≈" if score.tied_with_best else "")
    key = score.value if math.isfinite(score.value) else None
    if score.ci_low is None or score.ci_high is None:
        return Cell(text, key, bool(score.tied_with_best))
    drawn = _range(leaderboard, spec)
    ends = (drawn.share(value) for value in (score.ci_low, score.ci_high, score.value))
    return Cell(text, key, bool(score.tied_with_best), f"{number(score.ci_low, places)} to {number(score.ci_high, places)}", *ends)


def _range(leaderboard: Leaderboard, spec: MetricSpec) -> Range:
    """Of all intervals of the column."""
    scores = [row.scores[spec.id] for row in leaderboard.rows if spec.id in row.scores]
    ends = [end for score in scores for end in (score.ci_low, score.ci_high, score.value) if end is not None and math.isfinite(end)]
    return Range(min(ends), max(ends))


def _card(spec: MetricSpec) -> tuple[str, str, list[tuple[str, str]]]:
    """Id, summary, and what its card says."""
    return spec.id, spec.summary, [(name, text) for name, text in spec.card.items() if text != "–"]


def _published(leaderboard: Leaderboard) -> dict[str, Sequence[Any]] | None:
    if not leaderboard.published:
        return None
    return {
        "title": [TITLE],
        "headings": published_headings(leaderboard),
        "rows": published_rows(leaderboard),
        "lines": published_lines(leaderboard),
    }
