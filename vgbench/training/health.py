"""What spoils or ends a training: a discriminator that wins outright, a term that outweighs all others, NaN, too little memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from vgbench.errors import TrainingError

WINDOW = 100
"""Steps that are looked at together."""
WON = 0.995
"""A discriminator with so many right answers, on real and on generated clips, has won."""
RULES = 0.95
"""A term with such a share of what a player descends leaves nothing to the others."""


class _Observed(NamedTuple):
    losses: Mapping[str, float]
    least_accuracy: float | None
    """The smaller share of right answers, on real or on generated clips; None where the stage reports none."""


class Watch:
    """Looks at the steps of one stage; says each thing once."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._steps: deque[_Observed] = deque(maxlen=WINDOW)
        self._said: set[str] = set()

    def warnings(
        self, step: int, losses: Mapping[str, float], diagnostics: Mapping[str, float], objectives: Mapping[str, Mapping[str, float]]
    ) -> Iterator[str]:
        """What is wrong as of this step, over the last `WINDOW` steps."""
        accuracies = [diagnostics[name] for name in ("real_accuracy", "fake_accuracy") if name in diagnostics]
        self._steps.append(_Observed(losses, min(accuracies, default=None)))
        if len(self._steps) < WINDOW:
            return
        for subject, text in chain(self._victory(), self._rulers(objectives)):
            if subject not in self._said:
                self._said.add(subject)
                yield f"Stage {self._stage}, steps {step - WINDOW + 1} to {step}: {text}"

    def _victory(self) -> Iterator[tuple[str, str]]:
        accuracies = [one.least_accuracy for one in self._steps if one.least_accuracy is not None]
        if len(accuracies) == WINDOW and sum(accuracies) / WINDOW >= WON:
            yield (
                "victory",
                "the discriminator wins outright: it knows all real and all generated clips for what they are, so that its judgement "
                "teaches the generator little. Slow it down, or make its task harder.",
            )

    def _rulers(self, objectives: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, str]]:
        for player, weights in objectives.items():
            sizes = {
                name: abs(weight) * sum(abs(one.losses[name]) for one in self._steps) / WINDOW
                for name, weight in weights.items()
                if weight and all(name in one.losses for one in self._steps)
            }
            whole = sum(sizes.values())
            for name, size in sizes.items():
                if len(sizes) > 1 and size > RULES * whole:
                    others = ", ".join(f"{other} {value:.3g}" for other, value in sizes.items() if other != name)
                    share = int(1000 * size / whole) / 10
                    yield (
                        f"{player} {name}",
                        f"'{name}' makes up {share} % of what the {player} descends ({size:.3g}, beside {others}), "
                        "so that it decides alone. Weigh it less, or look whether the others have vanished.",
                    )


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


def out_of_memory(where: str, clips: int, processes: int, precision: str) -> TrainingError:
    """The error of a step for which there was no memory; clips: those of one process."""
    ways = [f"smaller batches (--set batch_size={clips // 2 * processes}) or more devices"] if clips > 1 else []
    ways += ["on a GPU, --precision bf16"] if precision != "bf16" else []
    return TrainingError(
        f"Out of memory on {where}, with {clips} clips per step and precision {precision}. "
        f"Begin a run with {', or '.join([*ways, 'a smaller network'])}."
    )
