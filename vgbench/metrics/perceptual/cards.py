"""The cards of LPIPS and VMAF."""

from __future__ import annotations

from vgbench.metrics.cards import Family
from vgbench.metrics.moving_rule import BEWARE, RULE, SOURCE
from vgbench.specs import MetricSpec

_LPIPS = Family(
    "lpips",
    better="lower",
    perfect=0,
    unit="",
    module="vgbench.metrics.perceptual.lpips",
    card={
        "formula": "Σ over layers of the mean over positions of Σ_c w_c (x̂_c − ŷ_c)², x̂ and ŷ the layer's channels scaled to length 1, "
        "w the linear layers of version 0.1",
        "range": "[−1, 1], then shifted and scaled per channel as the package does",
        "colour": "RGB; grey counts as three equal channels",
        "resize": "none",
        "padding": "as the network pads",
        "pooling": "mean over a layer's positions, sum over layers, then mean over frames, then over clips",
        "identical frames": "0",
        "source": "R. Zhang, P. Isola, A. A. Efros, E. Shechtman, O. Wang, CVPR 2018",
        "beware": "the networks differ in scale: never compare a number of one with a number of another; some tables feed [0, 1] by "
        "mistake, which lowers the number; blind to motion, as every metric of single frames",
    },
)


def lpips_specs() -> list[MetricSpec]:
    """All variants, the default first."""
    return [
        _LPIPS.variant(
            "alex",
            "Perceptual distance through AlexNet, the one most tables report.",
            features="AlexNet after its five ReLUs; frames of at least 31×31 pixels",
            weights="lpips-alex: vgbench weights get lpips-alex",
            same_as="lpips.LPIPS(net='alex') on [−1, 1]",
        ),
        _LPIPS.variant(
            "vgg",
            "Perceptual distance through VGG16.",
            features="VGG16 after the last ReLU of each of its five blocks; frames of at least 16×16 pixels",
            weights="lpips-vgg: vgbench weights get lpips-vgg",
            same_as="lpips.LPIPS(net='vgg') on [−1, 1]",
        ),
        _LPIPS.variant(
            "squeeze",
            "Perceptual distance through SqueezeNet 1.1, with your own backbone file.",
            features="SqueezeNet 1.1 after its first ReLU and six of its fires; frames of at least 17×17 pixels",
            weights="lpips-squeeze: vgbench weights add lpips-squeeze FILE",
            same_as="lpips.LPIPS(net='squeeze') on [−1, 1]",
        ),
        _LPIPS.variant(
            "moving",
            "Perceptual distance through AlexNet where the real video moves.",
            features="AlexNet after its five ReLUs; frames of at least 31×31 pixels",
            window=f"the moving region: {RULE}",
            pooling="mean over a layer's positions, each by the share of its pixels that move, sum over layers, then means",
            weights="lpips-alex: vgbench weights get lpips-alex",
            source=f"lpips@alex; {SOURCE}",
            same_as="–",
            beware=f"{BEWARE}; a layer's position sees more of the frame than its own pixels",
        ),
    ]


_VMAF = Family(
    "vmaf",
    better="higher",
    perfect=None,
    unit="",
    module="vgbench.metrics.perceptual.vmaf",
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
        "same as": "ffmpeg -lavfi libvmaf on the same yuv420p; of a YUV file these are not its own planes, since frames are read as RGB",
        "beware": "made for compression of large pictures: on frames of 64 or 128 pixels it is outside its training. Blind to colour",
    },
)


def vmaf_specs() -> list[MetricSpec]:
    """The one model."""
    return [_VMAF.variant("", "Netflix's fused quality model, through an ffmpeg that has libvmaf.", target="Vmaf")]
