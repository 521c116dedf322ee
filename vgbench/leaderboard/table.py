"""The leaderboard: rows that may be compared, with an interval on each number; `ranking.build_leaderboard` makes it from runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vgbench.leaderboard.published import PublishedNumber
from vgbench.specs import MetricSpec
from vgbench.stats.set_distance import SetEstimate

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number of the table."""

    value: float
    """Pooled as the metric's spec says; NaN where any clip's is."""
    ci_low: float | None
    """The 95 % interval's ends; None under five sources, or where the value is not finite."""
    ci_high: float | None
    n_clips: int
    n_frames: int
    n_sources: int
    non_finite: int
    """Values that `measure` gave as NaN or infinity."""
    per_frame: tuple[float, ...] | None
    """The mean over clips at each frame that counts; None where there is no such mean."""
    per_frame_missing: str | None = None
    """Why there is none, as the end of a sentence."""
    per_frame_skips: int = 0
    """Frames that count and have no value: one where a value stands for the step to a frame."""
    tied_with_best: bool | None = None
    """Whether it cannot be told apart from the best at 5 %; None without a test: under six sources, a single row, no finite value."""
    p_against_best: float | None = None
    """The smallest level at which it is told apart from the best, all rows of the column counted; None without a test."""
    rank_best: int | None = None
    """The first rank, from 1, that the paired comparisons do not exclude, those of all rows at once (95 %); None without a test."""
    rank_worst: int | None = None
    """The last such rank."""
    beyond_copying: tuple[int, ...] | None = None
    """The frames of a clip, from 0, at which the mean is better than that of every row that copies; None where that cannot be said."""
    estimate: SetEstimate | None = None
    """What else is known of a set metric's value: its bias, its floor, its limit."""


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One generator's row."""

    label: str
    aliases: Sequence[str] = ()
    """Other names under which the very same clips were scored."""
    generator: str
    is_reference: bool = False
    """Whether it was shown the real clips: a row that others are held against; it is marked, and neither ranked nor tested."""
    run: str | None
    parameters: int | None
    seconds_per_clip: float | None
    """The median wall time of generating a clip; None for given clips."""
    perfect_frames: int
    n_frames: int
    scores: Mapping[str, Score]
    """Metric id → its number; without those metrics that none of its runs was evaluated with."""


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Rows that may be compared, the best first by the first metric; behind them those that were shown the real clips."""

    protocol: Mapping[str, Any]
    """At least its id and name."""
    metrics: Sequence[MetricSpec]
    rows: Sequence[TableRow]
    smallest_differences: Mapping[str, float] = field(default_factory=dict)
    """Metric → the smallest difference between its two best rows that these clips would show in 80 % of tables; not of every metric."""
    warnings: Sequence[str] = field(default_factory=tuple)
    runs: Sequence[str] = ()
    """The folders the scores come from."""
    published: Sequence[PublishedNumber] = ()
    """What is published for the same protocol, if it was asked for: beside the rows, never one of them."""

    def records(self, *, per_frame: bool = False) -> list[dict[str, Any]]:
        """One flat record a generator and metric that it was evaluated with; what is not finite is None.

        per_frame: with the mean over clips at each scored frame as well, and the first one's number; or why there is none.
        """
        return [
            _record(row, spec) | (_curve(row.scores[spec.id], self.first_frame()) if per_frame else {})
            for row in self.rows
            for spec in self.metrics
            if spec.id in row.scores
        ]

    def frame(self) -> pd.DataFrame:
        """The records as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.records())

    def first_frame(self) -> int:
        """The first frame of a clip that counts, from 0: of a generated one, or of given clips."""
        return first_frame_of(self.protocol)


def first_frame_of(protocol: Mapping[str, Any]) -> int:
    """The first frame of a clip that counts, from 0, of a protocol's compared values."""
    return int(protocol.get("task.score_from", protocol.get("score_from", 0)))


def _curve(score: Score, first_frame: int) -> dict[str, Any]:
    """The mean at each frame and the number of the first; or why there is none."""
    if score.per_frame is None:
        return {"per_frame": None, "per_frame_missing": score.per_frame_missing}
    return {"per_frame": [_finite(value) for value in score.per_frame], "first_frame": first_frame + score.per_frame_skips}


def _record(row: TableRow, spec: MetricSpec) -> dict[str, Any]:
    score = row.scores[spec.id]
    return {
        "generator": row.label,
        "metric": spec.id,
        "value": _finite(score.value),
        "ci_low": score.ci_low,
        "ci_high": score.ci_high,
        "n_clips": score.n_clips,
        "n_frames": score.n_frames,
        "better": spec.better,
        "n_sources": score.n_sources,
        "unit": spec.unit,
        "tied_with_best": score.tied_with_best,
        "p_against_best": score.p_against_best,
        "rank_best": score.rank_best,
        "rank_worst": score.rank_worst,
        "beyond_copying": None if score.beyond_copying is None else list(score.beyond_copying),
        "non_finite": score.non_finite,
        "perfect_frames": row.perfect_frames,
        "parameters": row.parameters,
        "seconds_per_clip": row.seconds_per_clip,
        "run": row.run,
        "aliases": list(row.aliases),
        "is_reference": row.is_reference,
        **({} if score.estimate is None else score.estimate.record()),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
