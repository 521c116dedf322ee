"""The gradient difference loss."""

from __future__ import annotations

import torch
from torch import Tensor


def gradient_difference(made: Tensor, real: Tensor, power: float) -> Tensor:
    """M. Mathieu, C. Couprie, Y. LeCun, ICLR 2016, equation 6, as a mean over pixels, the two directions added.

    made, real: (B, T, C, H, W).  power: α of the paper.
    """
    directions = []
    for axis in (-2, -1):
        steps = torch.diff(real, dim=axis).abs() - torch.diff(made, dim=axis).abs()
        directions.append(steps.abs().pow(power).mean())
    return torch.stack(directions).sum()
