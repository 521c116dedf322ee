"""Names that a data set does not know: errors that say what it does know."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from vgbench import DataError, UnknownName


def unknown_split(split: str, known: Iterable[str], notes: Iterable[str] = ()) -> UnknownName:
    """The error for a split that is not there."""
    return UnknownName("split", split, known, list(notes))


def unknown_source(source_id: str, known: Collection[str]) -> UnknownName:
    """The error for a source that is not there; of many known ones the nearest are named."""
    named = known if len(known) <= 8 else difflib.get_close_matches(source_id, known, n=3, cutoff=0)
    notes = [] if named is known else [f"these are the nearest of {len(known)} sources"]
    return UnknownName("source", source_id, named, notes)


def require_window(source_id: str, start: int, length: int, frames: int) -> None:
    """Raise DataError unless frames start to start + length − 1 lie within a source of so many frames."""
    if start < 0 or length < 1 or start + length > frames:
        raise DataError(
            f"Frames {start} to {start + length - 1} of {source_id} were asked for, but it has frames 0 to {frames - 1}. "
            "Ask for a window that lies within the video."
        )
