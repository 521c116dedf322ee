"""The configuration of RNN-GAN, and the only home of its defaults.

No code of the authors is known. What is marked [third party] was read in a re-implementation of the recurrent model by others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from vgbench import ConfigError
from vgbench.learning import ModelOptions

SMALLEST = 32
KERNEL, STRIDE = 5, 2


@dataclass(frozen=True, kw_only=True)
class RNNGANConfig(ModelOptions):
    """Everything that decides what RNN-GAN is and how it is trained.

    ConfigError: a value is out of range, or the networks cannot take the size.
    """

    model: ClassVar[str] = "rnn-gan"

    width: int = 64
    """Channels of the first convolution; they double from one to the next, up to 8 times this, the size of the LSTM's state.
    [third party]"""
    gdl_weight: float = 2.0
    """Weight of the gradient difference loss beside the squared error. [third party: 1, on squares]"""
    gdl_power: float = 1.0
    """α of the gradient difference loss. [third party: 2]"""
    adversarial_weight: float = 0.2
    """Weight of the adversary's loss. [third party]"""
    init_std: float = 0.02
    """Standard deviation of convolution weights, around 0, and of batch-norm weights, around 1, before training. [third party]"""

    lr: float = 2e-4
    """Adam's learning rate, for both networks. [third party]"""
    betas: tuple[float, float] = (0.5, 0.999)
    """Adam's moment decay rates. [third party]"""
    batch_size: int = 100
    """Clips of one step, over all devices. [third party]"""
    steps: int = 100_000
    """Optimisation steps; no source states them."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "published": {},
        "small": {"width": 32, "batch_size": 4, "steps": 600, "lr": 5e-4},
        "tiny": {"width": 8, "batch_size": 4, "steps": 60, "lr": 1e-3},
    }
    """published: the defaults; small: 64×64×16 on two CPU cores; tiny: 32×32×8, for tests."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_all(lambda value: value >= 1, "at least 1", "width")
        self.require_all(lambda value: value >= 0, "0 or more", "gdl_weight", "adversarial_weight")
        self.require_all(lambda value: value > 0, "above 0", "gdl_power", "init_std")
        height, width = self.size
        if height != width or height < SMALLEST or height.bit_count() != 1:
            raise ConfigError(
                f"rnn-gan cannot take frames of {height}×{width}: its convolutions of {KERNEL}×{KERNEL} leave one "
                f"pixel of a square with a power of two from {SMALLEST} on as its side, such as 64×64."
            )

    @property
    def sides(self) -> tuple[int, ...]:
        """Sides of the maps from the frame in: 64, 30, 13, 5, 1."""
        sides = [self.size[0]]
        while sides[-1] > 1:
            sides.append((sides[-1] - KERNEL) // STRIDE + 1)
        return tuple(sides)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the encoder's convolutions, the last of which are the LSTM's state."""
        return tuple(self.width * min(2**level, 8) for level in range(len(self.sides) - 1))
