"""What trained generators share: networks and optimizers go in, stages that the host can run come out.

The names below are public: what a plugin needs so that its own code is the network and the loss. They are imported on first use, so that
a configuration is read without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "vgbench.learning.adversarial": ("discriminator_loss", "generator_loss", "gradient_penalty", "verdicts"),
    "vgbench.learning.average": ("Average",),
    "vgbench.learning.clips": ("as_clips", "as_video", "still_video"),
    "vgbench.learning.duel": ("Duel",),
    "vgbench.learning.generator": ("NetworkGenerator",),
    "vgbench.learning.normalisation": ("VideoNorm", "frozen", "generating"),
    "vgbench.learning.objective": ("Objective", "squared_error"),
    "vgbench.learning.options": ("AdamOptions", "LearningRate", "ModelOptions", "check_choices", "require"),
    "vgbench.learning.player": ("Player",),
    "vgbench.learning.predictor": ("Predictor",),
    "vgbench.learning.regression": ("Regression",),
    "vgbench.learning.reports": ("joined",),
    "vgbench.learning.weights": ("allocate", "check_state", "drawn"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = list(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vgbench.learning' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)


if TYPE_CHECKING:
    from vgbench.learning.adversarial import (
        discriminator_loss as discriminator_loss,
        generator_loss as generator_loss,
        gradient_penalty as gradient_penalty,
        verdicts as verdicts,
    )
    from vgbench.learning.average import Average as Average
    from vgbench.learning.clips import as_clips as as_clips, as_video as as_video, still_video as still_video
    from vgbench.learning.duel import Duel as Duel
    from vgbench.learning.generator import NetworkGenerator as NetworkGenerator
    from vgbench.learning.normalisation import VideoNorm as VideoNorm, frozen as frozen, generating as generating
    from vgbench.learning.objective import Objective as Objective, squared_error as squared_error
    from vgbench.learning.options import (
        AdamOptions as AdamOptions,
        LearningRate as LearningRate,
        ModelOptions as ModelOptions,
        check_choices as check_choices,
        require as require,
    )
    from vgbench.learning.player import Player as Player
    from vgbench.learning.predictor import Predictor as Predictor
    from vgbench.learning.regression import Regression as Regression
    from vgbench.learning.reports import joined as joined
    from vgbench.learning.weights import allocate as allocate, check_state as check_state, drawn as drawn
