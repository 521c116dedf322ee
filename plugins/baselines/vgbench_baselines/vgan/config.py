"""The configuration of the conditional VGAN, and the only home of its defaults: those of the authors' released code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from vgbench import ConfigError
from vgbench.learning import ModelOptions

SMALLEST = 32
INNERMOST = 4
"""Side of the maps between encoder and decoders."""


@dataclass(frozen=True, kw_only=True)
class VGANConfig(ModelOptions):
    """Everything that decides what VGAN is and how it is trained.

    ConfigError: a value is out of range, or the networks cannot take the size or the frame count.
    """

    model: ClassVar[str] = "vgan"

    width: int = 128
    """Channels of the first level; they double from level to level, up to 8 times this."""
    content_weight: float = 10.0
    """Weight of the mean absolute difference between the first generated frame and the given one. As in the released code."""
    init_std: float = 0.01
    """Standard deviation of convolution weights before training. As in the released code; of batch norm it is 0.02 around 1."""

    lr: float = 2e-4
    """Adam's learning rate, for both networks. As in the released code."""
    betas: tuple[float, float] = (0.5, 0.999)
    """Adam's moment decay rates. As in the released code."""
    batch_size: int = 32
    """Clips of one step, over all devices. As in the released code."""
    steps: int = 100_000
    """Optimisation steps; the released code counts 100 epochs of a data set of its own."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "published": {},
        "small": {"width": 16, "batch_size": 4, "steps": 600, "init_std": 0.02, "lr": 5e-4},
        "tiny": {"width": 8, "batch_size": 4, "steps": 60, "init_std": 0.02, "lr": 1e-3},
    }
    """published: the defaults; small: 64×64×16 on two CPU cores; tiny: 32×32×8, for tests."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_all(lambda value: value >= 1, "at least 1", "width")
        self.require_all(lambda value: value >= 0, "0 or more", "content_weight")
        self.require_all(lambda value: value > 0, "above 0", "init_std")
        self._check_shape()

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the levels, from the outermost in: each halves the size, until 4×4 is left."""
        depth = (self.size[0] // INNERMOST).bit_length() - 1
        return tuple(self.width * min(2**level, 8) for level in range(depth))

    @property
    def doubles_time(self) -> tuple[bool, ...]:
        """For each level, from the outermost in, whether it halves or doubles the frames, of which 2 are left at the innermost."""
        doublings = (self.frames // 2).bit_length() - 1
        return tuple(len(self.widths) - level <= doublings for level in range(len(self.widths)))

    def _check_shape(self) -> None:
        height, width = self.size
        if height != width or height < SMALLEST or height.bit_count() != 1:
            raise ConfigError(
                f"vgan cannot take frames of {height}×{width}: it halves them until {INNERMOST}×{INNERMOST} is left, so they must be "
                f"square with a power of two from {SMALLEST} on as their side, such as 64×64."
            )
        if not 2 <= self.frames <= height // 2 or self.frames.bit_count() != 1:
            raise ConfigError(
                f"vgan cannot take {self.frames} frames of {height}×{width}: from 2 frames on they double at most once a level, so they "
                f"must be a power of two from 2 to {height // 2} at this size."
            )
