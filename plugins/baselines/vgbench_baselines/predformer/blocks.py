"""Gated transformer blocks over space and time in turn, which may be told a condition for each frame."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Axis = Literal["time", "space"]
ROUND: tuple[Axis, ...] = ("time", "space", "space", "time")


class FactorisedBlocks(nn.Module):
    """Tokens (B, T, N, D) → the same shape, through blocks that attend over T and over N in turn."""

    def __init__(self, blocks: int, width: int, heads: int, mlp_ratio: int, *, is_conditioned: bool = False) -> None:
        super().__init__()
        axes = ROUND * (blocks // len(ROUND))
        self.blocks = nn.ModuleList(GatedBlock(axis, width, heads, mlp_ratio, is_conditioned=is_conditioned) for axis in axes)

    def forward(self, tokens: Tensor, condition: Tensor | None = None) -> Tensor:
        """condition: (B, T, D), where the blocks are conditioned."""
        for block in self.blocks:
            tokens = block(tokens, condition)
        return tokens


class GatedBlock(nn.Module):
    """x + attention(norm(x)) along one axis, x + swiglu(norm(x)), and a last norm.

    With a condition both branches are shifted, scaled and gated; the gates begin at 0 (adaLN-zero: W. Peebles, S. Xie,
    arXiv:2212.09748), and the last norm is left out: it would take the gates' meaning away.
    """

    def __init__(self, axis: Axis, width: int, heads: int, mlp_ratio: int, *, is_conditioned: bool) -> None:
        super().__init__()
        self.axis: Axis = axis
        self.attention, self.swiglu = Attention(width, heads), SwiGLU(width, width * mlp_ratio)
        self.norm_1, self.norm_2 = (nn.LayerNorm(width, elementwise_affine=not is_conditioned) for _ in range(2))
        self.norm: nn.Module = nn.Identity() if is_conditioned else nn.LayerNorm(width)
        self.apply(_initialise)
        self.modulation = _zero(nn.Linear(width, 6 * width)) if is_conditioned else None

    def forward(self, tokens: Tensor, condition: Tensor | None = None) -> Tensor:
        if self.modulation is None or condition is None:
            tokens = tokens + self._attend(self.norm_1(tokens))
            normed: Tensor = self.norm(tokens + self.swiglu(self.norm_2(tokens)))
            return normed
        shift_1, scale_1, gate_1, shift_2, scale_2, gate_2 = self.modulation(functional.silu(condition)).unsqueeze(2).chunk(6, -1)
        tokens = tokens + gate_1 * self._attend(self.norm_1(tokens) * (1 + scale_1) + shift_1)
        return tokens + gate_2 * self.swiglu(self.norm_2(tokens) * (1 + scale_2) + shift_2)

    def _attend(self, tokens: Tensor) -> Tensor:
        if self.axis == "space":
            return self.attention(tokens.flatten(0, 1)).unflatten(0, tokens.shape[:2])
        swapped = tokens.transpose(1, 2)
        attended: Tensor = self.attention(swapped.flatten(0, 1)).unflatten(0, swapped.shape[:2])
        return attended.transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention over (B, N, D)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        qkv = self.to_qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*qkv.unbind(0))
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class SwiGLU(nn.Module):
    """W₃(silu(W₁x) · W₂x) (N. Shazeer, arXiv:2002.05202), with biases."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate, self.value, self.out = nn.Linear(width, hidden), nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.out(functional.silu(self.gate(tokens)) * self.value(tokens))
        return out


def places(count: int, width: int) -> Tensor:
    """Sinusoidal codes of the places 0 to count − 1: (count, width) float32, sines and cosines in turn."""
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float64) / width * -torch.log(torch.tensor(10_000.0, dtype=torch.float64)))
    angles = torch.arange(count, dtype=torch.float64)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1).float()


def to_tokens(clips: Tensor, patch: int) -> Tensor:
    """(B, T, C, H, W) → (B, T, N, C·patch²)."""
    return functional.pixel_unshuffle(clips, patch).flatten(3).transpose(2, 3)


def from_tokens(tokens: Tensor, patch: int, size: tuple[int, int]) -> Tensor:
    """What `to_tokens` took apart; size: (H, W) of the frames."""
    grid = tokens.transpose(2, 3).unflatten(3, (size[0] // patch, size[1] // patch))
    return functional.pixel_shuffle(grid, patch)


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
