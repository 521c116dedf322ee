"""The configuration of ConvLSTM, and the only home of its defaults: the form that benchmarks of video prediction use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from vgbench.learning import LearningRate, ModelOptions


@dataclass(frozen=True, kw_only=True)
class ConvLSTMConfig(ModelOptions):
    """Everything that decides what ConvLSTM is and how it is trained.

    ConfigError: a value is out of range, or the size is no multiple of the patch.
    """

    model: ClassVar[str] = "convlstm"

    patch: int = 4
    """Side of the squares of pixels that become channels before the first layer."""
    layers: int = 4
    """Recurrent layers, one upon the other."""
    width: int = 128
    """Channels of each layer's state."""
    kernel: int = 5
    """Side of the convolutions; odd."""
    forget_bias: float = 0.0
    """Added to the forget gate before its sigmoid. The code that this form comes from sets 1 and never adds it, hence 0."""
    teacher_share: float = 0.4
    """Scheduled sampling (S. Bengio et al., 2015): while training, a true frame goes in instead of the prediction with a probability that
    falls from 1 to 0 during this share of the training; 0: never. Published: 50,000 of 125,000 steps."""

    lr: float = 5e-4
    """Adam's highest learning rate. As published for Moving MNIST."""
    lr_schedule: LearningRate = "one-cycle"
    """Learning rate over the training; one cycle as published."""
    batch_size: int = 16
    """Clips of one step, over all devices. As published for Moving MNIST."""
    steps: int = 125_000
    """Optimisation steps: 200 epochs of 10,000 clips, as published for Moving MNIST."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "published": {},
        "small": {"layers": 2, "width": 32, "batch_size": 4, "steps": 600, "lr": 1e-3},
        "tiny": {"layers": 2, "width": 8, "kernel": 3, "batch_size": 4, "steps": 60, "lr": 1e-3},
    }
    """published: the defaults; small: 64×64×16 on two CPU cores; tiny: 32×32×8, for tests."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_all(lambda value: value >= 1, "at least 1", "patch", "layers", "width")
        self.require_all(lambda value: value >= 1 and value % 2 == 1, "odd and at least 1", "kernel")
        self.require_all(lambda value: 0 <= value <= 1, "from 0 to 1", "teacher_share")
        self.require_steps_of(self.patch, f"squares of {self.patch}×{self.patch} pixels become channels")
