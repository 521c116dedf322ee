"""Lengthening a training: its last stage goes on from where it ended, with its optimizers as they were."""

from __future__ import annotations

from dataclasses import replace

from vgbench.config import plain
from vgbench.errors import RunError
from vgbench.runs.checkpoints import load_checkpoint, newest_checkpoint
from vgbench.runs.run import TrainRun
from vgbench.training.budget import Budget
from vgbench.training.plan import TrainingPlan


def lengthened(plan: TrainingPlan, run: TrainRun, steps: int) -> TrainingPlan:
    """The plan with the last stage's steps so that the whole training has `steps`; the run's record follows it.

    RunError: it has so many already, or an earlier stage, which time limits, is not finished.
    """
    checkpoint = load_checkpoint(newest_checkpoint(run.path))
    *earlier, last = plan.budgets
    counts = {stage: checkpoint.finished_stages.get(stage, budget.steps) for stage, budget in plan.budgets.items()}
    unknown = next((stage for stage in earlier if counts[stage] is None), None)
    if unknown is not None:
        raise RunError(f"{run.path} cannot be lengthened yet: stage {unknown} is not finished. Resume it without --steps first.")
    whole = sum(count for count in counts.values() if count is not None)
    if steps <= whole:
        raise RunError(
            f"--steps {steps}: {run.path} has, or without --steps is to have, {whole} in all; with more of them its stage {last} goes on. "
            "One that was interrupted on its way there is resumed without --steps."
        )
    budget = Budget(steps - (whole - (counts[last] or 0)), None)
    budgets = {**plan.budgets, last: budget}
    run.record = replace(run.record, budgets={stage: plain(one) for stage, one in budgets.items()})
    if last in checkpoint.finished_stages:
        share = budget.fraction(checkpoint.finished_stages[last], 0.0)
        run.warn(
            f"Lengthened from {whole} to {steps} steps: stage {last} goes on. What follows a stage's progress, such as a learning rate "
            f"that falls, goes back to where {share:.0%} of it are done."
        )
    return replace(plan, budgets=budgets)
