"""How a leaderboard's numbers are written, the same in every format that people read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vgbench.leaderboard.horizon import as_ranges
from vgbench.leaderboard.table import Leaderboard, TableRow
from vgbench.specs import MetricSpec
from vgbench.stats.set_distance import CurvePoint

ARROWS = {"higher": "↑", "lower": "↓", "toward-1": "→1"}


def heading(spec: MetricSpec) -> str:
    """The metric's full id, its unit and its direction."""
    unit = f", {spec.unit}" if spec.unit and spec.unit != "1" else ""
    return f"{spec.id}{unit} {ARROWS[spec.better]}"


def decimals(leaderboard: Leaderboard, spec: MetricSpec) -> int:
    """Decimal places for a metric's whole column: about four digits of its largest value, of the ranked rows."""
    rows = [row for row in leaderboard.rows if not row.is_reference] or leaderboard.rows
    values = [abs(row.scores[spec.id].value) for row in rows if spec.id in row.scores]
    largest = max((value for value in values if math.isfinite(value)), default=0.0)
    if largest == 0:
        return 1
    return max(0, min(6, 3 - math.floor(math.log10(largest))))


def row_name(row: TableRow) -> str:
    """The row's label, marked where it was shown the real clips."""
    return f"{row.label} (reference)" if row.is_reference else row.label


def number(value: float | None, places: int) -> str:
    """A number with so many decimals; what is not finite is named."""
    if value is None:
        return "–"
    return f"{value:.{places}f}" if math.isfinite(value) else "not finite"


def duration(seconds: float | None) -> str:
    """Seconds with two digits."""
    return "–" if seconds is None else (f"{seconds:.2g}" if seconds < 99.5 else f"{seconds:.0f}")


def ranks(row: TableRow, spec: MetricSpec) -> str:
    """The ranks a row may have by a metric: 2, or 1–3; a dash without a test."""
    score = row.scores.get(spec.id)
    if score is None or score.rank_best is None:
        return "–"
    return str(score.rank_best) if score.rank_best == score.rank_worst else f"{score.rank_best}–{score.rank_worst}"


def has_ranks(leaderboard: Leaderboard) -> bool:
    """Whether any row has a rank by the first metric."""
    first = leaderboard.metrics[0].id
    return any(first in row.scores and row.scores[first].rank_best is not None for row in leaderboard.rows)


def standing_lines(leaderboard: Leaderboard) -> list[str]:
    """What ranks mean, how small a difference could be seen, and where rows are better than copying."""
    lines = []
    if has_ranks(leaderboard):
        lines.append(
            f"Ranks are by {leaderboard.metrics[0].id}: those that the paired comparisons do not exclude, of all rows at once (95 %)."
        )
    if leaderboard.smallest_differences:
        shown = [
            f"{spec.id} {number(leaderboard.smallest_differences[spec.id], decimals(leaderboard, spec))}"
            for spec in leaderboard.metrics
            if spec.id in leaderboard.smallest_differences
        ]
        lines.append(f"The smallest difference between the two best that these clips would show, four times in five: {', '.join(shown)}.")
    for spec in leaderboard.metrics:
        having = [row for row in leaderboard.rows if spec.id in row.scores and row.scores[spec.id].beyond_copying is not None]
        parts = [f"{row.label} {_frames(row.scores[spec.id].beyond_copying or ())}" for row in having]
        if parts:
            lines.append(f"Better than copying by {spec.id}, on average, at frames: {'; '.join(parts)}.")
    return lines


def _frames(frames: Sequence[int]) -> str:
    return as_ranges(frames) if frames else "none"


def definition_lines(leaderboard: Leaderboard, *, mark: str = "≈ marks") -> list[str]:
    """What the table's numbers rest on, and what its marks mean; mark: how the best are marked, as the beginning of a sentence."""
    scores = [score for row in leaderboard.rows for score in row.scores.values()]
    clips, frames, sources = scores[0].n_clips, scores[0].n_frames, scores[0].n_sources
    videos = "1 source video" if sources == 1 else f"{sources} source videos"
    lines = [f"{clips} clips, {frames} frames scored, {videos}." + _score_from_text(leaderboard)]
    if any(score.ci_low is not None and score.estimate is None for score in scores):
        lines.append("Intervals: 95 %, studentized bootstrap over source videos.")
    if any(score.ci_low is not None and score.estimate is not None for score in scores):
        groups = max(len(score.estimate.group_values) for score in scores if score.estimate is not None)
        lines.append(
            f"Intervals of distances between sets: 95 %, delete-group jackknife over source videos ({groups} groups), for the expected "
            "value at this many clips."
        )
    if any(score.tied_with_best is not None for score in scores):
        lines.append(
            f"{mark} the best of a column and what cannot be told apart from it (paired test over source videos, 5 % for the whole column)."
        )
    of_samples = next((spec.id.rpartition(":best-of-")[2] for spec in leaderboard.metrics if ":best-of-" in spec.id), None)
    if of_samples is not None:
        lines.append(
            f"Columns are means over the samples of a clip; best-of-{of_samples} takes the best of each clip's first {of_samples} by that "
            "metric. – there: fewer samples, unless the generator is deterministic."
        )
    if any(row.is_reference for row in leaderboard.rows):
        lines.append("(reference): was shown the real clips, to hold the others against; not ranked, and not compared with any row.")
    for row in leaderboard.rows:
        if row.aliases:
            lines.append(f"{row.label} is also {', '.join(row.aliases)}: the very same clips.")
    perfect = [f"{row.label} {row.perfect_frames}" for row in leaderboard.rows if row.perfect_frames]
    if perfect:
        lines.append("Frames equal to the reference in every bit: " + ", ".join(perfect) + ".")
    return lines


def bias_lines(leaderboard: Leaderboard, spec: MetricSpec) -> list[str]:
    """Of a set metric: its values at fewer clips, the limit they point to, and what real clips against real ones give."""
    lines = []
    places = decimals(leaderboard, spec)
    for row in leaderboard.rows:
        estimate = row.scores[spec.id].estimate if spec.id in row.scores else None
        if estimate is None:
            continue
        curve = ", ".join(_point(point, places) for point in estimate.curve)
        limit = "" if estimate.at_infinity is None else f"; n → ∞: {number(estimate.at_infinity, places)}"
        lines.append(f"{row.label}: {curve}{limit}")
    floors = [row.scores[spec.id].estimate for row in leaderboard.rows if spec.id in row.scores]
    floor = next((one.floor for one in floors if one is not None and one.floor is not None), None)
    if lines:
        against = f" Real against real: {_point(floor, places)}." if floor else ""
        lines.insert(0, f"{spec.id} at fewer clips (clips in brackets, ± the standard deviation over random subsets).{against}")
    return lines


def _point(point: CurvePoint, places: int) -> str:
    spread = "" if point.spread is None else f" ± {number(point.spread, places)}"
    return f"{number(point.value, places)}{spread} ({point.n_clips})"


def _score_from_text(leaderboard: Leaderboard) -> str:
    first = leaderboard.first_frame()
    if first and "reference" in leaderboard.protocol:
        return f" Frames before frame {first} do not count (--score-from)."
    return f" Frames before frame {first} are given or repeat a given one, and do not count." if first else ""
