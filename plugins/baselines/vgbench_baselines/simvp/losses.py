"""TAU's loss on what changes from frame to frame."""

from __future__ import annotations

import torch
from torch import Tensor

TEMPERATURE = 0.1
LEAST_FRAMES = 3


def differential_divergence(made: Tensor, real: Tensor) -> Tensor:
    """The Kullback–Leibler divergence between softmax(Δmade/τ) and softmax(Δreal/τ) over the pixels of each transition.

    made, real: (B, T, C, H, W).  C. Tan et al., arXiv:2206.12126, the regularization; as in the published code its terms are averaged over
    pixels too, not added up, and it is 0 for fewer than three frames.
    """
    if made.shape[1] < LEAST_FRAMES:
        return made.new_zeros(())
    changes = [torch.diff(clips, dim=1).flatten(2) / TEMPERATURE for clips in (made, real)]
    of_made, of_real = (torch.log_softmax(change, -1) for change in changes)
    return (of_made.exp() * (of_made - of_real)).mean()
