"""A leaderboard as a LaTeX table: booktabs, nothing else needed; it compiles with pdflatex."""

from __future__ import annotations

from vgbench.leaderboard.table import Leaderboard, TableRow
from vgbench.report.cells import bias_lines, decimals, definition_lines, duration, has_ranks, number, ranks, row_name, standing_lines
from vgbench.report.published import TITLE, published_headings, published_lines, published_rows
from vgbench.specs import MetricSpec

ARROWS = {"higher": r"$\uparrow$", "lower": r"$\downarrow$", "toward-1": r"$\rightarrow 1$"}
_ESCAPED = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "—": "---",
    "…": r"\dots{}",
    "≈": r"$\approx$",
    "→": r"$\rightarrow$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "∞": r"$\infty$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "²": r"$^2$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
}


def render(leaderboard: Leaderboard) -> str:
    """A table environment with what the numbers rest on below; best rows are bold where the test tells another row from them."""
    place = ["rank"] if has_ranks(leaderboard) else []
    headings = ["generator", *place, *(_heading(spec) for spec in leaderboard.metrics), "parameters", "s/clip"]
    rows = [_cells(leaderboard, row) for row in leaderboard.rows]
    protocol = leaderboard.protocol
    notes = [
        f"Protocol {protocol['name']}, id {protocol['id']}.",
        *definition_lines(leaderboard, mark="Bold type marks"),
        *standing_lines(leaderboard),
        *(line for spec in leaderboard.metrics for line in bias_lines(leaderboard, spec)),
        *leaderboard.warnings,
    ]
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        *_tabular(headings, rows),
        *(_published(leaderboard) if leaderboard.published else []),
        rf"  \caption{{{' '.join(escaped(note) for note in notes)}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _tabular(headings: list[str], rows: list[list[str]]) -> list[str]:
    """The first column to the left, the others to the right."""
    return [
        rf"  \begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}",
        r"    \toprule",
        rf"    {' & '.join(headings)} \\",
        r"    \midrule",
        *(rf"    {' & '.join(row)} \\" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
    ]


def _published(leaderboard: Leaderboard) -> list[str]:
    """The published numbers, in a table of their own."""
    headings = [escaped(one) for one in published_headings(leaderboard)]
    rows = [[escaped(cell) for cell in row] for row in published_rows(leaderboard)]
    notes = " ".join(escaped(line) for line in [TITLE, *published_lines(leaderboard)])
    return [r"  \par\medskip", *_tabular(headings, rows), rf"  \par {{\footnotesize {notes}}}"]


def _heading(spec: MetricSpec) -> str:
    unit = f" ({escaped(spec.unit)})" if spec.unit and spec.unit != "1" else ""
    return rf"\texttt{{{escaped(spec.id)}}}{unit} {ARROWS[spec.better]}"


def _cells(leaderboard: Leaderboard, row: TableRow) -> list[str]:
    place = [escaped(ranks(row, leaderboard.metrics[0]))] if has_ranks(leaderboard) else []
    size = "--" if row.parameters is None else f"{row.parameters:,}".replace(",", r"\,")
    scores = [_score(leaderboard, row, spec) for spec in leaderboard.metrics]
    return [escaped(row_name(row)), *place, *scores, size, escaped(duration(row.seconds_per_clip))]


def _score(leaderboard: Leaderboard, row: TableRow, spec: MetricSpec) -> str:
    score = row.scores.get(spec.id)
    if score is None:
        return "--"
    places = decimals(leaderboard, spec)
    text = number(score.value, places)
    if score.tied_with_best and _is_told_apart(leaderboard, spec):
        text = rf"\textbf{{{text}}}"
    if score.ci_low is None or score.ci_high is None:
        return text
    return rf"{text} {{\scriptsize [{number(score.ci_low, places)}, {number(score.ci_high, places)}]}}"


def _is_told_apart(leaderboard: Leaderboard, spec: MetricSpec) -> bool:
    """Whether the test tells any row of a column from its best; where all are alike, none stands out."""
    return any(spec.id in row.scores and row.scores[spec.id].tied_with_best is False for row in leaderboard.rows)


def escaped(text: str) -> str:
    """Text as LaTeX sets it, whatever it holds: a character that pdflatex does not know is written by its number."""
    return "".join(_character(one) for one in " ".join(text.split()))


def _character(one: str) -> str:
    if one in _ESCAPED:
        return _ESCAPED[one]
    if one.isprintable() and (one.isascii() or (one.isalpha() and ord(one) < 0x180)):
        return one
    return rf"\texttt{{U+{ord(one):04X}}}"
