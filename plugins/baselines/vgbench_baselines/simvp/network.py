"""The network: each frame is encoded by itself, a translator mixes all of them, and each frame is decoded by itself."""

from __future__ import annotations

from torch import Tensor, nn

from vgbench_baselines.simvp.attention import AttentionTranslator
from vgbench_baselines.simvp.config import SimVPConfig
from vgbench_baselines.simvp.inception import InceptionUNet

KERNEL = 3


class SimVP(nn.Module):
    """(B, Tc, C, H, W) → (B, T, C, H, W) in one pass, T as the configuration says."""

    def __init__(self, config: SimVPConfig) -> None:
        super().__init__()
        width, halves = config.spatial_width, [False, True] * (config.spatial_blocks // 2)
        inputs = [config.channels] + [width] * (config.spatial_blocks - 1)
        self.encoder = nn.ModuleList(Block(one, width, halves=half) for one, half in zip(inputs, halves, strict=True))
        self.translator = _translator(config)
        self.decoder = nn.ModuleList(Block(width, width, doubles=double) for double in reversed(halves))
        self.head = nn.Conv2d(width, config.channels, 1)
        self.frames_out = config.frames_out

    def forward(self, context: Tensor) -> Tensor:
        clips, frames = context.shape[:2]
        hidden = first = self.encoder[0](context.flatten(0, 1))
        for block in self.encoder[1:]:
            hidden = block(hidden)
        mixed = self.translator(hidden.unflatten(0, (clips, frames)).flatten(1, 2))
        hidden = mixed.unflatten(1, (self.frames_out, -1)).flatten(0, 1)
        for block in self.decoder[:-1]:
            hidden = block(hidden)
        decoded = self.decoder[-1](hidden + self._skip(first.unflatten(0, (clips, frames))))
        return self.head(decoded).unflatten(0, (clips, self.frames_out))

    def _skip(self, first: Tensor) -> Tensor:
        """The first block's maps (B, Tc, C, H, W) for each frame that comes out: its own, or where their numbers differ the last one's."""
        if first.shape[1] != self.frames_out:
            first = first[:, -1:].expand(-1, self.frames_out, -1, -1, -1)
        return first.flatten(0, 1)


class Block(nn.Module):
    """A convolution that may halve or double the size, group normalisation, SiLU."""

    def __init__(self, inputs: int, width: int, *, halves: bool = False, doubles: bool = False) -> None:
        super().__init__()
        convolution = nn.Conv2d(inputs, width * 4 if doubles else width, KERNEL, stride=2 if halves else 1, padding=1)
        nn.init.trunc_normal_(convolution.weight, std=0.02)
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
        self.convolution = nn.Sequential(convolution, nn.PixelShuffle(2)) if doubles else convolution
        self.norm = nn.GroupNorm(2, width)

    def forward(self, frames: Tensor) -> Tensor:
        return nn.functional.silu(self.norm(self.convolution(frames)))


def _translator(config: SimVPConfig) -> nn.Module:
    channels = config.context * config.spatial_width, config.frames_out * config.spatial_width
    if config.translator == "incepu":
        return InceptionUNet(*channels, config.temporal_width, config.temporal_blocks)
    return AttentionTranslator(*channels, config.temporal_width, config.temporal_blocks, config.translator, config.mlp_ratio)
