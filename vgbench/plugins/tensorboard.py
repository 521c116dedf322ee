"""Scalars of a training for TensorBoard, in the run's folder `tensorboard`; through the hooks that any plugin may implement."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from vgbench.runs.run import Run

_writers: dict[Path, SummaryWriter] = {}
"""Of the runs at work in this process, by their folders."""


@cache
def is_installed() -> bool:
    """Whether there is a TensorBoard to write for."""
    return find_spec("tensorboard") is not None


def write_scalars(run: Run, progress: Mapping[str, Any]) -> None:
    """The losses and diagnostics of a step that the log has; what a resumed run does again replaces what was there."""
    if "diagnostics" not in progress:
        return
    from torch.utils.tensorboard import SummaryWriter

    step = progress["step"]
    if run.path not in _writers:
        _writers[run.path] = SummaryWriter(str(run.path / "tensorboard"), purge_step=step)
    writer = _writers[run.path]
    speed = {"clips_per_second": progress["clips_per_second"]}
    rates = {f"lr_{index}": rate for index, rate in enumerate(progress["lr"])}
    for group, values in (("losses", progress["losses"]), ("diagnostics", progress["diagnostics"]), ("training", speed | rates)):
        for name, value in values.items():
            writer.add_scalar(f"{progress['stage']} {group}/{name}", value, step)


def close(run: Run) -> None:
    """The run ended."""
    writer = _writers.pop(run.path, None)
    if writer is not None:
        writer.close()
