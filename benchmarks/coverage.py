"""Whether intervals and ties hold what they say: how often, over simulated tables whose truth is known.

    python benchmarks/coverage.py [--tables 1000] [--resamples 2000] [--only NAME]

Each table has scores of clips of so many source videos. Coverage: how often the 95 % interval holds the true value; beside it that of
the plain percentile bootstrap. Lost marks: in how many tables of equally good rows any loses its ≈, which should be 5 % at most.
Power: in how many a row that is worse by half a standard deviation of a score loses it. Distances: Fréchet's on Gaussian features. The
standard error of a share over 1,000 tables is 0.7 points at 95 %. `docs/statistics.md` has the results.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vgbench.leaderboard.ties import SIGNIFICANCE, Evidence, goodness_by_source
from vgbench.metrics.pixel.psnr import decibels
from vgbench.metrics.sets.frechet import frechet_distance
from vgbench.specs import MetricSpec
from vgbench.stats.best import p_against_best
from vgbench.stats.bootstrap import Sample, influences, intervals
from vgbench.stats.ranks import LEVEL, order_of
from vgbench.stats.set_distance import SetEstimate, estimate

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, NDArray[np.int64], int], Floats]
"""(rng, the source of each clip, rows) → (rows, clips), rows of one source correlated."""

SOURCES = (5, 10, 20, 50)
ROWS = (2, 5, 10)
LOWER = MetricSpec(name="error", summary="", target="", kind="paired", better="lower")
RATIO = MetricSpec(name="ratio", summary="", target="", kind="paired", better="toward-1")


def _of_sources(rng: np.random.Generator, source_of: NDArray[np.int64], rows: int) -> Floats:
    """Half of the variance is the source's and all rows', a quarter the row's on that source, a quarter the clip's."""
    n_sources, n_clips = source_of.max() + 1, len(source_of)
    shared = rng.normal(size=n_sources) * np.sqrt(1 / 2)
    own = rng.normal(size=(rows, n_sources)) / 2
    return (shared + own)[:, source_of] + rng.normal(size=(rows, n_clips)) / 2


def normal(rng: np.random.Generator, source_of: NDArray[np.int64], rows: int) -> Floats:
    """Mean 0, variance 1."""
    return _of_sources(rng, source_of, rows)


def log_normal(rng: np.random.Generator, source_of: NDArray[np.int64], rows: int) -> Floats:
    """Mean 1: exp of a normal of variance 1, over √e."""
    return np.exp(_of_sources(rng, source_of, rows) - 0.5)


def one_clip(_: np.random.Generator, n_sources: int) -> NDArray[np.int64]:
    return np.arange(n_sources)


def unequal(rng: np.random.Generator, n_sources: int) -> NDArray[np.int64]:
    """1 to 8 clips per source."""
    return np.repeat(np.arange(n_sources), rng.integers(1, 9, size=n_sources))


class Pooled(NamedTuple):
    """Scores, how they are pooled, and what the pooled value estimates."""

    name: str
    draw: Draw
    clips: Callable[[np.random.Generator, int], NDArray[np.int64]]
    truth: float
    of_mean: Callable[[Floats], Floats] | None = None
    pool: Callable[[Floats], float] | None = None


POOLED = (
    Pooled("mean, normal, one clip per source", normal, one_clip, 0.0),
    Pooled("mean, log-normal, 1 to 8 clips per source", log_normal, unequal, 1.0),
    Pooled(
        "PSNR of the mean error, log-normal, 1 to 8 clips", log_normal, unequal, 0.0, of_mean=lambda error: decibels(error, data_range=1)
    ),
    Pooled("median, log-normal, one clip per source", log_normal, one_clip, float(np.exp(-0.5)), pool=np.median),
)


def coverage(tables: int, resamples: int) -> Iterator[Sequence[object]]:
    yield "coverage of 95 % intervals", "sources", "percentile bootstrap, %", "studentized bootstrap, %"
    for cell in POOLED:
        for n_sources in SOURCES:
            rng = np.random.default_rng(n_sources)
            hits = np.zeros(2)
            for _ in range(tables):
                source_of = cell.clips(rng, n_sources)
                sample = Sample(cell.draw(rng, source_of, 1)[0], source_of, cell.of_mean, cell.pool)
                (found,) = intervals([sample], n_sources, resamples=resamples, seed=int(rng.integers(1 << 30)))
                hits += [low <= cell.truth <= high for low, high in (_percentiles(sample, n_sources, resamples, rng), found)]
            yield cell.name, n_sources, *(f"{100 * share:.1f}" for share in hits / tables)


def _percentiles(sample: Sample, n_sources: int, resamples: int, rng: np.random.Generator) -> tuple[float, float]:
    counts = rng.multinomial(n_sources, np.full(n_sources, 1 / n_sources), size=resamples)
    if sample.pool is not None:
        values = np.array([sample.pool(np.repeat(sample.per_clip, times)) for times in counts])
    else:
        sums = np.stack([np.bincount(sample.source_of, weights=weights) for weights in (sample.per_clip, np.ones_like(sample.per_clip))])
        of_sources, clips = sums @ counts.T
        values = of_sources / clips if sample.of_mean is None else sample.of_mean(of_sources / clips)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def p_values(scores: Floats, source_of: NDArray[np.int64], spec: MetricSpec, resamples: int) -> Floats:
    """(rows,): as a leaderboard has them."""
    samples = [Sample(row, source_of) for row in scores]
    return p_against_best(
        goodness_by_source([Evidence(one.value, one.centre, influences(one)) for one in samples], spec), resamples=resamples
    )


def _ratios(rng: np.random.Generator, source_of: NDArray[np.int64], rows: int) -> Floats:
    """All as far from 1 in log scale: 0.8 and 1.25 by turns."""
    return log_normal(rng, source_of, rows) * np.where(np.arange(rows) % 2, 0.8, 1.25)[:, None]


def _skewed(rng: np.random.Generator, source_of: NDArray[np.int64], rows: int) -> Floats:
    """Equal means, and differences that are not symmetric."""
    scores = log_normal(rng, source_of, rows)
    scores[::2] = 1
    return scores


def _unlike(rng: np.random.Generator, source_of: NDArray[np.int64], rows: int) -> Floats:
    """Equal means, spreads from 0.3 to 2."""
    return normal(rng, source_of, rows) * np.linspace(0.3, 2, rows)[:, None]


EQUAL = (
    ("normal, one clip per source", normal, one_clip, LOWER),
    ("log-normal, 1 to 8 clips per source", log_normal, unequal, LOWER),
    ("spreads from 0.3 to 2, one clip per source", _unlike, one_clip, LOWER),
    ("ratios of 0.8 and 1.25, 1 to 8 clips", _ratios, unequal, RATIO),
    ("ratios of 1, 1 to 8 clips", log_normal, unequal, RATIO),
    ("half exactly 1, half log-normal, one clip per source", _skewed, one_clip, LOWER),
)


def against_first(tables: int, resamples: int) -> Iterator[Sequence[object]]:
    """What vgbench does not do: percentiles of a paired bootstrap, each row against the one that stands first, with Holm's correction."""
    yield "the same by percentiles against the first row, with Holm's correction", "sources", *(f"{rows} rows, %" for rows in ROWS)
    for n_sources in (6, 20, 50):
        rng = np.random.default_rng(n_sources)
        lost = [sum(_holm_loses(rng, normal(rng, np.arange(n_sources), rows), resamples) for _ in range(tables)) for rows in ROWS]
        yield "normal, one clip per source", n_sources, *(f"{100 * count / tables:.1f}" for count in lost)


def _holm_loses(rng: np.random.Generator, scores: Floats, resamples: int) -> bool:
    """Whether the smallest p value, times the number of comparisons, is under the level."""
    rows, n_sources = scores.shape
    counts = rng.multinomial(n_sources, np.full(n_sources, 1 / n_sources), size=resamples)
    differences = counts @ (scores - scores[scores.mean(axis=1).argmin()]).T
    tails = np.minimum((differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0))
    return bool((rows - 1) * 2 * (tails.min() + 1) / (resamples + 1) < SIGNIFICANCE)


def lost_marks(tables: int, resamples: int) -> Iterator[Sequence[object]]:
    yield "tables in which an equal row loses its ≈", "sources", *(f"{rows} rows, %" for rows in ROWS)
    for name, draw, clips, spec in EQUAL:
        for n_sources in (6, 20, 50):
            rng = np.random.default_rng(n_sources)
            lost = [
                sum(bool((_drawn_p(rng, draw, clips, spec, n_sources, rows, resamples) < SIGNIFICANCE).any()) for _ in range(tables))
                for rows in ROWS
            ]
            yield name, n_sources, *(f"{100 * count / tables:.1f}" for count in lost)


def _drawn_p(rng, draw, clips, spec, n_sources, rows, resamples) -> Floats:  # type: ignore[no-untyped-def]
    source_of = clips(rng, n_sources)
    return p_values(draw(rng, source_of, rows), source_of, spec, resamples)


def lost_marks_beside_worse(tables: int, resamples: int) -> Iterator[Sequence[object]]:
    yield "3 equal rows beside 5 worse ones: tables in which an equal row loses its ≈", "20 sources, %", "50 sources, %"
    for worse in (1, 2, 3, 4, 6):
        shares = []
        for n_sources in (20, 50):
            rng = np.random.default_rng(n_sources)
            source_of = np.arange(n_sources)
            shift = np.array([0.0] * 3 + [worse * np.sqrt(1 / n_sources)] * 5)[:, None]
            lost = [
                p_values(normal(rng, source_of, 8) + shift, source_of, LOWER, resamples)[:3].min() < SIGNIFICANCE for _ in range(tables)
            ]
            shares.append(f"{100 * np.mean(lost):.1f}")
        yield f"worse by {worse} standard errors of a difference", *shares


def power(tables: int, resamples: int) -> Iterator[Sequence[object]]:
    yield "5 rows, one better by 0.5 sd: another loses its ≈", "sources", "independent rows, %", "rows correlated by 0.5, %"
    better = np.array([-0.5, 0, 0, 0, 0])[:, None]
    for n_sources in (20, 50, 100):
        rng = np.random.default_rng(n_sources)
        source_of = np.arange(n_sources)
        draws = (lambda: rng.normal(size=(5, n_sources)), lambda: normal(rng, source_of, 5))  # noqa: B023 - drawn in this round
        shares = [
            np.mean([p_values(draw() + better, source_of, LOWER, resamples)[1] < SIGNIFICANCE for _ in range(tables)]) for draw in draws
        ]
        yield "", n_sources, *(f"{100 * share:.1f}" for share in shares)


LADDERS = (
    ("all rows equal", 0.0),
    ("each row 0.25 sd above the next", 0.25),
    ("each row 0.5 sd above the next", 0.5),
)


def missed_ranks(tables: int, resamples: int) -> Iterator[Sequence[object]]:
    """How often any row of a table has a true rank outside its range, and how wide ranges are."""
    yield "5 rows", "sources", "tables with a true rank outside its range, %", "the same, log-normal, %", "ranks in a range, mean"
    for name, step in LADDERS:
        for n_sources in (6, 20, 50):
            rng = np.random.default_rng(n_sources)
            source_of = np.arange(n_sources)
            truth = step * np.arange(5)[:, None]
            shares, widths = [], []
            for draw in (normal, log_normal):
                orders = [order_of(draw(rng, source_of, 5) + truth, resamples=resamples).ranges() for _ in range(tables)]
                shares.append(f"{100 * np.mean([_misses(ranges, truth[:, 0]) for ranges in orders]):.1f}")
                widths.append(np.mean([worst - best + 1 for ranges in orders for best, worst in ranges]))
            yield name, n_sources, *shares, f"{widths[0]:.1f}"


def _misses(ranges: Sequence[tuple[int, int]], truth: Floats) -> bool:
    """Whether a row's true ranks, which equal rows share, go beyond its range."""
    best, worst = 1 + (truth[:, None] < truth).sum(axis=1), len(truth) - (truth[:, None] > truth).sum(axis=1)
    return any(low > first or high < last for (low, high), first, last in zip(ranges, best, worst, strict=True))


def smallest_differences(tables: int, resamples: int) -> Iterator[Sequence[object]]:
    """How often a difference as large as the one that a table calls its smallest is found."""
    yield "5 rows, one better by what the table calls the smallest difference that it would show", "sources", "found, %"
    for n_sources in (10, 20, 50):
        rng = np.random.default_rng(n_sources)
        source_of, found = np.arange(n_sources), 0.0
        error = order_of(normal(rng, np.arange(2000), 5), resamples=200).errors[0, 1] * np.sqrt(2000 / n_sources)
        for _ in range(tables):
            order = order_of(normal(rng, source_of, 5), resamples=resamples)
            scores = normal(rng, source_of, 5)
            scores[0] += order.smallest_difference(0, 1) / order.errors[0, 1] * error
            found += (order_of(scores, resamples=resamples).p_better[0, 1:] < LEVEL).mean()
        yield "", n_sources, f"{100 * found / tables:.0f}"


def _distance(real: Floats, generated: Floats, sources: Sequence[str]) -> SetEstimate:
    n = len(real)
    return estimate(frechet_distance, real, generated, real_sources=sources, generated_sources=sources, n_real=n, n_generated=n)


def distances(tables: int, _: int) -> Iterator[Sequence[object]]:
    """The truth: features of variance 1 against those of variance 1.2² with means 0.1 apart."""
    yield "Fréchet distance of so many features", "clips", "covers the value at this n, %", "value / truth", "limit / truth"
    tables = max(1, tables // 10)
    for width in (8, 64):
        truth = width * (0.1**2 + 0.2**2)
        for times in (1, 2, 4, 8):
            n = width * times
            if n < 20:
                continue
            rng = np.random.default_rng(n)
            names = [str(index) for index in range(n)]

            def draw(n: int = n, width: int = width, rng: np.random.Generator = rng) -> tuple[Floats, Floats]:
                return rng.normal(size=(n, width)), rng.normal(size=(n, width)) * 1.2 + 0.1

            expected = float(np.mean([frechet_distance(*draw()) for _ in range(20 * tables)]))
            found = [_distance(*draw(), names) for _ in range(tables)]
            covered = np.mean([one.ci_low <= expected <= one.ci_high for one in found])  # type: ignore[operator] # of many sources
            limits = [one.at_infinity for one in found if one.at_infinity is not None]
            limit = f"{np.mean(limits) / truth:.2f}" if limits else "–"
            yield width, n, f"{100 * covered:.0f}", f"{expected / truth:.2f}", limit


def lost_marks_of_distances(tables: int, resamples: int) -> Iterator[Sequence[object]]:
    yield "tables in which an equal row loses its ≈, Fréchet distance of 8 features", "sources", *(f"{rows} rows, %" for rows in ROWS)
    tables = max(1, tables // 5)
    for n_sources in (20, 64):
        rng = np.random.default_rng(n_sources)
        names = [str(index) for index in range(n_sources)]
        shares = []
        for rows in ROWS:
            lost = 0
            for _ in range(tables):
                real = rng.normal(size=(n_sources, 8))
                found = [_distance(real, real * 0.7 + rng.normal(size=real.shape), names) for _ in range(rows)]
                evidence = [Evidence(one.value, one.value, one.influences()) for one in found]
                lost += bool((p_against_best(goodness_by_source(evidence, LOWER), resamples=resamples) < SIGNIFICANCE).any())
            shares.append(f"{100 * lost / tables:.1f}")
        yield "", n_sources, *shares


TABLES = {
    "coverage": coverage,
    "lost-marks": lost_marks,
    "against-first": against_first,
    "lost-marks-beside-worse": lost_marks_beside_worse,
    "power": power,
    "missed-ranks": missed_ranks,
    "smallest-differences": smallest_differences,
    "distances": distances,
    "lost-marks-of-distances": lost_marks_of_distances,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--only", choices=TABLES)
    given = parser.parse_args()
    for name, table in TABLES.items():
        if given.only not in (None, name):
            continue
        for number, line in enumerate(table(given.tables, given.resamples)):
            print("| " + " | ".join(str(cell) for cell in line) + " |", flush=True)
            if number == 0:
                print("| --- |" + " ---: |" * (len(line) - 1))
        print(flush=True)


if __name__ == "__main__":
    main()
