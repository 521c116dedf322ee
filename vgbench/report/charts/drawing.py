"""What all charts have in common: how they look, and how they are written to a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgbench.errors import ConfigError, VgbenchError

if TYPE_CHECKING:
    from types import ModuleType

SUFFIXES = (".png", ".svg", ".pdf", ".html")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Told apart by the colour-blind too: M. Okabe, K. Ito, "Color Universal Design", 2008, and a grey."""
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
"""With the colours, 32 lines that differ."""
WIDTH, HEIGHT = 240, 170
"""Pixels of a panel: a column of a paper at 72 a inch."""
PANELS_ACROSS = 3


def altair() -> ModuleType:
    """The library that draws.  VgbenchError: it is not installed, or what it saves with is not."""
    try:
        import altair as library
        import vl_convert  # noqa: F401 - altair asks for it when it saves
    except ImportError as error:
        raise VgbenchError("The plot needs altair and vl-convert; install them with: pip install 'vgbench[plots]'.") from error
    return library


def check_suffix(path: Path) -> None:
    """ConfigError: charts are not written to files of that suffix."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path}: a plot is one of {', '.join(SUFFIXES)}.")


def colours_of(labels: Sequence[str]) -> Any:
    """The colour scale of rows, in their order."""
    return altair().Scale(domain=list(labels), range=[COLOURS[place % len(COLOURS)] for place in range(len(labels))])


def dashes_of(labels: Sequence[str]) -> Any:
    """The dashes of rows; all of the first eight are whole lines."""
    return altair().Scale(domain=list(labels), range=[DASHES[place // len(COLOURS) % len(DASHES)] for place in range(len(labels))])


def side_by_side(panels: Sequence[Any]) -> Any:
    """Panels in rows of three, each with axes of its own."""
    library = altair()
    rows = [library.hconcat(*panels[start : start + PANELS_ACROSS]) for start in range(0, len(panels), PANELS_ACROSS)]
    return library.vconcat(*rows).resolve_scale(color="shared", strokeDash="shared")


def save_chart(chart: Any, path: Path) -> None:
    """Write the chart; its kind follows from the suffix.  ConfigError: another one.  VgbenchError: the file cannot be written."""
    check_suffix(path)
    options = {"inline": True} if path.suffix == ".html" else {"scale_factor": 2} if path.suffix == ".png" else {}
    try:
        chart.save(str(path), **options)
    except OSError as error:
        raise VgbenchError(f"{path} cannot be written: {error.strerror or error}.") from error


def save_panels(panels: Sequence[Any], title: str, subtitle: str, path: Path) -> None:
    """Panels under one title, in the style of all charts."""
    heading = altair().Title(title, subtitle=subtitle, anchor="start", fontSize=13, subtitleFontSize=10)
    chart = side_by_side(panels).properties(title=heading).configure_view(stroke=None)
    chart = chart.configure_axis(gridColor="#E5E5E5", labelFontSize=10, labelFlush=False, titleFontSize=11, titleFontWeight="normal")
    save_chart(chart.configure_legend(title=None, labelFontSize=10, symbolStrokeWidth=2, labelLimit=240), path)
