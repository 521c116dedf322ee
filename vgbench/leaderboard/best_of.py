"""Best of N: a column beside a metric's own, for generators that were sampled more than once for each clip.

A metric's own column is the mean over a clip's samples, what one sample is expected to score; best of N takes the best of each clip's
first N by that metric, as stochastic video prediction reports it (E. Denton, R. Fergus, ICML 2018). More samples give a better number, so
all rows of a column have the same N.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vgbench.leaderboard.entrants import Entrant
from vgbench.leaderboard.scored_rows import ScoreColumns
from vgbench.scoring.pooling import goodness
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def samples_of(scores: ScoreColumns) -> int:
    """How many samples every clip of a row has at least."""
    return min(Counter(scores.clip_ids).values())


def shared_samples(entrants: Sequence[Entrant]) -> int:
    """N: the least number of samples among the rows that have more than one of each clip; 1 where none has."""
    return min((n for n in (samples_of(entrant.first.scores) for entrant in entrants) if n > 1), default=1)


def is_the_same_each_time(entrant: Entrant) -> bool:
    """Whether the row has one sample of each clip because its generator is deterministic: any number of draws would give that one."""
    first = entrant.first
    asked = int(first.run.record.protocol.get("task.samples", 1))
    return asked > 1 and first.record.plugin is not None and samples_of(first.scores) == 1


def can_be_best_of(spec: MetricSpec) -> bool:
    """Whether a clip's samples can be told better and worse by the metric: one that compares each with its reference."""
    return spec.kind == "paired"


def best_of_spec(spec: MetricSpec, samples: int) -> MetricSpec:
    """The column's: the metric's with `:best-of-N` behind its id."""
    ending = f":best-of-{samples}"
    summary = f"The best of each clip's first {samples} samples by {spec.id}."
    return replace(spec, variant=f"{spec.variant}{ending}", summary=summary) if spec.variant else replace(spec, name=f"{spec.name}{ending}")


def best_places(scores: ScoreColumns, per_line: NDArray[np.float64], spec: MetricSpec, samples: int) -> NDArray[np.int64]:
    """Of each clip, by name, where its best line among the first so many samples stands in `order()`; NaN is the worst.

    per_line: each line's number, in the order of `order()`.
    """
    import numpy as np

    best: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for place, line in enumerate(scores.order()):
        clip = scores.clip_ids[line]
        seen[clip] += 1
        if seen[clip] <= samples and (clip not in best or goodness(per_line[place], spec) > goodness(per_line[best[clip]], spec)):
            best[clip] = place
    return np.array(list(best.values()), dtype=np.int64)
