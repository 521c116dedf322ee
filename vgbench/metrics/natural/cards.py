"""The cards of the metrics that need no reference."""

from __future__ import annotations

from vgbench.metrics.cards import Family
from vgbench.specs import MetricSpec

_LUMA = "luma, 0.299·R + 0.587·G + 0.114·B, rounded; grey is its own luma"

_NIQE = Family(
    "niqe",
    kind="single",
    better="lower",
    perfect=None,
    unit="",
    module="vgbench.metrics.natural.niqe",
    card={
        "formula": "√((ν − μ)ᵀ ((Σ₁ + Σ₂)/2)⁺ (ν − μ)) of 36 features of 96×96 blocks at two scales",
        "features": "shapes and scales of asymmetric generalized Gaussians, of (x − mean)/(deviation + 1) and of its products with four "
        "neighbours",
        "range": "0 to 255",
        "colour": _LUMA,
        "resize": "the second scale is half as large, bicubic (a = −1/2) with antialiasing, as MATLAB's imresize",
        "window": "mean and deviation under a Gaussian of 7×7, σ = 7/6; blocks of 96×96, and what does not fill one at the right and the "
        "bottom is left out",
        "padding": "the outermost pixels repeated",
        "frames": "of at least 192×192 pixels",
        "pooling": "mean over frames, then over clips",
        "weights": "niqe, the authors' model of undistorted pictures: vgbench weights get niqe",
        "source": "A. Mittal, R. Soundararajan, A. C. Bovik, IEEE SPL 20(3), 2013",
        "same as": "the authors' MATLAB program on the luma; not scikit-video 1.1.11, whose niqe has another model and other features",
        "beware": "knows nothing of the reference; real clips do not have 0 either, so look at theirs. A flat frame has no value",
    },
)
_VIIDEO = Family(
    "viideo",
    kind="single",
    better="lower",
    perfect=None,
    unit="",
    module="vgbench.metrics.natural.viideo",
    card={
        "formula": "mean over time of the correlation ρ between the changes of features at two scales, plus the mean |Δρ|",
        "features": "shapes and scales of asymmetric generalized Gaussians, of normalized frame differences' products with four neighbours",
        "range": "0 to 255",
        "colour": _LUMA,
        "window": "mean and deviation under a Gaussian of 7×7, σ = 7/6; blocks of 18×18 pixels with 8 around",
        "padding": "the outermost pixels repeated for the mean; zeros around the blocks",
        "frames": "pairs (0, 1), (2, 3), …: at least 4 frames",
        "pooling": "one number per clip, then the mean over clips",
        "source": "A. Mittal, M. A. Saad, A. C. Bovik, IEEE TIP 25(1), 2016",
        "same as": "the authors' MATLAB program with its example's blocks; not scikit-video 1.1.11, whose blocks and fits differ",
        "beware": "knows nothing of the reference; made for clips of seconds, and noisy on 16 frames. A clip that stands still has no "
        "value",
    },
)


def natural_specs() -> list[MetricSpec]:
    """Both of them."""
    return [
        _NIQE.variant("", "Distance of each frame's statistics from those of natural pictures; no reference.", target="Niqe"),
        _VIIDEO.variant("", "How irregularly the statistics of frame differences change; no reference.", target="Viideo"),
    ]
