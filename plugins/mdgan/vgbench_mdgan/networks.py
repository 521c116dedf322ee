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

from vgbench.learning import VideoNorm
from vgbench_mdgan.convolutions import OuterConvolution, OuterTransposedConvolution
from vgbench_mdgan.levels import Level
from vgbench_mdgan.losses import gram

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
            block = nn.Sequential(_down(above.channels, level), VideoNorm(level.channels), nn.LeakyReLU(LEAKY_SLOPE, inplace=True))
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
    """(B,): the log-odds of being real; its sigmoid is the paper's D. Empty where it was not asked."""
    grams: tuple[Tensor, ...]
    """`gram` of the first and of the third convolution after their activation; the ranking loss reads them. Empty where not asked for."""


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
            block = nn.Sequential(_down(above.channels, level), VideoNorm(level.channels), nn.LeakyReLU(slope, inplace=True))
            self.encoder.append(block)
        self.verdict = nn.Conv3d(deepest.channels, 1, (2, 4, 4), bias=False)

    def forward(self, video: Tensor, *, judges: bool = True, ranks: bool = False) -> Judgement:
        """(B, C, T, H, W) in [-1, 1] → its judgement: the logits if it `judges`, the Gram matrices if it `ranks`.

        The Gram matrices are made here, where features still are in the precision of the convolutions; without logits the deeper layers
        are left out.
        """
        hidden, features = video, []
        for block in self.encoder if judges else self.encoder[:3]:
            hidden = block(hidden)
            features.append(hidden)
        grams = (gram(features[0]), gram(features[2])) if ranks else ()
        return Judgement(self.verdict(hidden).flatten() if judges else hidden.new_empty(0), grams)


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
    return nn.Sequential(convolution, VideoNorm(convolution.out_channels), nn.ReLU(inplace=True))
