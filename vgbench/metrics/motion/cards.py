"""The cards of the metrics that look at motion."""

from __future__ import annotations

from vgbench.metrics.cards import Family
from vgbench.specs import MetricSpec

_RATIO = {
    "range": "8-bit levels; the unit cancels",
    "colour": "RGB as it is, or grey; all channels count alike",
    "window": "none: every pixel by itself",
    "padding": "none",
    "frames": "at least 2 that count",
    "pooling": "one ratio a clip, then the mean over clips; in log scale when rows are ranked",
    "identical frames": "1; also where both clips stand still. A clip that moves where the real one stands still gives infinity, which is "
    "counted and shown",
    "source": "this project; the ordinary measure of how static a prediction is",
    "same as": "–",
}
_MOTION = Family(
    "motion-ratio",
    better="toward-1",
    perfect=1,
    unit="",
    module="vgbench.metrics.motion.ratios",
    card=_RATIO
    | {
        "formula": "Σ |x_{t+1} − x_t| of the generated clip / the same of the real one",
        "beware": "counts noise and flicker as motion; exactly 1 for a reversed clip; copying a frame gives 0",
    },
)
_DRIFT = Family(
    "drift-ratio",
    better="toward-1",
    perfect=1,
    unit="",
    module="vgbench.metrics.motion.ratios",
    card=_RATIO
    | {
        "formula": "Σ |x_last − x_first| of the generated clip / the same of the real one",
        "beware": "looks at two frames only; exactly 1 for a reversed clip",
    },
)
_FLOW = Family(
    "flow-epe",
    better="lower",
    perfect=0,
    unit="px",
    module="vgbench.metrics.motion.flow",
    card={
        "formula": "mean over pixels of |f(x_t, x_{t+1}) − f(y_t, y_{t+1})|, f the optical flow in pixels a frame",
        "features": "Farnebäck's flow of OpenCV: 4 levels, windows of 15 pixels, 3 iterations, polynomials over 5 pixels (σ 1.2)",
        "range": "0 to 255",
        "colour": "luma, 0.299·R + 0.587·G + 0.114·B, rounded; grey is its own luma",
        "resize": "none",
        "frames": "at least 2 that count",
        "pooling": "mean over a transition's pixels, then over transitions, then over clips",
        "identical frames": "0",
        "needs": "OpenCV: pip install 'vgbench[flow]'",
        "source": "the endpoint error of S. Baker et al., IJCV 92, 2011; the flow of G. Farnebäck, SCIA 2003",
        "same as": "–",
        "beware": "the flow itself is an estimate: blind on flat regions, led astray by noise. A static clip scores the mean speed "
        "of the real one, which is small where little moves",
    },
)


_GRAM = Family(
    "gram-motion",
    better="lower",
    perfect=0,
    unit="",
    module="vgbench.metrics.motion.gram",
    card={
        "formula": "Σ over layers of |G(x) − G(y)|_F / |G(y)|_F, G = F Fᵀ / (C·T·H·W) with the feature F as (C·T) × (H·W)",
        "features": "the first three convolutions of I3D (64, 64 and 192 channels), after their ReLU",
        "range": "8-bit levels to [−1, 1]",
        "colour": "RGB; grey is repeated",
        "resize": "squashed to 224×224, bilinear, pixel centres, no antialiasing",
        "frames": "at least 2 that count",
        "pooling": "one number per clip, then the mean over clips",
        "identical frames": "0",
        "weights": "i3d-k400 (sha256 af5c50f0df57…): vgbench weights get i3d-k400",
        "source": "the motion feature of W. Xiong et al., CVPR 2018, on a fixed network",
        "same as": "–",
        "beware": "sees appearance as well as motion: brightness and noise move it about as much as reversal, shuffle or a freeze do",
    },
)


def motion_specs() -> list[MetricSpec]:
    """All of them."""
    return [
        _MOTION.variant("", "How much changes from frame to frame, as a share of what changes in the real clip.", target="MotionRatio"),
        _DRIFT.variant("", "How much changes from the first frame to the last, as a share of the real change.", target="DriftRatio"),
        _FLOW.variant("", "How far the motion is from the real one, in pixels a frame; the one that sees direction.", target="FlowEpe"),
    ]


def gram_specs() -> list[MetricSpec]:
    """The one that needs weights."""
    return [_GRAM.variant("", "Difference of the Gram matrices over channels and time of I3D's first layers.", target="GramMotion")]
