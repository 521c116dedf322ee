"""Natural order: numbers inside names count as numbers, so frame_2 comes before frame_10."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[list[tuple[str, int]], str]:
    """A sort key; capitals do not count, and names that differ only in them or in leading zeros are ordered by their characters.

    >>> sorted(["frame_10", "frame_2", "Frame_1"], key=natural_key)
    ['Frame_1', 'frame_2', 'frame_10']
    """
    pieces = _DIGITS.split(name.casefold())
    texts, numbers = pieces[::2], [int(piece) for piece in pieces[1::2]]
    return list(zip(texts, [*numbers, -1], strict=True)), name
