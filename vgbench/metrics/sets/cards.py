"""The cards of the metrics that compare sets of clips."""

from __future__ import annotations

from vgbench.metrics.cards import Family
from vgbench.specs import MetricSpec

_INTERVAL = "95 %, delete-group jackknife over source videos (20 groups at most), for the expected value at this many clips"
_I3D = "I3D RGB, Kinetics-400, 400 logits, mean over time; clips of at least 9 frames"
_I3D_WEIGHTS = "i3d-k400 (sha256 af5c50f0df57…): vgbench weights get i3d-k400"
_SQUASH = "squashed to 224×224, bilinear, pixel centres (align_corners=False), no antialiasing"
_FRECHET = {
    "formula": "|μ₁ − μ₂|² + Tr Σ₁ + Tr Σ₂ − 2 Tr (Σ₁Σ₂)^½ of the features' means and covariances; the last trace as a sum of singular "
    "values, exact for any number of clips",
    "frames": "all that count, as the protocol says",
    "interval": _INTERVAL,
    "identical frames": "0 for two equal sets",
}
_FVD = Family(
    "fvd",
    kind="set",
    better="lower",
    perfect=0,
    unit="",
    module="vgbench.metrics.sets.variants",
    card={
        **_FRECHET,
        "features": _I3D,
        "range": "8-bit levels to [−1, 1]",
        "colour": "RGB; grey is repeated",
        "resize": _SQUASH,
        "covariance": "biased (÷ n)",
        "pooling": "one number for the two sets",
        "weights": _I3D_WEIGHTS,
        "source": "T. Unterthiner et al., “Towards accurate generative models of video”, 2018; the distance: Dowson and Landau, 1982",
        "same as": "–",
        "beware": "biased upwards, the more the fewer the clips: compare only values of equally many clips of one protocol, and look "
        "at the limit and the floor. Published codes differ in resize, covariance, frames, n and reference split; values of one "
        "checkpoint differ 2 to 4 times. Sees frames more than motion",
    },
)
_KVD = Family(
    "kvd",
    kind="set",
    better="lower",
    perfect=0,
    unit="",
    module="vgbench.metrics.sets.variants",
    card={
        **_FVD.card,
        "formula": "unbiased MMD² with k(x, y) = (x·y / D + 1)³, over all pairs",
        "covariance": "none",
        "identical frames": "0 on average for two samples of one distribution; may be negative",
        "source": "the kernel of M. Bińkowski et al., “Demystifying MMD GANs”, ICLR 2018, on the features of FVD",
        "beware": "has no bias in n, but more variance than fvd; small negative values mean 0",
    },
)
_FID = Family(
    "fid",
    kind="set",
    better="lower",
    perfect=0,
    unit="",
    module="vgbench.metrics.sets.variants",
    card={
        **_FRECHET,
        "features": "Inception-v3, 2,048 features of each frame",
        "range": "8-bit levels",
        "colour": "RGB; grey is repeated",
        "resize": "to 299×299 inside the file",
        "covariance": "unbiased (÷ n − 1)",
        "pooling": "one number for the two sets of frames",
        "weights": "inception-fid: vgbench weights add inception-fid FILE",
        "source": "M. Heusel et al., NeurIPS 2017",
        "same as": "StyleGAN's metrics with their own file, but for their biased covariance",
        "beware": "blind to motion: frames in any order give the same number. Biased in the number of frames, which are not independent",
    },
)


def set_specs() -> list[MetricSpec]:
    """All variants, the default of each name first."""
    return [
        _FVD.variant("i3d", "Fréchet distance of I3D features, squashed frames, biased covariance."),
        _FVD.variant(
            "tf",
            "As the original code: TensorFlow 1's bilinear sampling, unbiased covariance.",
            resize="squashed to 224×224, bilinear from the first pixel's corner (TensorFlow 1's resize_bilinear), no antialiasing",
            covariance="unbiased (÷ n − 1)",
            same_as="frechet_video_distance of google-research, up to the port of the weights; not compared with it here",
        ),
        _FVD.variant(
            "center-crop",
            "The middle square of each frame, biased covariance.",
            resize="shorter side to 224, bilinear without antialiasing, then the middle 224×224",
        ),
        _FVD.variant(
            "i3d-context",
            "fvd@i3d of clips with the frames given in front, on both sides.",
            frames="those given, then those generated after them; of given clips with references, those before --score-from are given",
            same_as="what video prediction calls FVD where it prepends the context; not compared with any code here",
            beware="lower than fvd@i3d of the same clips, the more the longer the context, since that part is real on both sides; needs "
            "pairs or a protocol",
        ),
        _FVD.variant(
            "i3d-sliding",
            "fvd@i3d of every window of 16 frames, one each 8 frames: for long clips.",
            frames="windows of 16 frames that count, from every 8th frame on; all windows of all clips are one set",
            beware="blind to what changes more slowly than in 16 frames, and to where in a clip a window lies. Windows of one clip are not "
            "independent: the interval is made over source videos. Biased upwards as fvd@i3d is",
        ),
        _FVD.variant(
            "styleganv",
            "With the TorchScript I3D of StyleGAN-V, from your own file.",
            features="the file's features of (B, 3, T, H, W) levels with rescale, resize and return_features",
            resize="squashed to 224×224 inside the file",
            weights="i3d-torchscript: vgbench weights add i3d-torchscript FILE",
            same_as="StyleGAN-V and code built on it",
        ),
        _KVD.variant("i3d", "Kernel distance of the same features, without bias in the number of clips."),
        _FID.variant("inception", "Fréchet distance of the frames' Inception features, from your own file."),
    ]
