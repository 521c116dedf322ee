"""Motion as MD-GAN's ranking loss sees it: Gram matrices over channels and time, here of the first layers of I3D.

W. Xiong, W. Luo, L. Ma, W. Liu, J. Luo, "Learning to generate time-lapse videos using multi-stage dynamic generative adversarial
networks", CVPR 2018, section 3.3, on a network that everyone has instead of a discriminator that changes with its training.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vgbench.devices import full_float32
from vgbench.interfaces import PairedMetric
from vgbench.metrics.networks.i3d import I3d, i3d_by_device
from vgbench.metrics.networks.placement import Placement, placed
from vgbench.metrics.pairs import check_moving, check_pair

SIZE = Placement()


def gram_matrix(feature: Tensor) -> Tensor:
    """(C, T, H, W) → (C·T, C·T): products of every channel at every time with every other, the mean over positions, divided by C·T."""
    rows = feature.flatten(0, 1).flatten(1)
    return rows @ rows.T / rows.numel()


def gram_motion(clips: Tensor, references: Tensor, network: I3d, *, metric: str = "gram-motion") -> Tensor:
    """Σ over layers of |G(x) − G(y)|_F / |G(y)|_F of each clip.

    clips, references: uint8 (B, T, C, H, W), T ≥ 2.  Returns (B,) float64, to float32's precision.

    MetricError: a single frame, or the two tensors do not fit.
    """
    check_pair(clips, references, metric=metric)
    check_moving(clips, metric=metric)
    with torch.no_grad(), full_float32():
        return torch.stack([_distance(network, *pair) for pair in zip(clips, references, strict=True)])


def _distance(network: I3d, clip: Tensor, reference: Tensor) -> Tensor:
    total = torch.zeros((), dtype=torch.float64, device=clip.device)
    layers = zip(*(network.first_layers(placed(one, SIZE).transpose(0, 1)[None]) for one in (clip, reference)), strict=True)
    for made, real in layers:
        first, second = gram_matrix(made[0]), gram_matrix(real[0])
        total += (torch.linalg.matrix_norm(first - second) / torch.linalg.matrix_norm(second).clamp_min(1e-12)).double()
    return total


class GramMotion(PairedMetric):
    """gram-motion: on the first three convolutions of I3D."""

    def __init__(self) -> None:
        self._network = i3d_by_device()

    def prepare(self) -> None:
        self._network.found()

    def weights(self) -> Mapping[str, str]:
        return {self._network.name: self._network.sha256()} if self._network.sha256() else {}

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return gram_motion(clips, references, self._network.on(clips.device), metric=self.metric_id).unsqueeze(1)
