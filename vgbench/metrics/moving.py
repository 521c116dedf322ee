"""The moving region of a clip: where the real video changes."""

from __future__ import annotations

from torch import Tensor

from vgbench.metrics.moving_rule import CHANGE


def moving_region(references: Tensor) -> Tensor:
    """Where the references move: uint8 (B, T, C, H, W) → bool (B, H, W); everywhere in a clip that nowhere moves.

    >>> still = torch.zeros(1, 2, 1, 2, 2, dtype=torch.uint8)
    >>> still[0, 1, 0, 0, 1] = 17
    >>> moving_region(still)[0].tolist()
    [[False, True], [False, False]]
    """
    spread = references.amax(1) - references.amin(1)  # of uint8 neither is above the other's range
    return or_all((spread > CHANGE).any(1))


def or_all(region: Tensor) -> Tensor:
    """The region (B, H, W), or the whole frame of a clip that has none."""
    return region | ~region.flatten(1).any(1)[:, None, None]
