"""The translator IncepU: a U-Net of inception blocks at one size (Z. Gao, C. Tan, L. Wu, S. Z. Li, CVPR 2022)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

KERNELS = (3, 5, 7, 11)
GROUPS = 8


class InceptionUNet(nn.Module):
    """(B, inputs, H, W) → (B, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int) -> None:
        super().__init__()
        ins = [inputs] + [width] * (blocks - 1)
        self.encoder = nn.ModuleList(Inception(one, width, width) for one in ins)
        ins, outs = [width] + [2 * width] * (blocks - 1), [width] * (blocks - 1) + [outputs]
        self.decoder = nn.ModuleList(Inception(one, width, out) for one, out in zip(ins, outs, strict=True))

    def forward(self, hidden: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for block in self.encoder:
            hidden = block(hidden)
            skips.append(hidden)
        skips.pop()  # what the decoder begins with
        hidden = self.decoder[0](hidden)
        for block in self.decoder[1:]:
            hidden = block(torch.cat([hidden, skips.pop()], 1))
        return hidden


class Inception(nn.Module):
    """The sum of grouped convolutions of four sizes, after a pointwise one to half the width."""

    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inputs, width // 2, 1)
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width // 2, outputs, kernel, padding=kernel // 2, groups=GROUPS), nn.GroupNorm(GROUPS, outputs), nn.LeakyReLU(0.2)
            )
            for kernel in KERNELS
        )

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = self.narrow(hidden)
        return torch.stack([branch(hidden) for branch in self.branches]).sum(0)
