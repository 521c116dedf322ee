"""At which frames a row is better than copying, by the means over clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vgbench.leaderboard.table import TableRow
from vgbench.scoring.pooling import goodness
from vgbench.specs import MetricSpec

COPYING = ("baselines/copy-first", "baselines/copy-last")


def with_horizons(rows: Sequence[TableRow], specs: Sequence[MetricSpec], first_frame: int) -> list[TableRow]:
    """Say of each score at which frames it is beyond copying, where that can be said."""
    scores = {row.label: dict(row.scores) for row in rows}
    for spec in specs:
        for label, frames in frames_beyond_copying(rows, spec, first_frame).items():
            scores[label][spec.id] = replace(scores[label][spec.id], beyond_copying=frames)
    return [replace(row, scores=scores[row.label]) for row in rows]


def frames_beyond_copying(rows: Sequence[TableRow], spec: MetricSpec, first_frame: int) -> dict[str, tuple[int, ...]]:
    """Row → the frames of a clip, from 0, at which its mean is better than that of every row that copies; empty without such rows.

    Rows and metrics without a mean at each frame are left out, and so are rows that copy or were shown the real clips.
    """
    curves = {row.label: curve for row in rows if (curve := _curve(row, spec, first_frame))}
    copied = [curves[row.label] for row in rows if row.generator in COPYING and row.label in curves]
    if not copied:
        return {}
    return {
        row.label: tuple(frame for frame, value in curves[row.label].items() if _is_better(value, [one[frame] for one in copied], spec))
        for row in rows
        if row.label in curves and row.generator not in COPYING and not row.is_reference
    }


def _curve(row: TableRow, spec: MetricSpec, first_frame: int) -> Mapping[int, float]:
    """Frame → mean; empty without means at each frame."""
    score = row.scores.get(spec.id)
    if score is None or score.per_frame is None:
        return {}
    return dict(enumerate(score.per_frame, start=first_frame + score.per_frame_skips))


def _is_better(value: float, copied: Sequence[float], spec: MetricSpec) -> bool:
    return goodness(value, spec) > max(goodness(one, spec) for one in copied)


def as_ranges(frames: Sequence[int]) -> str:
    """Ascending numbers as people write them: 3–5, 7."""
    parts: list[list[int]] = []
    for frame in frames:
        if parts and frame == parts[-1][-1] + 1:
            parts[-1].append(frame)
        else:
            parts.append([frame])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}–{part[-1]}" for part in parts)
