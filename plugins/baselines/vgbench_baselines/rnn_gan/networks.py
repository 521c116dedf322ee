"""The networks: convolutions to one vector, an LSTM that reads it again and again, convolutions back; and a discriminator of frames.

Clips are (B, T, C, H, W) in [-1, 1].
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from vgbench_baselines.rnn_gan.config import KERNEL, STRIDE, RNNGANConfig

INNERMOST = 4


class RNNGAN(nn.Module):
    """The last given frame → as many frames as the horizon."""

    def __init__(self, config: RNNGANConfig) -> None:
        super().__init__()
        widths, state = config.widths, config.widths[-1]
        channels = [config.channels, *widths]
        downs: list[nn.Module] = []
        for above, below in pairwise(channels):
            downs.append(nn.Conv2d(above, below, KERNEL, STRIDE, bias=False))
            downs += [nn.BatchNorm2d(below), nn.ReLU(inplace=True)]
        self.encoder = nn.Sequential(*downs[:-2], nn.Tanh())  # the last convolution has no norm
        self.lstm = nn.LSTM(state, state, batch_first=True)
        ups: list[nn.Module] = []
        for (above, below), (outer, inner) in zip(reversed(list(pairwise(channels))), reversed(list(pairwise(config.sides))), strict=True):
            missing = outer - ((inner - 1) * STRIDE + KERNEL)
            ups.append(nn.ConvTranspose2d(below, above, KERNEL, STRIDE, output_padding=missing, bias=False))
            ups += [nn.BatchNorm2d(above), nn.ReLU(inplace=True)]
        self.decoder = nn.Sequential(*ups[:-2], nn.Tanh())
        self.horizon = config.horizon
        _initialise(self, config.init_std)

    def forward(self, context: Tensor) -> Tensor:
        """(B, Tc, C, H, W) → (B, horizon, C, H, W)."""
        code = self.encoder(context[:, -1]).flatten(1)
        states, _ = self.lstm(code[:, None].expand(-1, self.horizon, -1).contiguous())
        frames: Tensor = self.decoder(states.flatten(0, 1)[:, :, None, None])
        return frames.unflatten(0, (len(context), self.horizon))


class Discriminator(nn.Module):
    """The log-odds of being real of each frame by itself: (B, T, C, H, W) → (B·T,)."""

    def __init__(self, config: RNNGANConfig) -> None:
        super().__init__()
        depth = (config.size[0] // INNERMOST).bit_length() - 1
        widths = [config.width * min(2**level, 8) for level in range(depth)]
        layers: list[nn.Module] = [nn.Conv2d(config.channels, widths[0], 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        for above, below in pairwise(widths):
            layers += [nn.Conv2d(above, below, 4, 2, 1, bias=False), nn.BatchNorm2d(below), nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, INNERMOST, bias=False))
        _initialise(self, config.init_std)

    def forward(self, clips: Tensor) -> Tensor:
        logits: Tensor = self.layers(clips.flatten(0, 1))
        return logits.flatten()


@torch.no_grad()
def _initialise(network: nn.Module, std: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.weight.normal_(0, std)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.normal_(1, std)
