"""The scores of one row, column by column: some hundred bytes a clip, so that a table of many clips stays small."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from vgbench.errors import RunError
from vgbench.store import ClipScores

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Group(NamedTuple):
    """Clips with equally many values."""

    places: NDArray[np.int64]
    """(n,): where the clips stand in their row."""
    values: Floats
    """(n, K)."""


class Column:
    """What `measure` gave for each clip of a row: K values a clip, and K may differ."""

    def __init__(self) -> None:
        self._values, self._lengths = array("d"), array("q")

    def append(self, values: Sequence[float]) -> None:
        """Add the next clip's values."""
        self._values.extend(values)
        self._lengths.append(len(values))

    def __len__(self) -> int:
        return len(self._lengths)

    def groups(self, order: NDArray[np.int64]) -> Iterator[Group]:
        """The values by their number a clip; places count in `order`."""
        import numpy as np

        values, lengths = np.array(self._values), np.array(self._lengths)
        ends = np.cumsum(lengths)
        for length in np.unique(lengths).tolist():
            places = np.flatnonzero(lengths[order] == length)
            starts = (ends - lengths)[order[places]]
            yield Group(places, values[starts[:, None] + np.arange(length)])

    def non_finite(self) -> int:
        """How many values are NaN or infinite."""
        import numpy as np

        return int((~np.isfinite(np.array(self._values))).sum())


class RowScores:
    """Everything that scores.jsonl says of one row."""

    def __init__(self, label: str, metrics: Sequence[str]) -> None:
        self.label = label
        self.clip_ids: list[str] = []
        self.sources: list[str] = []
        self.samples = array("q")
        self.seconds = array("d")
        self.frames = self.perfect = 0
        self.run: str | None = None
        self.columns = {metric: Column() for metric in metrics}

    def __len__(self) -> int:
        return len(self.clip_ids)

    def add(self, line: ClipScores) -> None:
        """RunError: the line lacks a metric."""
        self.clip_ids.append(sys.intern(line.clip_id))
        self.sources.append(sys.intern(line.source))
        self.samples.append(line.sample)
        if line.seconds is not None:
            self.seconds.append(line.seconds)
        self.frames += line.frames
        self.perfect += line.perfect
        self.run = line.run
        for metric, column in self.columns.items():
            if metric not in line.scores:
                raise RunError(f"scores.jsonl is damaged: a line of {self.label} has no {metric}.")
            column.append(line.scores[metric])

    def order(self) -> NDArray[np.int64]:
        """The clips by name and sample, in whatever order they were scored."""
        import numpy as np

        return np.array(sorted(range(len(self)), key=lambda place: (self.clip_ids[place], self.samples[place])), dtype=np.int64)
