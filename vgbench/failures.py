"""What ends a training: each failure as an error that says what happened, where, and what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from vgbench.errors import TrainingError


def check_finite(losses: Mapping[str, float], diagnostics: Mapping[str, float], *, who: str, step: int, stage: str, run_path: Path) -> None:
    """TrainingError: a loss, or the norm of a gradient, is not finite; called before anything of that step is written."""
    norms = {key: value for key, value in diagnostics.items() if key.endswith("_gradient")}
    for name, value in {**losses, **norms}.items():
        if not math.isfinite(value):
            others = ", ".join(f"{other} {number:.4g}" for other, number in losses.items() if other != name)
            raise TrainingError(
                f"The {'norm' if name in norms else 'loss'} '{name}' of {who} became {value} at step {step} (stage {stage}); "
                f"the losses: {others}. What {run_path} holds is from before it; try a smaller learning rate (--set lr=…)."
            )


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch says that the device, or the machine, has no memory left."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or bool(re.search("can't allocate memory|not enough memory", str(error)))


def out_of_memory(where: str, clips: int, processes: int, precision: str) -> TrainingError:
    """The error of a step for which there was no memory; clips: those of one process."""
    ways = [f"smaller batches (--set batch_size={clips // 2 * processes}) or more devices"] if clips > 1 else []
    ways += ["on a GPU, --precision bf16"] if precision != "bf16" else []
    return TrainingError(
        f"Out of memory on {where}, with {clips} clips a step and precision {precision}. "
        f"Begin a run with {', or '.join([*ways, 'a smaller network'])}."
    )
