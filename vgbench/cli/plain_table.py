"""Columns of plain text."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[dict[str, str]]


def aligned(rows: Rows) -> str:
    """Columns under their headings; the last one may run on."""
    headings = list(rows[0])
    widths = [max(len(heading), *(len(row[heading]) for row in rows)) for heading in headings[:-1]]
    lines = [dict(zip(headings, headings, strict=True)), *rows]
    return "\n".join(
        "  ".join(
            [*(line[heading].ljust(width) for heading, width in zip(headings[:-1], widths, strict=True)), line[headings[-1]]]
        ).rstrip()
        for line in lines
    )
