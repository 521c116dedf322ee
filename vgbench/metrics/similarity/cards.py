"""The cards of SSIM."""

from __future__ import annotations

from vgbench.metrics.cards import Family
from vgbench.metrics.moving_rule import BEWARE, RULE, SOURCE
from vgbench.specs import MetricSpec

_FORMULA = "(2·μx·μy + C1)·(2·σxy + C2) / ((μx² + μy² + C1)·(σx² + σy² + C2)), C1 = (0.01·L)², C2 = (0.03·L)²"
_SKIMAGE = {
    "window": "7×7 uniform; variances divided by 48, not 49 (sample covariance)",
    "padding": "none: a border of 3 pixels is cropped, so only windows inside the frame count",
}
_SSIM = Family(
    "ssim",
    better="higher",
    perfect=1,
    unit="",
    module="vgbench.metrics.similarity.ssim",
    card={
        "formula": _FORMULA,
        "range": "[0, 1], L = 1",
        "colour": "each of R, G, B by itself, then their mean; or grey",
        "window": "11×11 Gaussian, σ 1.5; variances divided by the window's weight (biased)",
        "padding": "none: only windows inside the frame count",
        "pooling": "mean over a frame's windows and channels, then over frames, then over clips",
        "identical frames": "1",
        "source": "Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, IEEE TIP 13(4), 2004",
        "same as": "–",
        "beware": "rewards blur on noisy textures, and is near 1 for any two flat, bright frames",
    },
)


_Y_LIMITED = {
    "range": "luma 16 to 235, L = 255",
    "colour": "ITU-R BT.601 luma, limited range, not rounded; grey counts as three equal channels",
}
_MS_SSIM = Family(
    "ms-ssim",
    better="higher",
    perfect=1,
    unit="",
    module="vgbench.metrics.similarity.ms_ssim",
    card={
        **_SSIM.card,
        "formula": "SSIM(scale 5)^0.1333 · Π CS(scale i)^wᵢ, w = 0.0448, 0.2856, 0.3001, 0.2363 for the scales 1 to 4, CS the second "
        "factor of SSIM; a mean below 0 counts as 0",
        "resize": "each scale is the mean of 2×2 pixels of the one before; odd sides are padded with zeros at both ends",
        "frames": "at least 161×161 pixels",
        "pooling": "mean over a frame's windows, product over scales, mean over channels, then over frames, then over clips",
        "source": "Z. Wang, E. P. Simoncelli, A. C. Bovik, Asilomar 2003",
        "same as": "pytorch-msssim",
        "beware": "higher than ssim on most pixels; not to be compared with it. torchmetrics reflects the borders of every scale, which "
        "moved the number by up to 0.005 on noise",
    },
)


def ms_ssim_specs() -> list[MetricSpec]:
    """The one definition."""
    return [_MS_SSIM.variant("", "Structural similarity over five scales.", target="ms_ssim_wang")]


def ssim_specs() -> list[MetricSpec]:
    """All variants, the default first."""
    return [
        _SSIM.variant(
            "wang",
            "Structural similarity as the paper defines it, on each colour channel.",
            same_as="scikit-image (gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1), pytorch-msssim, piqa",
        ),
        _SSIM.variant(
            "skimage",
            "What scikit-image gives by default for images in [0, 1] with data_range=1.",
            same_as="scikit-image structural_similarity(channel_axis=…, data_range=1)",
            **_SKIMAGE,
        ),
        _SSIM.variant(
            "openstl",
            "scikit-image's default with the range taken as 2 for images in [0, 1].",
            range="[0, 1] with L = 2, as older scikit-image took it from the type float",
            same_as="OpenSTL in its documented environment",
            beware="higher than ssim@skimage on the same pixels: C1 and C2 are four times as large",
            **_SKIMAGE,
        ),
        _SSIM.variant(
            "torchmetrics",
            "Borders reflected and kept, so that every pixel has a window.",
            padding="reflected by 5 pixels; every pixel counts",
            same_as="torchmetrics StructuralSimilarityIndexMeasure(data_range=1)",
            beware="that library computes in float32; these numbers agree with it to about 3e-5",
        ),
        _SSIM.variant(
            "piq",
            "ssim@wang after large frames are average-pooled.",
            window="as ssim@wang, after average pooling by round(min(height, width) / 256) where that is more than 1",
            same_as="piq.ssim by default",
            beware="equal to ssim@wang up to 383 pixels; above, it looks at a smaller picture",
        ),
        _SSIM.variant(
            "pyiqa",
            "On luma rounded to 8 bits, negative structure counted as 0.",
            formula=_FORMULA + ", with (2·σxy + C2) / (σx² + σy² + C2) not below 0",
            range="0 to 255, L = 255",
            colour="luma of YIQ, 0.299·R + 0.587·G + 0.114·B, rounded; grey is its own luma",
            same_as="pyiqa ssim by default",
            beware="blind to colour, and higher than ssim@wang on most pixels",
        ),
        *_on_luma(),
        _SSIM.variant(
            "moving",
            "Structural similarity where the real video moves.",
            module="vgbench.metrics.similarity.moving",
            window=f"11×11 Gaussian, σ 1.5; windows whose centre is in the moving region: {RULE}",
            pooling="mean over those windows of a frame, then over channels, frames and clips",
            source=f"ssim@wang's definition; {SOURCE}",
            beware=BEWARE,
        ),
    ]


def _on_luma() -> list[MetricSpec]:
    return [
        _SSIM.variant(
            "y-limited",
            "On luma between 16 and 235.",
            same_as="BasicSR calculate_ssim(crop_border=0, test_y_channel=True)",
            beware="blind to colour, and higher than ssim@wang on most pixels; that library computes luma in float32",
            **_Y_LIMITED,
        ),
        _SSIM.variant(
            "y-limited-crop4",
            "On luma between 16 and 235, without a border of 4 pixels.",
            padding="none: 4 pixels at each edge are cut off first, then only windows inside the frame count",
            same_as="BasicSR calculate_ssim(crop_border=4, test_y_channel=True), as tables of 4× super-resolution have it",
            beware="what happens at the border does not count; other scales crop other borders, so compare only at one",
            **_Y_LIMITED,
        ),
    ]
