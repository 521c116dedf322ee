"""The network: patches become tokens, blocks mix them over time and space, tokens become patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vgbench_baselines.predformer.blocks import FactorisedBlocks, from_tokens, places, to_tokens
from vgbench_baselines.predformer.config import PredFormerConfig


class PredFormer(nn.Module):
    """(B, Tc, C, H, W) → (B, T, C, H, W) in one pass, T as the configuration says."""

    def __init__(self, config: PredFormerConfig) -> None:
        super().__init__()
        pixels = config.channels * config.patch**2
        self.embed = nn.Linear(pixels, config.width)
        self.blocks = FactorisedBlocks(config.blocks, config.width, config.heads, config.mlp_ratio)
        self.head = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, pixels))
        self.waits = config.head == "direct"
        self.patch, self.size, self.frames_out = config.patch, config.size, config.frames_out
        frames = config.context + (config.frames_out if self.waits else 0)
        codes = places(frames * config.tokens, config.width).view(frames, config.tokens, config.width)
        self.register_buffer("places", codes, persistent=False)
        self.places: Tensor

    def forward(self, context: Tensor) -> Tensor:
        if self.waits:  # the last frame stands in for those to come
            context = torch.cat([context, context[:, -1:].expand(-1, self.frames_out, -1, -1, -1)], 1)
        tokens = self.embed(to_tokens(context, self.patch)) + self.places
        tokens = self.blocks(tokens)[:, -self.frames_out :]
        return from_tokens(self.head(tokens), self.patch, self.size)
