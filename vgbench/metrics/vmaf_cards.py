"""The card of VMAF."""

from __future__ import annotations

from vgbench.metrics.cards import Family
from vgbench.specs import MetricSpec

_VMAF = Family(
    "vmaf",
    better="higher",
    perfect=None,
    unit="",
    module="vgbench.metrics.vmaf",
    card={
        "formula": "model vmaf_v0.6.1 of libvmaf: a support vector regression over detail loss, visual information fidelity and motion",
        "range": "8-bit levels; scores from 0 to 100",
        "colour": "luma of yuv420p, converted by ffmpeg (BT.601, limited range, bicubic, accurate rounding); grey counts as equal channels",
        "resize": "none; the model was trained on 1080p seen from three screen heights",
        "frames": "of at least 32×32 pixels",
        "pooling": "mean over frames, then over clips",
        "identical frames": "97.4 for a clip's first frame, which has no motion, 98 to 100 for the others",
        "needs": "an ffmpeg with libvmaf: on the path, $VGBENCH_FFMPEG, or pip install imageio-ffmpeg",
        "source": "Netflix, github.com/Netflix/vmaf",
        "same as": "ffmpeg -lavfi libvmaf on the same yuv420p",
        "beware": "made for compression of large pictures: on frames of 64 or 128 pixels it is outside its training. Blind to colour",
    },
)


def vmaf_specs() -> list[MetricSpec]:
    """The one model."""
    return [_VMAF.variant("", "Vmaf", "Netflix's fused quality model, through an ffmpeg that has libvmaf.")]
