"""A suite's table as text: Markdown, CSV and JSON; and how its columns are called wherever it is shown."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vgbench.report.cells import duration, heading, number
from vgbench.specs import MetricSpec
from vgbench.suite.table import MemberRow, SeededScore, SuiteTable

OVER_SEEDS, OVER_CLIPS = "sd over seeds", "95 % over clips"


def headings(spec: MetricSpec) -> tuple[str, str, str]:
    """Of a metric's three columns."""
    return heading(spec), OVER_SEEDS, OVER_CLIPS


def cells(table: SuiteTable, row: MemberRow, spec: MetricSpec) -> tuple[str, str, str]:
    """A metric's mean over seeds, their standard deviation, and the interval over clips."""
    score = row.scores.get(spec.id)
    if score is None:
        return "–", "–", "–"
    places = decimals(table, spec)
    interval = "–"
    if score.ci_low is not None and score.ci_high is not None:
        interval = f"[{number(score.ci_low, places)}, {number(score.ci_high, places)}]"
    return number(score.mean, places), number(score.seed_sd, places), interval


def facts(row: MemberRow) -> tuple[str, str, str]:
    """Parameters, steps of a training and s/clip."""
    size = "–" if row.parameters is None else f"{row.parameters:,}"
    return size, "–" if row.steps is None else f"{row.steps:,.0f}", duration(row.seconds_per_clip)


def seeds(row: MemberRow) -> str:
    """How many trainings a row is of; with how many are planned, where those are more."""
    if row.steps is None:
        return "–"
    return str(row.n_seeds) if row.n_seeds == row.n_planned else f"{row.n_seeds} of {row.n_planned}"


def decimals(table: SuiteTable, spec: MetricSpec) -> int:
    """Decimal places of a metric's columns: about four digits of its largest mean."""
    means = [abs(row.scores[spec.id].mean) for row in table.rows if spec.id in row.scores]
    largest = max((mean for mean in means if math.isfinite(mean)), default=0.0)
    return max(0, min(6, 3 - math.floor(math.log10(largest)))) if largest else 1


def legend(table: SuiteTable) -> str:
    """What the columns are."""
    scores: list[SeededScore] = [score for row in table.rows for score in row.scores.values()]
    clips = f" ({scores[0].n_clips} clips)" if scores else ""
    return (
        f"Each number is a mean over seeds. {OVER_SEEDS}: the sample standard deviation between trainings that differ in their seed alone; "
        f"– under two. {OVER_CLIPS}: how far the test clips{clips} leave a single training's number open, as the mean over seeds of the "
        "ends of its 95 % interval (bootstrap over source videos; of set distances, jackknife). Neither contains the other."
    )


def markdown(table: SuiteTable) -> str:
    """The table, what its columns are, and what is missing."""
    titles = ["member", "seeds", *(title for spec in table.metrics for title in headings(spec)), "parameters", "steps", "s/clip"]
    lines = [_line(titles), _line(["---"] + ["---:"] * (len(titles) - 1))]
    for row in table.rows:
        numbers = [cell for spec in table.metrics for cell in cells(table, row, spec)]
        lines.append(_line([_inline(row.member), seeds(row), *numbers, *facts(row)]))
    notes = [f"Suite {table.suite}, protocol {table.protocol['name']}, id {table.protocol['id']}. {legend(table)}"]
    gaps = [f"- {_inline(name)} is missing: {_inline(reason)}" for name, reason in {**table.missing, **table.refused}.items()]
    warnings = [f"- {_inline(text)}" for text in table.warnings]
    return "\n\n".join("\n".join(part) for part in (lines, notes, gaps, warnings) if part) + "\n"


def _line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def _inline(text: str) -> str:
    """Text that breaks no table and no list."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def as_json(table: SuiteTable) -> str:
    """One object, a value that is not finite as null."""
    return json.dumps(as_object(table), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_object(table: SuiteTable) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "suite": table.suite,
        "protocol": dict(table.protocol),
        "rows": table.records(),
        "missing": dict(table.missing),
        "refused": dict(table.refused),
        "warnings": list(table.warnings),
    }


def as_csv(table: SuiteTable) -> str:
    """A line for each member and metric, numbers with all their digits."""
    records = [record | {"by_seed": json.dumps(record["by_seed"])} for record in table.records()]
    columns = ["suite", "protocol", "protocol_id", *(records[0] if records else ("member", "metric"))]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    whose = {"suite": table.suite, "protocol": table.protocol["name"], "protocol_id": table.protocol["id"]}
    writer.writerows([whose | record for record in records])
    return text.getvalue()


FORMATS: Mapping[str, tuple[str, Callable[[SuiteTable], str]]] = {
    "markdown": (".md", markdown),
    "csv": (".csv", as_csv),
    "json": (".json", as_json),
}
"""Format → its files' suffix, and what gives its text."""
