"""One table over seeds: each member's mean, how far its seeds spread, and how sure each seed's number is of its clips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Any

from vgbench.errors import VgbenchError
from vgbench.leaderboard.comparability import check_comparable
from vgbench.leaderboard.doubts import differing_code, differing_machines
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.leaderboard.table import Score, TableRow
from vgbench.scoring.pooling import goodness
from vgbench.specs import MetricSpec
from vgbench.suite.planning import STATES, Standing, SuitePlan


@dataclass(frozen=True, kw_only=True)
class SeededScore:
    """One number of a member, over its seeds."""

    mean: float
    """Over seeds; NaN where one of them is not finite."""
    seed_sd: float | None
    """The sample standard deviation over seeds; None under two."""
    ci_low: float | None
    """The mean over seeds of the low ends of the 95 % intervals over clips; None where a seed has none."""
    ci_high: float | None
    by_seed: Mapping[str, float]
    """Seed → its number; "" for what is not trained."""
    n_clips: int


@dataclass(frozen=True, kw_only=True)
class MemberRow:
    """One member's row."""

    member: str
    generator: str
    n_seeds: int
    """How many trainings the numbers are of; 0 for what is not trained."""
    n_planned: int
    parameters: int | None
    steps: float | None
    """Steps of a training, the mean over seeds."""
    seconds_per_clip: float | None
    scores: Mapping[str, SeededScore]


@dataclass(frozen=True, kw_only=True)
class SuiteTable:
    """The table of a suite."""

    suite: str
    protocol: Mapping[str, Any]
    metrics: Sequence[MetricSpec]
    rows: Sequence[MemberRow]
    """The best first, by the first metric."""
    missing: Mapping[str, str]
    """Job without a number in the table → why."""
    refused: Mapping[str, str]
    """Metric without a column → why."""
    warnings: Sequence[str]

    def records(self) -> list[dict[str, Any]]:
        """A flat record for each member and metric; what is not finite is None."""
        return [
            {
                "member": row.member,
                "generator": row.generator,
                "metric": spec.id,
                "mean_over_seeds": _finite(row.scores[spec.id].mean),
                "sd_over_seeds": row.scores[spec.id].seed_sd,
                "n_seeds": row.n_seeds,
                "ci_low_over_clips": row.scores[spec.id].ci_low,
                "ci_high_over_clips": row.scores[spec.id].ci_high,
                "n_clips": row.scores[spec.id].n_clips,
                "by_seed": {seed: _finite(value) for seed, value in row.scores[spec.id].by_seed.items()},
                "better": spec.better,
                "unit": spec.unit,
                "parameters": row.parameters,
                "steps": row.steps,
                "seconds_per_clip": row.seconds_per_clip,
            }
            for row in self.rows
            for spec in self.metrics
            if spec.id in row.scores
        ]


def build_table(plan: SuitePlan, standings: Sequence[Standing]) -> SuiteTable:
    """The table of what is done.  RunError, ProtocolError: evaluations of one suite that cannot be compared."""
    done = [standing for standing in standings if standing.evaluation is not None]
    runs = [standing.evaluation for standing in done if standing.evaluation is not None]
    missing = {one.job.name: one.reason or f"it is {STATES[one.state]}." for one in standings if one.evaluation is None}
    specs: dict[str, MetricSpec] = {}
    found: dict[str, list[tuple[Standing, TableRow]]] = {}
    warnings: list[str] = []
    if runs:
        check_comparable(runs)
    for standing, run in zip(done, runs, strict=True):
        try:
            leaderboard = build_leaderboard([run])
        except VgbenchError as error:
            missing[standing.job.name] = str(error)
            continue
        specs |= {spec.id: spec for spec in leaderboard.metrics}
        warnings += [text for text in leaderboard.warnings if text not in warnings and not _is_of_the_run(text)]
        found.setdefault(standing.job.member.name, []).append((standing, leaderboard.rows[0]))
    counts = {member.name: sum(job.member is member for job in plan.jobs) for member in plan.loaded.members}
    wanted = [spec for metric in plan.metrics for spec in specs.values() if spec.id.split(":")[0] == metric]
    rows = [_row(name, pairs, counts[name], wanted) for name, pairs in found.items()]
    return SuiteTable(
        suite=plan.loaded.suite.name,
        protocol={"id": plan.protocol_id, "name": plan.protocol.name},
        metrics=wanted,
        rows=sorted(rows, key=lambda row: _rank(row, wanted)),
        missing=missing,
        refused={metric: reason for run in runs for metric, reason in run.record.refused.items() if metric in plan.metrics},
        warnings=[*warnings, *differing_machines(runs), *differing_code(runs)] if runs else [],
    )


def _is_of_the_run(text: str) -> bool:
    """Whether a run's warning is about how it came by its numbers, and not about them."""
    return "--fresh computes all anew" in text


def _row(name: str, pairs: Sequence[tuple[Standing, TableRow]], n_planned: int, specs: Sequence[MetricSpec]) -> MemberRow:
    first, rows = pairs[0], [row for _, row in pairs]
    trainings = [standing.training for standing, _ in pairs if standing.training is not None]
    seconds = [row.seconds_per_clip for row in rows if row.seconds_per_clip is not None]
    return MemberRow(
        member=name,
        generator=first[1].generator,
        n_seeds=len(trainings),
        n_planned=n_planned,
        parameters=first[1].parameters,
        steps=fmean(training.record.step for training in trainings) if trainings else None,
        seconds_per_clip=median(seconds) if seconds else None,
        scores={
            spec.id: _over_seeds({_seed(standing): row.scores[spec.id] for standing, row in pairs})
            for spec in specs
            if all(spec.id in row.scores for row in rows)
        },
    )


def _seed(standing: Standing) -> str:
    return "" if standing.job.seed is None else str(standing.job.seed)


def _over_seeds(scores: Mapping[str, Score]) -> SeededScore:
    values = [score.value for score in scores.values()]
    is_finite = all(map(math.isfinite, values))
    low, high = ([getattr(score, end) for score in scores.values()] for end in ("ci_low", "ci_high"))
    return SeededScore(
        mean=fmean(values) if is_finite else math.nan,
        seed_sd=stdev(values) if is_finite and len(values) > 1 else None,
        ci_low=None if None in low else fmean(low),
        ci_high=None if None in high else fmean(high),
        by_seed={seed: score.value for seed, score in scores.items()},
        n_clips=next(iter(scores.values())).n_clips,
    )


def _rank(row: MemberRow, specs: Sequence[MetricSpec]) -> tuple[float, str]:
    score = row.scores.get(specs[0].id) if specs else None
    return math.inf if score is None else -goodness(score.mean, specs[0]), row.member


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
