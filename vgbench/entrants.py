"""The rows that enter a leaderboard, with everything their runs stored about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vgbench.columns import RowScores
from vgbench.errors import RunError
from vgbench.feature_store import REAL, Features, read_features
from vgbench.measure import find_metric
from vgbench.runs import Run
from vgbench.set_estimates import SetEstimate, estimate
from vgbench.specs import MetricSpec
from vgbench.store import read_scores


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One row of one run."""

    label: str
    """Unique in the table: with the run's name behind it where two runs have a row of one label."""
    run: Run
    record: Mapping[str, Any]
    """What run.json says of the row."""
    scores: RowScores

    def features(self, metric: str) -> Mapping[str, Features]:
        """The features of the real clips and of this row's."""
        key = self.run.record.get("feature_arrays", {}).get(metric)
        if not isinstance(key, str):
            raise RunError(f"{self.run.path}/run.json is damaged: it does not say where the features of {metric} are.")
        found = read_features(self.run.path, key, [self.scores.label])
        if found[self.scores.label].n_clips != len(self.scores):
            counts = f"features of {found[self.scores.label].n_clips} clips and scores of {len(self.scores)}"
            raise RunError(f"{self.run.path} is damaged: it holds {counts} of {self.scores.label}.")
        return found

    def estimate(self, spec: MetricSpec, features: Mapping[str, Features]) -> SetEstimate:
        """A set metric's value for this row, and how sure it is."""
        real, generated = features[REAL], features[self.scores.label]
        return estimate(
            find_metric(spec.id).load()().distance,
            real.vectors,
            generated.vectors,
            real_sources=real.sources,
            generated_sources=generated.sources,
            n_real=real.n_clips,
            n_generated=generated.n_clips,
        )


def find_entrants(runs: Sequence[Run], specs: Sequence[MetricSpec]) -> list[Entrant]:
    """Every row of the runs.  RunError: scores are missing or damaged."""
    metrics = [spec.id for spec in specs if spec.kind != "set"]
    labels = [row["label"] for run in runs for row in run.record["rows"]]
    return [
        Entrant(
            label=scores.label if labels.count(scores.label) == 1 else f"{scores.label}@{run.name}",
            run=run,
            record=record,
            scores=scores,
        )
        for run in runs
        for record, scores in zip(run.record["rows"], _row_scores(run, metrics), strict=True)
    ]


def _row_scores(run: Run, metrics: Sequence[str]) -> list[RowScores]:
    rows = {row["label"]: RowScores(row["label"], metrics) for row in run.record["rows"]}
    for line in read_scores(run.path):
        if line.generator in rows:
            rows[line.generator].add(line)
    for record in run.record["rows"]:
        found, expected = len(rows[record["label"]]), record.get("n_lines")
        if not found or found != expected:
            raise RunError(f"{run.path} is damaged: {found} lines of {record['label']} in scores.jsonl, {expected} expected.")
    return list(rows.values())
