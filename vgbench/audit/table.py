"""An audit as rows for machines and as Markdown."""

from __future__ import annotations

import math
from typing import Any

from vgbench.audit.audit import Audit
from vgbench.audit.distortions import DISTORTIONS
from vgbench.report.cells import ARROWS

BLIND_MARK = "·"


def records(audit: Audit) -> list[dict[str, Any]]:
    """One flat record a metric, distortion and grade; what is not finite is None."""
    found = []
    for response in audit.responses:
        value = response.value if math.isfinite(response.value) else None
        found.append(response._asdict() | {"value": value, "sees": audit.sees(response.metric, response.distortion)})
    return found


def cell(audit: Audit, metric: str, distortion: str) -> str:
    """The values under the weakest and the strongest grade; a mark where the metric is blind."""
    responses = audit.of(metric, distortion)
    ends = responses[:: max(1, len(responses) - 1)]
    text = " → ".join(_short(response.value) for response in ends)
    return text if audit.sees(metric, distortion) else f"{text} {BLIND_MARK}"


def markdown(audit: Audit) -> str:
    """A table: distortions down, metrics across."""
    headings = ["", *(f"{spec.id} {ARROWS[spec.better]}" for spec in audit.metrics)]
    rows = [["undistorted", *(_short(audit.undistorted[spec.id]) for spec in audit.metrics)]]
    for distortion in DISTORTIONS:
        grades = " → ".join(dict.fromkeys(f"{grade:g}" for grade in (distortion.grades[0], distortion.grades[-1])))
        name = distortion.name if len(distortion.grades) == 1 else f"{distortion.name} {grades}"
        rows.append([name, *(cell(audit, spec.id, distortion.name) for spec in audit.metrics)])
    lines = [headings, ["---"] + ["---:"] * len(audit.metrics), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _short(value: float) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else "–∞"
    if value == 0 or abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}"
