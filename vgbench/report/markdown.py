"""A leaderboard as a Markdown table."""

from __future__ import annotations

import re

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
from vgbench.report.published import TITLE, published_headings, published_lines, published_rows
from vgbench.specs import MetricSpec


def render(leaderboard: Leaderboard) -> str:
    """The table, with what it rests on below."""
    place = ["rank"] if has_ranks(leaderboard) else []
    headings = ["generator", *place, *(heading(spec) for spec in leaderboard.metrics), "parameters", "s/clip"]
    lines = [_line(headings), _line(["---"] + ["---:"] * (len(headings) - 1))]
    lines += [_line(_cells(leaderboard, row)) for row in leaderboard.rows]
    protocol = leaderboard.protocol
    notes = [f"Protocol {protocol['name']}, id {protocol['id']}.", *definition_lines(leaderboard), *standing_lines(leaderboard)]
    warnings = [f"- {_inline(warning)}" for warning in leaderboard.warnings]
    biases = [f"- {_inline(line)}" for spec in leaderboard.metrics for line in bias_lines(leaderboard, spec)]
    parts = [lines, [" ".join(notes)], biases, warnings, *_published(leaderboard)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _published(leaderboard: Leaderboard) -> list[list[str]]:
    """The table of published numbers, and what to know of it; nothing without them."""
    if not leaderboard.published:
        return []
    headings = published_headings(leaderboard)
    table = [headings, ["---", *["---:"] * (len(headings) - 1)]]
    rows = [[_inline(cell) for cell in row] for row in published_rows(leaderboard)]
    return [[_inline(TITLE)], [_line(cells) for cells in [*table, *rows]], [f"- {_inline(line)}" for line in published_lines(leaderboard)]]


def _cells(leaderboard: Leaderboard, row: TableRow) -> list[str]:
    scores = [_score(leaderboard, row, spec) for spec in leaderboard.metrics]
    size = "–" if row.parameters is None else f"{row.parameters:,}"
    place = [ranks(row, leaderboard.metrics[0])] if has_ranks(leaderboard) else []
    return [_inline(row_name(row)), *place, *scores, size, duration(row.seconds_per_clip)]


def _score(leaderboard: Leaderboard, row: TableRow, spec: MetricSpec) -> str:
    score = row.scores.get(spec.id)
    if score is None:
        return "–"
    places = decimals(leaderboard, spec)
    text = number(score.value, places) + (" ≈" if score.tied_with_best else "")
    if score.ci_low is None or score.ci_high is None:
        return text
    return f"{text} [{number(score.ci_low, places)}, {number(score.ci_high, places)}]"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _inline(text: str) -> str:
    """Text that cannot break a table or a list: no bars, no line breaks, no markup of its own."""
    escaped = re.sub(r"([\\`*_\[\]|~])", r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;")
    return " ".join(escaped.split())
