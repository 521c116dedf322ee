"""The losses of MD-GAN beside those of every GAN, each a function of tensors; every one is averaged over the clips of a batch."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def content_loss(generated: Tensor, real: Tensor) -> Tensor:
    """L_con: the mean absolute difference of two videos of one shape."""
    return functional.l1_loss(generated, real)


def gram(feature: Tensor) -> Tensor:
    """g(·; l): how a feature's channels and frames go together, so that it carries motion.

    feature: (B, C, T, H, W), read as M×S with M = T·C rows, a frame's channels next to each other, and S = H·W columns h_n.
    Returns 1/(M·S) · Σ_n h_n h_nᵀ, (B, M, M), added up in float32 at least.
    """
    columns = feature.permute(0, 3, 4, 2, 1).flatten(3).flatten(1, 2)  # the h_n as rows, (B, S, M)
    if not (columns.is_cuda and _ADDS_UP_WIDER):
        columns = columns.to(torch.promote_types(columns.dtype, torch.float32))
    with torch.autocast(feature.device.type, enabled=False):
        product: Tensor = _MeanOuterProduct.apply(columns)  # type: ignore[no-untyped-call]
        return product


_ADDS_UP_WIDER = tuple(int(part) for part in torch.__version__.split(".")[:2]) >= (2, 8)
"""Whether a GPU can be asked for the float32 sums of a product in a lower precision; products of such numbers are exact in float32."""


class _MeanOuterProduct(torch.autograd.Function):
    """(B, S, M) → 1/(M·S) · Σ_n h_n h_nᵀ, in float32 at least.

    Both factors are the same, so that the gradient H·(G + Gᵀ)/(M·S) is one matrix product and not the two that autograd would form.
    """

    @staticmethod
    def forward(ctx: Any, columns: Tensor) -> Tensor:
        ctx.save_for_backward(columns)
        wider = {"out_dtype": torch.float32} if columns.dtype in (torch.bfloat16, torch.float16) else {}
        return torch.bmm(columns.mT, columns, **wider).div_(columns[0].numel())  # type: ignore[call-overload, no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (columns,) = ctx.saved_tensors
        return torch.bmm(columns, (gradient + gradient.mT).div_(columns[0].numel()).to(columns.dtype))


def gram_distance(one: Tensor, other: Tensor, reduction: Literal["sum", "mean"]) -> Tensor:
    """‖one − other‖₁ over the entries of Gram matrices (B, M, M), as their sum or mean: (B,)."""
    difference = (one - other).abs()
    return difference.sum((1, 2)) if reduction == "sum" else difference.mean((1, 2))


def ranking_loss(to_real: Tensor, to_base: Tensor) -> Tensor:
    """L_rank(Y1, Y, Y2; l) from the distances d⁺ = ‖g(Y2) − g(Y)‖₁ and d⁻ = ‖g(Y2) − g(Y1)‖₁, each (B,).

    −log(e^{−d⁺} / (e^{−d⁺} + e^{−d⁻})) = softplus(d⁺ − d⁻), which does not underflow where both distances are large.
    """
    return functional.softplus(to_real - to_base).mean()
