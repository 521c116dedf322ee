"""The network: a velocity for every pixel, from noisy frames, the clean ones before them, and the time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vgbench_baselines.flow_matching.config import FlowMatchingConfig
from vgbench_baselines.predformer.blocks import FactorisedBlocks, from_tokens, places, to_tokens

TICKS = 1_000_000
"""Times from 0 to 1 are whole numbers from 0 to this, so that a host that computes in bf16 does not round them."""
CODES = 1000
"""A time is coded like a place from 0 to this."""


class FlowTransformer(nn.Module):
    """A factorised diffusion transformer (W. Peebles, S. Xie, arXiv:2212.09748) with PredFormer's blocks; the context is clean tokens."""

    def __init__(self, config: FlowMatchingConfig) -> None:
        super().__init__()
        pixels, width = config.channels * config.patch**2, config.width
        self.embed = nn.Linear(pixels, width)
        self.of_time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = FactorisedBlocks(config.blocks, width, config.heads, config.mlp_ratio, is_conditioned=True)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, pixels)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        frames = config.context + config.horizon
        codes = places(frames * config.tokens, width).view(frames, config.tokens, width)
        self.register_buffer("places", codes, persistent=False)
        self.register_buffer("codes", places(CODES + 1, width), persistent=False)
        self.places: Tensor
        self.codes: Tensor
        self.patch, self.size = config.patch, config.size

    def forward(self, context: Tensor, noisy: Tensor, ticks: Tensor) -> Tensor:
        """The velocity of the noisy frames (B, T, C, H, W), given the context (B, Tc, C, H, W) and each clip's time, int64 (B,)."""
        given = context.shape[1]
        tokens = self.embed(to_tokens(torch.cat([context, noisy], 1), self.patch)) + self.places
        of_frames = torch.cat([ticks.new_full((len(ticks), given), TICKS), ticks[:, None].expand(-1, noisy.shape[1])], 1)
        tokens = self.blocks(tokens, self.of_time(self._coded(of_frames)))[:, given:]
        return from_tokens(self.head(self.norm(tokens)), self.patch, self.size)

    def _coded(self, ticks: Tensor) -> Tensor:
        """Between two codes a time's is made of both, by their shares."""
        step = TICKS // CODES
        below = (ticks // step).clamp_max(CODES - 1)
        share = ((ticks - below * step).float() / step).unsqueeze(-1)
        return torch.lerp(self.codes[below], self.codes[below + 1], share)
