"""The configuration of MD-GAN, and the only home of its defaults.

Each field says how far its value can be trusted: [code] read in the authors' released code; [note] stated by a published
reading note of the paper; [reimpl] seen in a third party's re-implementation; [recalled] from memory of the paper, unverified;
[ours] chosen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from vgbench.learning import check_choices, require
from vgbench_mdgan.levels import Level, levels


@dataclass(frozen=True, kw_only=True)
class MDGANConfig:
    """Everything that decides what MD-GAN is and how it is trained.

    ConfigError: a value is out of range, or the networks cannot take the size or the frame count.
    """

    size: tuple[int, int] = (128, 128)
    """Height and width; filled from the protocol. [code]"""
    frames: int = 32
    """Frames of a generated clip; filled from the protocol. [code]"""
    channels: int = 3
    """Colour channels; filled from the protocol. [code]"""
    context: int = 1
    """Frames that a clip gives away, of which the last is used; filled from the protocol. [code]"""
    target_start: int = 0
    """The clip's frame that the first generated one stands for; filled from the protocol. [code]"""

    output: Literal["refine", "base"] = "refine"
    """Which stage's video is generated: Y2 of stage II, or Y1 of stage I. [code]"""
    batch_norm: Literal["eval", "batch"] = "eval"
    """Statistics at generation: the running ones, so that a clip does not depend on its neighbours [ours], or the batch's own, as
    the released test script does [code]."""

    width: int = 32
    """Channels of the first level; they double from level to level, up to 16 times this. [code]"""
    last_slope: float = 0.01
    """Slope of the discriminators' last LeakyReLU; 0.2 everywhere else. [code], most likely an oversight there"""

    adversarial: Literal["non-saturating", "minimax"] = "non-saturating"
    """What the generators minimise: −log D(G(·)), or log(1 − D(G(·))) as the formula is written. [ours]; the sources leave it open"""
    base_counts_as_fake: bool = False
    """Whether D2 is also taught that Y1 is a fake, at half the weight of the fakes. [ours]; the sources leave it open"""
    rank_weight: float = 1.0
    """λ, the weight of the ranking loss in stage II. [recalled]"""
    rank_reduction: Literal["sum", "mean"] = "sum"
    """The L1 norm between two Gram matrices as a sum over their entries [note], or as a mean [ours]. With the mean
    the distances are near 0, and so is the gradient: raise `rank_weight` with it."""
    rank_discriminator: Literal["none", "max", "min"] = "min"
    """D2's share in the ranking loss: none, it maximises it, or it minimises it. [note] suggests max; the default is [ours].

    On real time-lapses at 64×64×16 (600 steps of stage II, three seeds) max broke down every time, none once, min never; min had the
    smallest mean error, though not distinguishable from no ranking loss at all. The README has the table.
    """

    lr: float = 2e-4
    """Adam's learning rate, for generators and discriminators. [recalled]"""
    discriminator_lr_ratio: float = 1.0
    """The discriminators' learning rate as a multiple of `lr`: two time scales where it is not 1. [ours]"""
    lr_schedule: Literal["constant", "cosine"] = "constant"
    """Learning rates over a stage: as they are, or down to 0 along half a cosine. [ours]"""
    betas: tuple[float, float] = (0.5, 0.999)
    """Adam's moment decay rates. [recalled]"""
    init_std: float = 0.02
    """Standard deviation of convolution weights, around 0, and of batch-norm weights, around 1, before training. [reimpl]"""
    ema_decay: float = 0.0
    """Decay per step of a running average of the generators' weights, which then makes the clips; 0: no average. [ours]"""
    gradient_clip: float = 0.0
    """The largest norm of a network's gradient; larger ones are scaled down to it; 0: no limit. [ours]"""
    label_smoothing: float = 0.0
    """How far below 1 the discriminators' target for real clips lies. [ours]"""
    r1_weight: float = 0.0
    """γ of R1, γ/2·E‖∇D(Y)‖² on the logits of real clips (L. Mescheder et al., ICML 2018); 0: none. [ours]"""
    instance_noise: float = 0.0
    """Standard deviation, for videos in [-1, 1], of the noise on all that a discriminator sees; it falls to 0 along the stage. [ours]"""

    batch_size: int = 16
    """Clips of one step, over all devices. [reimpl]; the data set's demo script has 64"""
    steps: int = 214_500
    """Steps of both stages together: the released checkpoints' 30 + 67 epochs [code] of 35,383 clips in batches of 16. [ours]"""
    base_share: float = 0.31
    """Stage I's share of the steps: 30 of 97 epochs. [code]"""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "paper": {},
        "small": {"width": 16, "batch_size": 4, "steps": 600, "lr": 5e-4, "base_share": 0.5},
        "tiny": {"width": 8, "batch_size": 4, "steps": 60, "lr": 1e-3, "base_share": 0.5},
    }
    """paper: the defaults, which are the paper's at 128×128×32; small: 64×64×16 on two CPU cores; tiny: 32×32×8, for tests."""

    def __post_init__(self) -> None:
        check_choices(self, model="mdgan")
        for name in ("channels", "context", "width", "batch_size", "steps"):
            self._require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("target_start", "rank_weight", "last_slope", "gradient_clip", "r1_weight", "instance_noise"):
            self._require(name, getattr(self, name) >= 0, "0 or more")
        for name in ("lr", "discriminator_lr_ratio", "init_std"):
            self._require(name, getattr(self, name) > 0, "above 0")
        self._require("ema_decay", 0 <= self.ema_decay < 1, "from 0 to below 1")
        self._require("label_smoothing", 0 <= self.label_smoothing < 0.5, "from 0 to below 0.5")
        self._require("betas", all(0 <= beta < 1 for beta in self.betas), "two numbers from 0 to below 1")
        self._require("base_share", 0 < self.base_share < 1, "above 0 and below 1, so that both stages get steps")
        self.levels()

    def levels(self) -> tuple[Level, ...]:
        """The levels of the networks, from the outermost in."""
        return levels(self.size, self.frames, self.width)

    def _require(self, name: str, holds: bool, rule: str) -> None:
        require(self, name, holds, rule, model="mdgan")
