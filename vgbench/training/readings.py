"""What steps report, read from the device: at once, or on a GPU several steps together, so that it need not wait after each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vgbench.interfaces import StepResult
from vgbench.training.health import check_finite
from vgbench.training.host import FabricHost

if TYPE_CHECKING:
    from torch import Tensor


class Step(NamedTuple):
    """One step as all processes agree on it: numbers are their means."""

    step: int
    """Of the whole training."""
    stage_step: int
    losses: dict[str, float]
    diagnostics: dict[str, float]
    objectives: Mapping[str, Mapping[str, float]]
    seconds: float
    waited: float
    """Seconds of these that the clips were waited for."""
    is_interrupted: bool


class _Taken(NamedTuple):
    """A step whose numbers are still on the device."""

    step: int
    stage_step: int
    result: StepResult
    values: Tensor
    """Its losses and diagnostics, float64, in order."""
    seconds: float
    """Until the processor had launched it."""
    waited: float


class Readings:
    """The steps of a stage that were taken and not read yet."""

    def __init__(self, stage: str, host: FabricHost, *, generator: str, run_path: Path) -> None:
        self._stage, self._host, self._generator, self._run_path = stage, host, generator, run_path
        self._taken: list[_Taken] = []

    @property
    def seconds(self) -> float:
        """What the steps have taken so far, without what the device has still to do."""
        return sum(one.seconds for one in self._taken)

    def add(self, result: StepResult, step: int, stage_step: int, seconds: float, waited: float) -> None:
        """Keep what a step reported, on the device, as it is now."""
        values = _stacked([*result.losses.values(), *result.diagnostics.values()], self._host)
        self._taken.append(_Taken(step, stage_step, result, values, seconds, waited))

    def read(self, *, is_interrupted: bool = False) -> list[Step]:
        """The steps since the last reading; the time that is waited for the device is shared between them.

        is_interrupted: whether this process was asked to stop; one that was stops all.  TrainingError: a loss is not finite.
        """
        if not self._taken:
            return []
        taken, self._taken = self._taken, []
        started = time.monotonic()
        rows = _rows(taken)
        wait = (time.monotonic() - started) / len(taken)
        seconds, waited = (sum(values) / len(taken) for values in ([one.seconds for one in taken], [one.waited for one in taken]))
        return [self._agreed(one, [*row, seconds + wait, waited, float(is_interrupted)]) for one, row in zip(taken, rows, strict=True)]

    def _agreed(self, taken: _Taken, own: list[float]) -> Step:
        if self._host.world_size > 1:
            own = self._host.mean(_stacked(own, self._host)).tolist()
        losses = dict(zip(taken.result.losses, own, strict=False))
        diagnostics = dict(zip(taken.result.diagnostics, own[len(losses) : -3], strict=True))
        check_finite(losses, diagnostics, who=self._generator, step=taken.step, stage=self._stage, run_path=self._run_path)
        return Step(
            taken.step,
            taken.stage_step,
            losses,
            diagnostics,
            taken.result.objectives,
            seconds=own[-3],
            waited=own[-2],
            is_interrupted=own[-1] > 0,
        )


def _rows(taken: Sequence[_Taken]) -> list[list[float]]:
    """The numbers of each step, fetched from the device at once."""
    import torch

    rows: list[list[float]] = torch.stack([one.values for one in taken]).tolist()
    return rows


def _stacked(values: list[Any], host: FabricHost) -> Tensor:
    """Scalars as one float64 tensor on the device."""
    import torch

    if all(isinstance(value, torch.Tensor) and value.dtype == torch.float32 and value.device == host.device for value in values):
        return torch.stack([value.detach().reshape(()) for value in values]).double()
    return torch.stack([torch.as_tensor(value, dtype=torch.float64, device=host.device).reshape(()) for value in values])
