"""The translators gSTA and TAU: blocks of large-kernel attention over the channels of all frames together.

gSTA: C. Tan, Z. Gao, S. Li, S. Z. Li, arXiv:2211.12509.  TAU: C. Tan et al., CVPR 2023, arXiv:2206.12126.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

DILATION = 3
NEAR, FAR = 5, 7
"""Sides of the two depthwise kernels, the second dilated, that stand for one of 21×21."""
LAYER_SCALE = 0.01
LEAST_SQUEEZE = 4


class AttentionTranslator(nn.Module):
    """(B, inputs, H, W) → (B, outputs, H, W): the first block works on the input's channels, the others on `width`."""

    def __init__(self, inputs: int, outputs: int, width: int, blocks: int, kind: Literal["gsta", "tau"], mlp_ratio: int) -> None:
        super().__init__()
        ins, outs = [inputs] + [width] * (blocks - 1), [width] * (blocks - 1) + [outputs]
        layers: list[nn.Module] = []
        for one, out in zip(ins, outs, strict=True):
            layers.append(AttentionBlock(one, kind, mlp_ratio))
            if one != out:
                layers.append(nn.Conv2d(one, out, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, hidden: Tensor) -> Tensor:
        mixed: Tensor = self.layers(hidden)
        return mixed


class AttentionBlock(nn.Module):
    """x + s₁·attention(norm(x)), then x + s₂·mlp(norm(x)), with a learned scale a channel."""

    def __init__(self, width: int, kind: Literal["gsta", "tau"], mlp_ratio: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.before, self.after = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.attention = GatedAttention(width) if kind == "gsta" else TemporalAttention(width)
        hidden = width * mlp_ratio
        self.mlp = nn.Sequential(
            nn.Conv2d(width, hidden, 1), nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden), nn.GELU(), nn.Conv2d(hidden, width, 1)
        )
        self.scale_1, self.scale_2 = (nn.Parameter(torch.full((width, 1, 1), LAYER_SCALE)) for _ in range(2))
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm_1(x)
        attended = self.after(self.attention(nn.functional.gelu(self.before(normed)))) + normed
        x = x + self.scale_1 * attended
        return x + self.scale_2 * self.mlp(self.norm_2(x))


class LargeKernel(nn.Module):
    """Two depthwise convolutions, the second dilated, and a pointwise one."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(width, width, NEAR, padding=NEAR // 2, groups=width)
        self.far = nn.Conv2d(width, width, FAR, padding=DILATION * (FAR // 2), groups=width, dilation=DILATION)
        self.point = nn.Conv2d(width, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.point(self.far(self.near(x)))
        return mixed


class GatedAttention(nn.Module):
    """gSTA: σ(g)·f, both from the large kernel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kernel = LargeKernel(width, 2 * width)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.kernel(x).chunk(2, 1)
        return torch.sigmoid(gate) * value


class TemporalAttention(nn.Module):
    """TAU: within each frame the large kernel, between frames a weight for each channel from its mean over the picture."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kernel = LargeKernel(width, width)
        squeezed = width // max(width // 16, LEAST_SQUEEZE)
        self.between = nn.Sequential(
            nn.Linear(width, squeezed, bias=False), nn.ReLU(), nn.Linear(squeezed, width, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        weights = self.between(x.mean((2, 3)))[:, :, None, None]
        return weights * self.kernel(x) * x


@torch.no_grad()
def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        module.weight.normal_(0, math.sqrt(2 / fan_out))
        nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    elif isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
