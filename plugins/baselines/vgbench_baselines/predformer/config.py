"""The configuration of PredFormer, and the only home of its defaults: its quadruplet TSST form for Moving MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from vgbench.learning import LearningRate, ModelOptions


@dataclass(frozen=True, kw_only=True)
class TransformerOptions(ModelOptions):
    """A factorised transformer over patches: what PredFormer and flow matching share.

    ConfigError: a value is out of range, or the size is no multiple of the patch.
    """

    patch: int = 8
    """Side of the squares of pixels that are one token."""
    width: int = 256
    """Numbers in a token."""
    heads: int = 8
    """Attention heads, which share the width."""
    blocks: int = 24
    """Gated blocks, in fours: over time, space, space, time."""
    mlp_ratio: int = 4
    """Width of a block's SwiGLU, as a multiple of the token's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_all(lambda value: value >= 1, "at least 1", "patch", "heads", "mlp_ratio")
        self.require_all(lambda value: value >= 4 and value % 4 == 0, "a multiple of 4, one round of T, S, S, T,", "blocks")
        self.require_all(lambda value: value >= 1 and value % (2 * self.heads) == 0, f"a multiple of {2 * self.heads}", "width")
        self.require_steps_of(self.patch, f"a token is {self.patch}×{self.patch} pixels")

    @property
    def tokens(self) -> int:
        """Tokens of a frame."""
        return (self.size[0] // self.patch) * (self.size[1] // self.patch)


@dataclass(frozen=True, kw_only=True)
class PredFormerConfig(TransformerOptions):
    """Everything that decides what PredFormer is and how it is trained."""

    model: ClassVar[str] = "predformer"

    head: Literal["recursive", "direct"] = "recursive"
    """recursive: as published, as many frames come out as go in, and go in again until there are enough; direct: all frames at once, the
    last given one standing in for those to come."""

    lr: float = 1e-3
    """Adam's highest learning rate. As published for Moving MNIST."""
    lr_schedule: LearningRate = "one-cycle"
    """Learning rate over the training; one cycle as published."""
    weight_decay: float = 0.01
    """Decoupled weight decay; not stated in the released configuration, torch's default for AdamW."""
    batch_size: int = 16
    """Clips of one step, over all devices."""
    steps: int = 1_250_000
    """Optimisation steps: 2,000 epochs of 10,000 clips, as published for Moving MNIST."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "published": {},
        "small": {"head": "direct", "width": 128, "heads": 4, "blocks": 4, "batch_size": 4, "steps": 600},
        "tiny": {"head": "direct", "width": 32, "heads": 2, "blocks": 4, "mlp_ratio": 2, "batch_size": 4, "steps": 60},
    }
    """published: the defaults; small: 64×64×16 on two CPU cores; tiny: 32×32×8, for tests. Both of these give all frames at once."""

    @property
    def frames_out(self) -> int:
        """Frames that come out of one pass."""
        return self.context if self.head == "recursive" else self.horizon
