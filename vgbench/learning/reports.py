"""What one step reports, put together from its players'."""

from __future__ import annotations

from vgbench.interfaces import StepResult


def joined(*reports: StepResult) -> StepResult:
    """The reports of a step's players as one, without the way back to their weights."""
    return StepResult(
        losses={name: value.detach() for report in reports for name, value in report.losses.items()},
        diagnostics={name: value.detach() for report in reports for name, value in report.diagnostics.items()},
        objectives={name: weights for report in reports for name, weights in report.objectives.items()},
    )
