"""An audit as a picture: what each metric sees, and how strongly."""

from __future__ import annotations

from pathlib import Path

from vgbench.audit.audit import Audit
from vgbench.audit.distortions import DISTORTIONS
from vgbench.report.charts.drawing import altair as drawing_library, check_suffix, save_chart

_CELL = 20
"""Pixels of a grade's square."""
_WIDEST = 5
"""Panels side by side, at most."""


def save_plot(audit: Audit, path: Path) -> None:
    """Write the picture; its kind follows from the suffix.

    One panel a metric, distortions down and grades across; the darker, the larger the response, as a share of that metric's largest.

    ConfigError: another suffix.  VgbenchError: altair or vl-convert is missing, or the file cannot be written.
    """
    check_suffix(path)
    altair = drawing_library()
    rows = [response._asdict() | {"share": min(1.0, response.share), "value": f"{response.value:.4g}"} for response in audit.responses]
    order = [distortion.name for distortion in DISTORTIONS]
    squares = (
        altair.Chart(altair.InlineData(values=rows))
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            x=altair.X("grade:O", title="grade", axis=altair.Axis(labelAngle=0, domain=False, ticks=False)),
            y=altair.Y("distortion:N", sort=order, title=None, axis=altair.Axis(domain=False, ticks=False, labelPadding=6)),
            color=altair.Color(
                "share:Q",
                scale=altair.Scale(domain=[0, 1], scheme="blues"),
                legend=altair.Legend(title=["response, as a share", "of the metric's largest"], format="%"),
            ),
            tooltip=["metric:N", "distortion:N", "amount:Q", "value:N", altair.Tooltip("share:Q", format=".1%")],
        )
        .properties(width=4 * _CELL, height=len(order) * _CELL)
    )
    panels = squares.facet(
        altair.Facet("metric:N", sort=[spec.id for spec in audit.metrics], title=None, header=altair.Header(labelFontWeight="bold")),
        columns=_columns(len(audit.metrics)),
    )
    about = f"{audit.protocol['name']}, {audit.protocol['n_clips']} clips of {audit.protocol['n_frames']} frames"
    chart = panels.properties(title=altair.Title("What metrics see", subtitle=f"Graded distortions of real clips: {about}"))
    chart = chart.configure_axis(grid=False).configure_view(stroke=None)
    save_chart(chart, path)


def _columns(panels: int) -> int:
    """Panels side by side, so that the rows are as few as they can be and as equally filled."""
    rows = -(-panels // _WIDEST)
    return -(-panels // rows)
