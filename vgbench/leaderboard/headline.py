"""An evaluation in one number: its best row by its first metric."""

from __future__ import annotations

import math

from vgbench.leaderboard.scored_rows import find_scored_rows
from vgbench.runs.run import EvalRun
from vgbench.scoring.lookup import find_metric
from vgbench.scoring.pooling import Pooling, goodness


def headline(run: EvalRun) -> str | None:
    """`row metric value`, for lists of runs; None where no metric gives every clip a value, or no ranked row has a finite one."""
    spec = next((spec for spec in (find_metric(metric).spec for metric in run.record.metrics) if spec.kind != "set"), None)
    if spec is None:
        return None
    pooling = Pooling(spec)
    values = {}
    for scored in find_scored_rows([run], [spec]):
        if scored.record.is_reference:
            continue
        lines = scored.scores
        values[lines.label] = pooling.pooled(pooling.per_clip(lines.columns[spec.id], lines.order()))
    finite = {label: value for label, value in values.items() if math.isfinite(value)}
    if not finite:
        return None
    best = max(finite, key=lambda label: goodness(finite[label], spec))
    return f"{best} {spec.id} {finite[best]:.4g}"
