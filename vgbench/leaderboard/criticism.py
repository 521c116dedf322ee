"""What a table says against its own rows: leads it cannot show, copies that are better, missing motion, seeds that do nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from vgbench.leaderboard.entrants import Entrant
from vgbench.leaderboard.horizon import COPYING
from vgbench.leaderboard.table import TableRow
from vgbench.scoring.pooling import goodness
from vgbench.specs import MetricSpec

LITTLE_MOTION = 0.5
"""A row that moves less than this share of the real clips' motion may be better than copying for little else than blur."""
MOTION = "motion-ratio"


def criticise(
    rows: Sequence[TableRow], entrants: Sequence[Entrant], spec: MetricSpec, smallest_differences: Mapping[str, float]
) -> list[str]:
    """One sentence for each doubt about the rows; spec: the metric that they are ranked by."""
    ranked = [row for row in rows if not row.is_reference and spec.id in row.scores]
    ranked.sort(key=lambda row: -goodness(row.scores[spec.id].value, spec))
    return [
        *_narrow_lead(ranked, spec, smallest_differences),
        *_copying(ranked, spec),
        *[text for entrant in entrants for text in _unused_seed(entrant)],
    ]


def _narrow_lead(ranked: Sequence[TableRow], spec: MetricSpec, smallest_differences: Mapping[str, float]) -> list[str]:
    """The first two rows, where they are nearer to each other than these clips could show."""
    smallest = smallest_differences.get(spec.id)
    if smallest is None:
        return []
    first, second = ranked[:2]
    gap = abs(first.scores[spec.id].value - second.scores[spec.id].value)
    if gap >= smallest or not second.scores[spec.id].tied_with_best:
        return []
    return [
        f"{first.label} and {second.label}, the first two by {spec.id}, are {gap:.2g} apart; these clips show a difference of "
        f"{smallest:.2g} or more. Which is better is not known."
    ]


def _copying(ranked: Sequence[TableRow], spec: MetricSpec) -> list[str]:
    """Trained rows that a row which copies is better than; and those that are better than it and hardly move."""
    copies = [place for place, row in enumerate(ranked) if row.generator in COPYING]
    if not copies:
        return []
    best = copies[0]
    behind = [row.label for row in ranked[best + 1 :] if row.parameters]
    still = [f"{row.label} {ratio:.2f}" for row in ranked[:best] if (ratio := _motion_of(row)) is not None and ratio < LITTLE_MOTION]
    doubts = []
    if behind:
        doubts.append(f"By {spec.id} {ranked[best].label}, which copies a frame, is better than {', '.join(behind)}.")
    if still:
        doubts.append(
            f"Better than {ranked[best].label} by {spec.id}, but with little motion: {'; '.join(still)} of the real clips' ({MOTION}). "
            "Blur is closer to what moves than a frame that stands still."
        )
    return doubts


def _motion_of(row: TableRow) -> float | None:
    """Its motion as a share of the real clips'; None where nobody measured it."""
    return next((score.value for metric, score in row.scores.items() if metric.partition("@")[0] == MOTION), None)


def _unused_seed(entrant: Entrant) -> list[str]:
    """A row that was sampled several times, and gave the same clip each time."""
    pixels = entrant.first.scores.clips_and_pixels()
    if pixels is None:
        return []
    samples = defaultdict(list)
    for (clip, _), digest in pixels.items():
        samples[clip].append(digest)
    counts = {len(found) for found in samples.values()}
    if min(counts) < 2 or any(len(set(found)) > 1 for found in samples.values()):
        return []
    return [f"{entrant.label} was sampled {min(counts)} times for each clip and gave the same clip each time: it ignores its seed."]
