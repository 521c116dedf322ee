"""The networks: an encoder of the frame, a decoder of video with a mask, a decoder of the background; and the discriminator.

Clips are (B, T, C, H, W) in [-1, 1].
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from vgbench.learning import VideoNorm
from vgbench_baselines.vgan.config import INNERMOST, VGANConfig

NORM_STD = 0.02


class VGAN(nn.Module):
    """m ⊙ foreground + (1 − m) ⊙ background, both from the last given frame; no noise goes in."""

    def __init__(self, config: VGANConfig) -> None:
        super().__init__()
        widths, deepest = config.widths, config.widths[-1]
        first = nn.Sequential(nn.Conv2d(config.channels, widths[0], 4, 2, 1), nn.ReLU(inplace=True))
        downs = [
            nn.Sequential(nn.Conv2d(above, below, 4, 2, 1), nn.BatchNorm2d(below, 1e-3), nn.ReLU(inplace=True))
            for above, below in pairwise(widths)
        ]
        self.encoder = nn.Sequential(first, *downs)
        ups = [
            nn.Sequential(nn.ConvTranspose2d(below, above, 4, 2, 1), nn.BatchNorm2d(above), nn.ReLU(inplace=True))
            for above, below in reversed(list(pairwise(widths)))
        ]
        self.background = nn.Sequential(*ups, nn.ConvTranspose2d(widths[0], config.channels, 4, 2, 1), nn.Tanh())
        begin = nn.Sequential(nn.ConvTranspose3d(deepest, deepest, (2, 1, 1)), VideoNorm(deepest), nn.ReLU(inplace=True))
        doubles = list(config.doubles_time)
        videos = [
            nn.Sequential(_up(below, above, double), VideoNorm(above), nn.ReLU(inplace=True))
            for (above, below), double in reversed(list(zip(pairwise(widths), doubles[1:], strict=True)))
        ]
        self.video = nn.Sequential(begin, *videos)
        self.foreground = _up(widths[0], config.channels, doubles[0])
        self.mask = _up(widths[0], 1, doubles[0])
        _initialise(self, config.init_std)

    def forward(self, context: Tensor) -> Tensor:
        """(B, Tc, C, H, W) → (B, frames, C, H, W)."""
        encoded = self.encoder(context[:, -1])
        background = self.background(encoded)[:, :, None]
        video = self.video(encoded[:, :, None])
        mask = self.mask(video).sigmoid()
        made: Tensor = mask * self.foreground(video).tanh() + (1 - mask) * background
        return made.transpose(1, 2)


class Discriminator(nn.Module):
    """The log-odds of being real, as the difference of two scores: (B, T, C, H, W) → (B,)."""

    def __init__(self, config: VGANConfig) -> None:
        super().__init__()
        widths, doubles = config.widths, config.doubles_time
        first = nn.Sequential(_down(config.channels, widths[0], doubles[0]), nn.LeakyReLU(0.2, inplace=True))
        downs = [
            nn.Sequential(_down(above, below, double), VideoNorm(below, 1e-3), nn.LeakyReLU(0.2, inplace=True))
            for (above, below), double in zip(pairwise(widths), doubles[1:], strict=True)
        ]
        self.layers = nn.Sequential(first, *downs, nn.Conv3d(widths[-1], 2, (2, INNERMOST, INNERMOST)))
        _initialise(self, config.init_std)

    def forward(self, clips: Tensor) -> Tensor:
        scores = self.layers(clips.transpose(1, 2)).flatten(1)
        return scores[:, 0] - scores[:, 1]


def _up(inputs: int, outputs: int, doubles_time: bool) -> nn.ConvTranspose3d:
    return nn.ConvTranspose3d(inputs, outputs, *_geometry(doubles_time))


def _down(inputs: int, outputs: int, halves_time: bool) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, *_geometry(halves_time))


def _geometry(changes_time: bool) -> tuple[tuple[int, int, int], tuple[int, int, int], int]:
    """Kernel, stride and padding over time, height, width."""
    return ((4, 4, 4), (2, 2, 2), 1) if changes_time else ((3, 4, 4), (1, 2, 2), 1)


@torch.no_grad()
def _initialise(network: nn.Module, std: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Conv3d | nn.ConvTranspose3d):
            module.weight.normal_(0, std)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            module.weight.normal_(1, NORM_STD)
