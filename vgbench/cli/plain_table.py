"""Columns of plain text."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

Rows = Sequence[dict[str, str]]

_LEAST = 24
"""Columns that the last heading's texts take at least; with fewer left they stand on lines of their own."""


def aligned(rows: Rows) -> str:
    """Columns under their headings; on a terminal the last one is broken between words, and elsewhere runs on."""
    headings = list(rows[0])
    widths = [max(len(heading), *(len(row[heading]) for row in rows)) for heading in headings[:-1]]
    lines = [dict(zip(headings, headings, strict=True)), *rows]
    columns = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
    return "\n".join(_line([line[heading] for heading in headings], widths, columns) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], columns: int | None) -> str:
    begin = "".join(f"{cell.ljust(width)}  " for cell, width in zip(cells[:-1], widths, strict=True))
    if columns is None or len(begin) + len(cells[-1]) <= columns:
        return (begin + cells[-1]).rstrip()
    if columns - len(begin) >= _LEAST:
        return textwrap.fill(cells[-1], columns, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False)
    return f"{begin.rstrip()}\n{textwrap.fill(cells[-1], columns, initial_indent='    ', subsequent_indent='    ', break_on_hyphens=False)}"
