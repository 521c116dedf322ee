"""The networks: two generators and two discriminators, all 3-D convolutions without bias.

Layer names in comments are those of the paper's table.  Videos are (B, C, T, H, W) in [-1, 1] here; the rest of the plugin
talks (B, T, C, H, W) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vgbench_mdgan.convolutions import OuterConvolution, OuterTransposedConvolution
from vgbench_mdgan.levels import Level

LEAKY_SLOPE = 0.2


class EncoderDecoder(nn.Module):
    """A 3-D U-Net whose skips are element-wise additions: G1, and G2 with the two outermost skips left out.

    levels: from the outermost in.  dropped_skips: how many of the outermost encoder levels are not added to the decoder.
    """

    def __init__(self, levels: Sequence[Level], *, channels: int, dropped_skips: int = 0) -> None:
        super().__init__()
        outer, deepest = levels[0], levels[-1]
        self.dropped_skips = dropped_skips
        # conv1: neither norm nor activation; conv2 … convN
        self.encoder = nn.ModuleList([nn.Sequential(OuterConvolution(channels, outer.channels))])
        for above, level in pairwise(levels):
            block = nn.Sequential(_down(above.channels, level), nn.BatchNorm3d(level.channels), nn.LeakyReLU(LEAKY_SLOPE, inplace=True))
            self.encoder.append(block)
        # conv6: 2×4×4 → 1×1×1, neither norm nor activation
        self.bottleneck = nn.Conv3d(deepest.channels, deepest.channels, (2, 4, 4), bias=False)
        # deconv1, the mirror of conv6; then the mirrors of convN … conv2
        self.decoder = nn.ModuleList([_decoder_block(nn.ConvTranspose3d(deepest.channels, deepest.channels, (2, 4, 4), bias=False))])
        for above, level in reversed(list(pairwise(levels))):
            self.decoder.append(_decoder_block(_up(level, above.channels)))
        # deconv6, the mirror of conv1
        self.output = OuterTransposedConvolution(outer.channels, channels)

    def forward(self, video: Tensor) -> Tensor:
        """(B, C, T, H, W) in [-1, 1] → the same shape and range."""
        encoded: list[Tensor] = []
        hidden = video
        for block in self.encoder:
            hidden = block(hidden)
            encoded.append(hidden)
        hidden = self.bottleneck(hidden)
        for index, block in zip(reversed(range(len(encoded))), self.decoder, strict=True):
            hidden = block(hidden)
            if index >= self.dropped_skips:
                hidden = hidden + encoded[index]
        return torch.tanh(self.output(hidden))


class Judgement(NamedTuple):
    """What the discriminator says of a batch, and what it saw."""

    logits: Tensor
    """(B,): the log-odds of being real; its sigmoid is the paper's D. Empty where only the features were asked for."""
    features: tuple[Tensor, Tensor]
    """The first and third convolution after their activation, each (B, C, T, H, W); the ranking loss reads them."""


class Discriminator(nn.Module):
    """D1 and D2: the generator's encoder with a single number at its end.

    last_slope: the slope of the activation before the last convolution.
    """

    def __init__(self, levels: Sequence[Level], *, channels: int, last_slope: float) -> None:
        super().__init__()
        outer, deepest = levels[0], levels[-1]
        self.encoder = nn.ModuleList([nn.Sequential(OuterConvolution(channels, outer.channels), nn.LeakyReLU(LEAKY_SLOPE, inplace=True))])
        slopes = [LEAKY_SLOPE] * (len(levels) - 2) + [last_slope]
        for (above, level), slope in zip(pairwise(levels), slopes, strict=True):
            block = nn.Sequential(_down(above.channels, level), nn.BatchNorm3d(level.channels), nn.LeakyReLU(slope, inplace=True))
            self.encoder.append(block)
        self.verdict = nn.Conv3d(deepest.channels, 1, (2, 4, 4), bias=False)

    def forward(self, video: Tensor, *, features_only: bool = False) -> Judgement:
        """(B, C, T, H, W) in [-1, 1] → logits and features; without the logits the deeper layers are left out."""
        encoded: list[Tensor] = []
        hidden = video
        for block in self.encoder[:3] if features_only else self.encoder:
            hidden = block(hidden)
            encoded.append(hidden)
        logits = hidden.new_empty(0) if features_only else self.verdict(hidden).flatten()
        return Judgement(logits, (encoded[0], encoded[2]))


def _down(inputs: int, level: Level) -> nn.Conv3d:
    kernel, stride = _geometry(level)
    return nn.Conv3d(inputs, level.channels, kernel, stride, padding=1, bias=False)


def _up(level: Level, outputs: int) -> nn.ConvTranspose3d:
    kernel, stride = _geometry(level)
    return nn.ConvTranspose3d(level.channels, outputs, kernel, stride, padding=1, bias=False)


def _geometry(level: Level) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Kernel and stride over time, height, width; the padding is 1 throughout."""
    return ((4, 4, 4), (2, 2, 2)) if level.halves_time else ((3, 4, 4), (1, 2, 2))


def _decoder_block(convolution: nn.ConvTranspose3d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm3d(convolution.out_channels), nn.ReLU(inplace=True))
