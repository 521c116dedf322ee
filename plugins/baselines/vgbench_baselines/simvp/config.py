"""The configurations of SimVP and TAU, and the only home of their defaults: those published for Moving MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from vgbench.learning import LearningRate, ModelOptions, require


@dataclass(frozen=True, kw_only=True)
class SimVPConfig(ModelOptions):
    """Everything that decides what SimVP is and how it is trained.

    ConfigError: a value is out of range, or the size cannot be halved so often.
    """

    model: ClassVar[str] = "simvp"

    translator: Literal["gsta", "incepu", "tau"] = "gsta"
    """What lies between encoder and decoder: gated spatiotemporal attention (SimVPv2), the inception U-Net of the first paper, or TAU."""
    head: Literal["recursive", "direct"] = "recursive"
    """recursive: as published, as many frames come out as go in, and go in again until there are enough; direct: all frames at once."""
    spatial_width: int = 64
    """Channels of the encoder and the decoder."""
    temporal_width: int = 512
    """Channels of the translator."""
    spatial_blocks: int = 4
    """Convolutions of the encoder, every second of which halves the size; even."""
    temporal_blocks: int = 8
    """Blocks of the translator; of `incepu` both of its encoder and of its decoder."""
    mlp_ratio: int = 8
    """Width of the convolutional MLP of `gsta` and `tau`, as a multiple of the block's."""
    difference_weight: float = 0.0
    """Weight of TAU's differential divergence between the changes from frame to frame of prediction and truth; 0: none."""

    lr: float = 1e-3
    """Adam's highest learning rate. As published for Moving MNIST."""
    lr_schedule: LearningRate = "one-cycle"
    """Learning rate over the training; one cycle as published."""
    batch_size: int = 16
    """Clips of one step, over all devices. As published for Moving MNIST."""
    steps: int = 125_000
    """Optimisation steps: 200 epochs of 10,000 clips, as published for Moving MNIST."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "published": {},
        "small": {
            "head": "direct", "spatial_width": 16, "temporal_width": 96, "temporal_blocks": 4, "mlp_ratio": 4,
            "batch_size": 4, "steps": 600,
        },
        "tiny": {
            "head": "direct", "spatial_width": 8, "temporal_width": 16, "spatial_blocks": 2, "temporal_blocks": 2, "mlp_ratio": 2,
            "batch_size": 4, "steps": 60,
        },
    }  # fmt: skip
    """published: the defaults; small: 64×64×16 on two CPU cores; tiny: 32×32×8, for tests. Both of these give all frames at once."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_all(lambda value: value >= 1, "at least 1", "mlp_ratio")
        self.require_all(lambda value: value >= 2, "at least 2", "temporal_blocks")
        self.require_all(lambda value: value >= 2 and value % 2 == 0, "even and at least 2", "spatial_blocks")
        self.require_all(lambda value: value >= 2 and value % 2 == 0, "even, for its two groups,", "spatial_width", "temporal_width")
        self.require_all(lambda value: value >= 0, "0 or more", "difference_weight")
        if self.translator == "incepu":
            fits = self.temporal_width % 16 == 0
            require(self, "temporal_width", fits, "a multiple of 16 for incepu, whose convolutions have 8 groups", model=self.model)
        halvings = self.spatial_blocks // 2
        self.require_steps_of(2**halvings, f"the encoder halves the size {halvings} times")

    @property
    def frames_out(self) -> int:
        """Frames that come out of one pass."""
        return self.context if self.head == "recursive" else self.horizon


@dataclass(frozen=True, kw_only=True)
class TAUConfig(SimVPConfig):
    """SimVP with the temporal attention unit, and the loss that belongs to it."""

    model: ClassVar[str] = "tau"

    translator: Literal["gsta", "incepu", "tau"] = "tau"
    """What lies between encoder and decoder: TAU."""
    difference_weight: float = 0.1
    """Weight of the differential divergence between the changes from frame to frame of prediction and truth. As published; 0: none."""
