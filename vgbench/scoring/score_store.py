"""Scores kept between runs, by content: which pixels a row's clips have, and what a clip of these pixels scores.

A row's clips are known by what makes them (`vgbench.generation.identity`), so that a row that was scored before is not made again; a
score is known by its metric (`LoadedMetric.identity`) and by the pixels of both sides, so that it is the same whichever row they are of.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vgbench.files import cache_folder
from vgbench.scoring.kept_file import KeptFile

FILE = "scores.sqlite"

_TABLES = (
    """
create table if not exists clips (
    made text not null, clip text not null, sample integer not null,
    pixels blob not null, seconds real, perfect integer not null, check_bytes blob not null, primary key (made, clip, sample)
) without rowid
""",
    """
create table if not exists scores (
    metric text not null, pixels blob not null, reference blob not null,
    numbers blob not null, check_bytes blob not null, primary key (metric, pixels, reference)
) without rowid
""",
)


class KeptClip(NamedTuple):
    """What is known of a clip without its pixels."""

    made: str
    """What makes it: the identity of its row, or of the real clips."""
    clip_id: str
    sample: int
    pixels: bytes
    """A hash of its frames."""
    seconds: float | None
    """Wall time of generating it, when it was."""
    perfect: int
    """Frames that equal the reference in every bit."""


class KeptScore(NamedTuple):
    """What a metric gave for a clip."""

    metric: str
    """The metric's identity."""
    pixels: bytes
    """A hash of the frames that were scored."""
    reference: bytes
    """A hash of the frames they were compared with."""
    values: Sequence[float]


class ScoreStore:
    """Clips and scores of earlier evaluations. Where the file cannot be used, everything is computed and `problem` says why."""

    def __init__(self, path: Path | None = None, *, fresh: bool = False) -> None:
        """fresh: whether nothing that was kept is to be found, so that all is computed and kept anew."""
        self.damaged: set[tuple[Any, ...]] = set()
        """Keys of entries that are not as they were written, and count as missing."""
        self._file = KeptFile(path or cache_folder() / FILE, _TABLES, what="Scores")
        self._fresh = fresh

    @property
    def problem(self) -> str:
        """Why the file cannot be used; empty where it can."""
        return self._file.problem

    def clip(self, made: str, clip_id: str, sample: int) -> KeptClip | None:
        """None where it is not known."""
        key = (made, clip_id, sample)
        found = self._found("select pixels, seconds, perfect, check_bytes from clips where made = ? and clip = ? and sample = ?", key)
        return None if found is None else KeptClip(*key, *found)

    def score(self, metric: str, pixels: bytes, reference: bytes) -> list[float] | None:
        """A metric's values for a clip; None where they are not known."""
        key = (metric, pixels, reference)
        found = self._found("select numbers, check_bytes from scores where metric = ? and pixels = ? and reference = ?", key)
        return None if found is None else array("d", found[0]).tolist()

    def _found(self, query: str, key: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """A row's content, once it is what was written."""
        found = None if self._fresh else self._file.find(query, key)
        if found is None:
            return None
        *content, check = found
        if check != _check(*key, *content):
            self.damaged.add(key)
            return None
        return tuple(content)

    def keep(self, clips: Iterable[KeptClip], scores: Iterable[KeptScore]) -> None:
        """Keep all of them, or none where the file cannot be written; what is there is replaced."""
        of_scores = [(score.metric, score.pixels, score.reference, array("d", score.values).tobytes()) for score in scores]
        self._file.put(
            ("insert or replace into clips values (?, ?, ?, ?, ?, ?, ?)", [(*clip, _check(*clip)) for clip in clips]),
            ("insert or replace into scores values (?, ?, ?, ?, ?)", [(*row, _check(*row)) for row in of_scores]),
        )

    def absorb(self, path: Path) -> None:
        """Keep what another store's file holds as well."""
        for table in ("clips", "scores"):
            self._file.absorb(path, table)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _check(*content: Any) -> bytes:
    """A checksum over an entry, its key included."""
    return hashlib.blake2b(repr(content).encode(), digest_size=8).digest()
