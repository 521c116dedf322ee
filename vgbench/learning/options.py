"""What the configurations of trained generators share; read without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args, get_type_hints

from vgbench.errors import ConfigError

LearningRate = Literal["constant", "cosine", "one-cycle"]


def require(config: Any, name: str, holds: bool, rule: str, *, model: str) -> None:
    """ConfigError: the field's value does not keep the rule, which completes "it must be …"."""
    if not holds:
        raise ConfigError(f"{model}: {name} = {getattr(config, name)!r} does not work; it must be {rule}.")


def check_choices(config: Any, *, model: str) -> None:
    """ConfigError: a field whose type lists its texts has another."""
    for name, hint in get_type_hints(type(config)).items():
        choices = [choice for choice in get_args(hint) if isinstance(choice, str)]
        if choices:
            require(config, name, getattr(config, name) in choices, " or ".join(repr(choice) for choice in choices), model=model)


@dataclass(frozen=True, kw_only=True)
class AdamOptions:
    """How a network descends."""

    lr: float
    """Learning rate."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Moment decay rates."""
    weight_decay: float = 0.0
    """Decoupled from the gradient (AdamW, arXiv:1711.05101); 0: Adam."""
    gradient_clip: float = 0.0
    """The largest norm of the gradient; larger ones are scaled down to it; 0: no limit."""
    schedule: LearningRate = "constant"
    """How the learning rate changes along the training."""


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """The clip that a protocol asks for, and how a network is optimised; a model adds its own fields, and its own defaults to these.

    ConfigError: a value is out of range.
    """

    model: ClassVar[str]
    """The generator's name, with which messages begin."""

    size: tuple[int, int] = (64, 64)
    """Height and width; filled from the protocol."""
    frames: int = 16
    """Frames of a generated clip; filled from the protocol."""
    channels: int = 3
    """Colour channels; filled from the protocol."""
    context: int = 1
    """Frames that a clip gives away; filled from the protocol."""
    target_start: int = 0
    """The clip's frame that the first generated one stands for; filled from the protocol."""

    lr: float = 1e-3
    """Adam's learning rate; of `one-cycle` the highest."""
    lr_schedule: LearningRate = "constant"
    """Learning rate over the training: as it is; down to 0 along half a cosine; or one cycle, from a 25th of it up during the first 30 %
    and down to nearly 0 (L. N. Smith, N. Topin, arXiv:1708.07120)."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Adam's moment decay rates."""
    weight_decay: float = 0.0
    """Decoupled weight decay (AdamW); 0: plain Adam."""
    gradient_clip: float = 0.0
    """The largest norm of a network's gradient; larger ones are scaled down to it; 0: no limit."""
    ema_decay: float = 0.0
    """Decay per step of a running average of the weights, which then makes the clips; 0: no average."""
    batch_size: int = 16
    """Clips of one step, over all devices."""
    steps: int = 10_000
    """Optimisation steps."""

    def __post_init__(self) -> None:
        check_choices(self, model=self.model)
        self.require_all(lambda value: value >= 1, "at least 1", "frames", "channels", "context", "batch_size", "steps")
        self.require_all(lambda value: value >= 0, "0 or more", "target_start", "weight_decay", "gradient_clip")
        self.require_all(lambda value: value > 0, "above 0", "lr")
        self.require_all(lambda value: 0 <= value < 1, "from 0 to below 1", "ema_decay")
        self.require_all(lambda betas: all(0 <= beta < 1 for beta in betas), "two numbers from 0 to below 1", "betas")
        self.require_all(lambda size: min(size) >= 1, "two numbers of pixels, height and width", "size")

    @property
    def clip_length(self) -> int:
        """Frames that a training clip needs, from its first on."""
        return max(self.context, self.target_start + self.frames)

    @property
    def horizon(self) -> int:
        """Frames after the context, up to the last generated one; 0 where all of them are given."""
        return max(0, self.target_start + self.frames - self.context)

    def adam(self) -> AdamOptions:
        """How the network descends."""
        return AdamOptions(
            lr=self.lr, betas=self.betas, weight_decay=self.weight_decay, gradient_clip=self.gradient_clip, schedule=self.lr_schedule
        )

    def require_all(self, holds: Any, rule: str, *names: str) -> None:
        """ConfigError: a field's value for which `holds` is false."""
        for name in names:
            require(self, name, holds(getattr(self, name)), rule, model=self.model)

    def require_steps_of(self, multiple: int, why: str) -> None:
        """ConfigError: height or width is no multiple of so many pixels; the message names sizes near by that are."""
        if any(side % multiple for side in self.size):
            height, width = self.size
            near = "×".join(str(max(multiple, round(side / multiple) * multiple)) for side in self.size)
            raise ConfigError(
                f"{self.model} cannot take frames of {height}×{width}: {why}, so that height and width must be multiples of {multiple}, "
                f"such as {near}."
            )
