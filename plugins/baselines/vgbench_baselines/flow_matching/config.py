"""The configuration of flow matching, and the only home of its defaults, which are this project's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from vgbench.learning import LearningRate
from vgbench_baselines.predformer.config import TransformerOptions


@dataclass(frozen=True, kw_only=True)
class FlowMatchingConfig(TransformerOptions):
    """Everything that decides what the flow is, how it is trained and how it is followed."""

    model: ClassVar[str] = "flow-matching"

    patch: int = 4
    """Side of the squares of pixels that are one token."""
    blocks: int = 12
    """Gated blocks, in fours: over time, space, space, time."""
    times: Literal["uniform", "logit-normal"] = "logit-normal"
    """Distribution of the times that are learned: all alike, or the sigmoid of a standard normal, which favours the middle
    (P. Esser et al., arXiv:2403.03206)."""
    sampling_steps: int = 20
    """Euler steps from noise to clip; 1 to 1,000."""

    lr: float = 3e-4
    """Adam's learning rate."""
    lr_schedule: LearningRate = "constant"
    """Learning rate over the training."""
    gradient_clip: float = 1.0
    """The largest norm of the gradient; larger ones are scaled down to it; 0: no limit."""
    ema_decay: float = 0.9999
    """Decay per step of a running average of the weights, which then makes the clips; 0: no average."""
    batch_size: int = 32
    """Clips of one step, over all devices."""
    steps: int = 200_000
    """Optimisation steps."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "published": {},
        "small": {"patch": 8, "width": 128, "heads": 4, "blocks": 4, "batch_size": 4, "steps": 600, "lr": 1e-3, "ema_decay": 0.995},
        "tiny": {
            "width": 32, "heads": 2, "blocks": 4, "mlp_ratio": 2, "batch_size": 4, "steps": 60, "lr": 1e-3, "ema_decay": 0.9,
            "sampling_steps": 5,
        },
    }  # fmt: skip
    """published: the defaults; small: 64×64×16 on two CPU cores; tiny: 32×32×8, for tests."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_all(lambda value: 1 <= value <= 1000, "from 1 to 1,000", "sampling_steps")
