"""Scores: one line per clip, with the values that `measure` gave, appended as they come."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vgbench.errors import RunError
from vgbench.files import cut_torn_line, whole_lines, writing

SCORES = "scores.jsonl"
PIXEL_DIGITS = 16
_MOST_SAMPLES = 1 << 31


class ClipScores(NamedTuple):
    """What one sample of one clip scored."""

    clip_id: str
    source: str
    sample: int
    generator: str
    """The row's label."""
    run: str | None
    """The training run behind it."""
    scores: Mapping[str, Sequence[float]]
    """Metric id → its values, as `measure` gave them; not finite ones are null in the file and NaN here."""
    frames: int
    """Frames that were scored."""
    perfect: int
    """Of these, how many equal the reference in every bit."""
    seconds: float | None
    """Wall time of generating the clip."""
    pixels: str | None = None
    """The first digits of a hash of the frames that were scored; None in runs of older versions."""


class ScoreWriter:
    """Appends lines to a run's scores.jsonl; each call's lines are on the disk when it returns."""

    def __init__(self, run_path: Path) -> None:
        self.path = run_path / SCORES
        with writing(self.path):
            cut_torn_line(self.path)
            self._file = open(self.path, "a", encoding="utf-8")

    def write(self, lines: Iterable[ClipScores]) -> None:
        """RunError: the disk is full or the folder cannot be written."""
        text = "".join(json.dumps(_plain(line), ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
        with writing(self.path):
            self._file.write(text)
            self._file.flush()

    def __enter__(self) -> ScoreWriter:
        return self

    def __exit__(self, *_: object) -> None:
        with writing(self.path):  # what a full disk refused is tried once more
            self._file.close()


def _plain(line: ClipScores) -> dict[str, Any]:
    scores = {metric: [value if math.isfinite(value) else None for value in values] for metric, values in line.scores.items()}
    return line._asdict() | {"scores": scores}


def read_scores(run_path: Path) -> Iterator[ClipScores]:
    """The lines of a run's scores.jsonl, one at a time; a torn last line is passed over.

    RunError: the file is missing, or a line is no score; the message has the line's number.
    """
    path = run_path / SCORES
    try:
        for number, line in enumerate(whole_lines(path), start=1):
            yield _line(path, number, line)
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path} cannot be read: {error}.") from error


def _line(path: Path, number: int, text: str) -> ClipScores:
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise RunError(f"{path}, line {number}, is no score: {error}.") from error


def _parsed(record: Mapping[str, Any]) -> ClipScores:
    scores = {str(metric): [math.nan if value is None else float(value) for value in values] for metric, values in record["scores"].items()}
    if not all(scores.values()):
        raise ValueError("a metric without values")
    if not 0 <= int(record["sample"]) < _MOST_SAMPLES:
        raise ValueError(f"sample is {record['sample']}")
    seconds = None if record["seconds"] is None else float(record["seconds"])
    if seconds is not None and not math.isfinite(seconds):
        raise ValueError(f"seconds is {seconds}")
    return ClipScores(
        clip_id=str(record["clip_id"]),
        source=str(record["source"]),
        sample=int(record["sample"]),
        generator=str(record["generator"]),
        run=record["run"],
        scores=scores,
        frames=int(record["frames"]),
        perfect=int(record["perfect"]),
        seconds=seconds,
        pixels=None if record.get("pixels") is None else str(record["pixels"]),
    )
