"""The rows that enter a leaderboard, with everything their runs stored about them."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vgbench.errors import ProtocolError, RunError
from vgbench.interfaces import SetMetric
from vgbench.runs.features import REAL, Features, read_features
from vgbench.runs.records import RowRecord
from vgbench.runs.run import EvalRun
from vgbench.runs.scores import ClipScores, read_scores
from vgbench.scoring.pooling import Column
from vgbench.specs import MetricSpec
from vgbench.stats.set_distance import SetEstimate, estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ScoredRow:
    """One row of one run."""

    run: EvalRun
    record: RowRecord
    """What run.json says of the row."""
    scores: ScoreColumns

    def features(self, metric: str) -> Mapping[str, Features]:
        """The features of the real clips and of this row's."""
        key = self.run.record.feature_arrays.get(metric)
        if key is None:
            raise RunError(f"{self.run.path}/run.json is damaged: it does not say where the features of {metric} are.")
        found = read_features(self.run.path, key, [self.scores.label])
        if found[self.scores.label].n_clips != len(self.scores):
            counts = f"features of {found[self.scores.label].n_clips} clips and scores of {len(self.scores)}"
            raise RunError(f"{self.run.path} is damaged: it holds {counts} of {self.scores.label}.")
        return found

    def estimate(self, metric: SetMetric, features: Mapping[str, Features]) -> SetEstimate:
        """A set metric's value for this row, and how sure it is."""
        real, generated = features[REAL], features[self.scores.label]
        return estimate(
            metric.distance,
            real.vectors,
            generated.vectors,
            real_sources=real.sources,
            generated_sources=generated.sources,
            n_real=real.n_clips,
            n_generated=generated.n_clips,
        )


def find_scored_rows(runs: Sequence[EvalRun], specs: Sequence[MetricSpec]) -> list[ScoredRow]:
    """Every row of the runs.  RunError: scores are missing or damaged."""
    metrics = [spec.id for spec in specs if spec.kind != "set"]
    found = [
        ScoredRow(run=run, record=record, scores=scores)
        for run in runs
        for record, scores in zip(run.record.rows, _score_columns(run, metrics), strict=True)
    ]
    for scored in found[1:]:
        _check_same_clips(found[0], scored)
    return found


def _check_same_clips(one: ScoredRow, other: ScoredRow) -> None:
    """ProtocolError: two rows were scored on different clips, or on clips of different sources."""
    rows = f"{one.scores.label} ({one.run.name}) and {other.scores.label} ({other.run.name})"
    differing = sorted(set(one.scores.clip_ids) ^ set(other.scores.clip_ids))
    if differing:
        raise ProtocolError(
            f"{rows} were not scored on the same clips: {len(differing)} were scored for one of them alone, such as {differing[0]}."
        )
    moved = sorted(one.scores.clips_and_sources() ^ other.scores.clips_and_sources())
    if moved:
        raise ProtocolError(f"{rows} do not agree on the source video of {moved[0][0]}: {moved[0][1]} and {moved[1][1]}.")


def _score_columns(run: EvalRun, metrics: Sequence[str]) -> list[ScoreColumns]:
    own = [metric for metric in metrics if metric in run.record.metrics]
    rows = {row.label: ScoreColumns(row.label, own) for row in run.record.rows}
    if len(rows) < len(run.record.rows):
        raise RunError(f"{run.path}/run.json is damaged: two of its rows have one label.")
    for line in read_scores(run.path):
        if line.generator in rows:
            rows[line.generator].add(line)
        elif line.generator not in run.record.failures:
            raise RunError(f"{run.path}/run.json is damaged: it does not have the row {line.generator}, which scores.jsonl has lines of.")
    for row in run.record.rows:
        found = len(rows[row.label])
        if not found or found != row.n_lines:
            raise RunError(f"{run.path} is damaged: {found} lines of {row.label} in scores.jsonl, {row.n_lines} expected.")
        rows[row.label].check_once(run)
    return list(rows.values())


class ScoreColumns:
    """Everything that scores.jsonl says of one row."""

    def __init__(self, label: str, metrics: Sequence[str]) -> None:
        self.label = label
        self.clip_ids: list[str] = []
        self.sources: list[str] = []
        self.samples = array("q")
        self.pixels: list[str | None] = []
        self.seconds = array("d")
        self.frames = array("q")
        self.perfect = 0
        self.run: str | None = None
        self.columns = {metric: Column() for metric in metrics}

    def __len__(self) -> int:
        return len(self.clip_ids)

    def add(self, line: ClipScores) -> None:
        """RunError: the line lacks a metric."""
        self.clip_ids.append(sys.intern(line.clip_id))
        self.sources.append(sys.intern(line.source))
        self.samples.append(line.sample)
        self.pixels.append(line.pixels)
        if line.seconds is not None:
            self.seconds.append(line.seconds)
        self.frames.append(line.frames)
        self.perfect += line.perfect
        self.run = line.run
        for metric, column in self.columns.items():
            if metric not in line.scores:
                raise RunError(f"scores.jsonl is damaged: a line of {self.label} has no {metric}.")
            column.append(line.scores[metric])

    def clips_and_sources(self) -> set[tuple[str, str]]:
        return set(zip(self.clip_ids, self.sources, strict=True))

    def clips_and_pixels(self) -> dict[tuple[str, int], str | None] | None:
        """(clip, sample) → the hash of its frames; None where the run does not have them all."""
        if None in self.pixels:
            return None
        return dict(zip(zip(self.clip_ids, self.samples, strict=True), self.pixels, strict=True))

    def values_of(self, metric: str) -> list[tuple[list[int], str]]:
        """A metric's values, the clips by name and sample, as text, so that NaN equals NaN."""
        return [(group.places.tolist(), str(group.values.tolist())) for group in self.columns[metric].groups(self.order())]

    def check_once(self, run: EvalRun) -> None:
        """RunError: a sample of a clip was scored more than once."""
        seen: set[tuple[str, int]] = set()
        for scored in zip(self.clip_ids, self.samples, strict=True):
            if scored in seen:
                raise RunError(f"{run.path} is damaged: {self.label} has more than one line for sample {scored[1]} of clip {scored[0]}.")
            seen.add(scored)

    def order(self) -> NDArray[np.int64]:
        """The clips by name and sample, in whatever order they were scored."""
        import numpy as np

        return np.array(sorted(range(len(self)), key=lambda place: (self.clip_ids[place], self.samples[place])), dtype=np.int64)
