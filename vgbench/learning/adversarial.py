"""Losses of a generator and its discriminator, from logits, each averaged over what was judged; and how the discriminator did."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0) -> Tensor:
    """What D minimises: −E[log D(Y)] − E[log(1 − D(G(·)))], from logits (N,).

    smoothing: with s above 0 the target of real clips is 1 − s: −E[(1 − s)·log D(Y) + s·log(1 − D(Y))] in the first term's place.
    """
    # softplus(l) = softplus(−l) + l
    of_real = functional.softplus(-real_logits) + smoothing * real_logits
    return of_real.mean() + functional.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor, form: Literal["non-saturating", "minimax"] = "non-saturating") -> Tensor:
    """What G minimises, from logits (N,): −E[log D(G(·))] (non-saturating), or E[log(1 − D(G(·)))] (minimax)."""
    if form == "non-saturating":
        return functional.softplus(-fake_logits).mean()
    return -functional.softplus(fake_logits).mean()


def gradient_penalty(real_logits: Tensor, real: Tensor) -> Tensor:
    """E‖∇D(Y)‖² of R1 (L. Mescheder, A. Geiger, S. Nowozin, ICML 2018, equation 9, without γ/2), on logits.

    real: the video the logits (B,) were computed from, with `requires_grad`; the result can be differentiated again.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
    return gradient.to(torch.promote_types(gradient.dtype, torch.float32)).square().flatten(1).sum(1).mean()


def verdicts(real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
    """How the discriminator did on real and generated clips: its mean probability of "real", and its share of right answers."""
    return {
        "real_probability": real_logits.sigmoid().mean(),
        "fake_probability": fake_logits.sigmoid().mean(),
        "real_accuracy": (real_logits > 0).float().mean(),
        "fake_accuracy": (fake_logits < 0).float().mean(),
    }
