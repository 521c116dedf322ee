"""The cards of MSE, MAE, RMSE and PSNR."""

from __future__ import annotations

from vgbench.metrics.cards import Family
from vgbench.metrics.moving_rule import BEWARE, RULE, SOURCE
from vgbench.specs import MetricSpec

_PIXELS = {
    "range": "[0, 1]: 8-bit levels divided by 255",
    "colour": "RGB as it is, or grey; all channels count alike",
    "window": "none: every pixel by itself",
    "padding": "none",
    "pooling": "mean over a frame's values, then over frames, then over clips",
    "identical frames": "0",
    "same as": "–",
}
_MSE = Family(
    "mse",
    better="lower",
    perfect=0,
    unit="",
    module="vgbench.metrics.pixel.errors",
    card=_PIXELS
    | {
        "formula": "mean of (x − y)²",
        "source": "the ordinary definition",
        "beware": "rewards blur and standing still: a frame that hedges between two outcomes beats either of them",
    },
)
_MAE = Family(
    "mae",
    better="lower",
    perfect=0,
    unit="",
    module="vgbench.metrics.pixel.errors",
    card=_PIXELS
    | {
        "formula": "mean of |x − y|",
        "source": "the ordinary definition",
        "beware": "rewards standing still; less than mse the blur between two outcomes",
    },
)
_RMSE = Family(
    "rmse",
    better="lower",
    perfect=0,
    unit="",
    module="vgbench.metrics.pixel.errors",
    card=_PIXELS
    | {
        "formula": "√ of the mean of (x − y)²",
        "source": "the ordinary definition",
        "beware": "the root of a mean is not the mean of roots: the place of the root is the difference between the variants",
    },
)
_PSNR = Family(
    "psnr",
    better="higher",
    perfect=100,
    unit="dB",
    module="vgbench.metrics.pixel.psnr",
    card=_PIXELS
    | {
        "formula": "10·log₁₀(1 / MSE), at most 100",
        "identical frames": "100; one level of one value in a 128×128 RGB frame gives 95.0",
        "source": "the ordinary definition; the ceiling is ours, since a mean over infinite values says nothing",
        "beware": "copying the last frame often beats published models; see it beside the baselines",
    },
)


_MOVING = {
    "module": "vgbench.metrics.pixel.moving",
    "window": f"the moving region: {RULE}",
    "source": f"the ordinary definition; {SOURCE}",
    "beware": BEWARE,
}


def error_specs() -> list[MetricSpec]:
    """All variants, the default of each name first."""
    return [*_mse(), *_mae(), *_rmse(), *_psnr()]


def _mse() -> list[MetricSpec]:
    return [
        _MSE.variant("mean", "Mean squared error of values in [0, 1].", same_as="torchmetrics MeanSquaredError on images in [0, 1]"),
        _MSE.variant(
            "sum",
            "Squared error summed over a frame's values.",
            formula="Σ (x − y)²",
            pooling="sum over a frame's values, then mean over frames, then over clips",
            same_as="OpenSTL, SimVP and the PredRNN family",
            beware="grows with the frame: 128×128 gives four times what 64×64 gives; compare only at one size",
        ),
        _MSE.variant(
            "255",
            "Mean squared error of 8-bit levels.",
            range="0 to 255",
            same_as="ffmpeg's psnr filter (mse_avg) on RGB video",
            beware="65,025 times mse@mean. On YUV files ffmpeg compares their planes and prints another number",
        ),
        _MSE.variant("moving", "Mean squared error where the real video moves.", **_MOVING),
    ]


def _mae() -> list[MetricSpec]:
    return [
        _MAE.variant("mean", "Mean absolute error of values in [0, 1].", same_as="torchmetrics MeanAbsoluteError on images in [0, 1]"),
        _MAE.variant(
            "sum",
            "Absolute error summed over a frame's values.",
            formula="Σ |x − y|",
            pooling="sum over a frame's values, then mean over frames, then over clips",
            same_as="OpenSTL, SimVP and the PredRNN family",
            beware="grows with the frame; compare only at one size",
        ),
        _MAE.variant("moving", "Mean absolute error where the real video moves.", **_MOVING),
    ]


def _rmse() -> list[MetricSpec]:
    return [
        _RMSE.variant("frame", "Each frame's root mean squared error, averaged.", pooling="root for each frame, then means"),
        _RMSE.variant(
            "pooled",
            "Root of the mean squared error over everything.",
            pooling="mean over frames and clips, then the root",
            same_as="torchmetrics MeanSquaredError(squared=False)",
        ),
        _RMSE.variant(
            "openstl",
            "Root of mse@sum.",
            formula="√ of the mean over frames of Σ (x − y)²",
            pooling="sum over a frame's values, mean over frames and clips, then the root",
            same_as="OpenSTL",
            beware="grows with the frame; compare only at one size",
        ),
        _RMSE.variant(
            "predbench",
            "Root of each frame's summed squared error, averaged.",
            formula="√ of Σ (x − y)²",
            pooling="sum over a frame's values, the root, then means",
            same_as="PredBench",
            beware="grows with the frame; compare only at one size",
        ),
        _RMSE.variant(
            "moving",
            "Each frame's root mean squared error where the real video moves, averaged.",
            pooling="root for each frame, then means",
            **_MOVING,
        ),
    ]


def _psnr() -> list[MetricSpec]:
    return [
        _PSNR.variant(
            "frame",
            "Each frame's PSNR, averaged.",
            pooling="dB for each frame, then mean over frames, then over clips",
            same_as="common_metrics_on_video_quality, and loops over scikit-image's peak_signal_noise_ratio with data_range=1",
        ),
        _PSNR.variant(
            "video",
            "PSNR of each clip's mean squared error, averaged.",
            pooling="MSE over a clip, then dB, then mean over clips",
            same_as="the average that ffmpeg's psnr filter prints for a file of RGB video (gbrp, rgb24)",
            beware="never above psnr@frame, but for the ceiling: one bad frame weighs more. "
            "On YUV files ffmpeg compares their planes and prints another number",
        ),
        _PSNR.variant(
            "dataset",
            "PSNR of the mean squared error over all clips.",
            pooling="MSE over everything, then dB",
            same_as="torchmetrics PeakSignalNoiseRatio(data_range=1), its default reduction",
            beware="the hardest clips rule it; never above psnr@video, but for the ceiling",
        ),
        _PSNR.variant(
            "uint8wrap",
            "A historical bug: differences and squares wrap around in uint8.",
            formula="10·log₁₀(255² / mean of ((x − y)² mod 256)), x and y being uint8(float32(v / 255)·255)",
            range="0 to 255, in uint8 arithmetic",
            same_as="E3D-LSTM, SimVP, and OpenSTL before 2023-06-08",
            beware="only to reproduce old tables: large differences vanish, so it is neither a lower nor an upper bound of PSNR",
        ),
        _PSNR.variant(
            "y-limited",
            "PSNR of luma between 16 and 235.",
            formula="10·log₁₀(255² / MSE of Y), Y = 16 + (65.481·R + 128.553·G + 24.966·B) with R, G, B in [0, 1]",
            range="luma 16 to 235, peak 255",
            colour="ITU-R BT.601 luma, limited range, not rounded; grey counts as three equal channels",
            same_as="BasicSR calculate_psnr(test_y_channel=True)",
            beware="some 1.3 dB above psnr@frame for grey errors by its range alone, and blind to colour",
        ),
        _PSNR.variant(
            "y-limited-crop4",
            "PSNR of luma between 16 and 235, without a border of 4 pixels.",
            formula="10·log₁₀(255² / MSE of Y), Y = 16 + (65.481·R + 128.553·G + 24.966·B) with R, G, B in [0, 1]",
            range="luma 16 to 235, peak 255",
            colour="ITU-R BT.601 luma, limited range, not rounded; grey counts as three equal channels",
            padding="none: 4 pixels at each edge do not count",
            same_as="BasicSR calculate_psnr(crop_border=4, test_y_channel=True), as tables of 4× super-resolution have it",
            beware="what happens at the border does not count; other scales crop other borders, so compare only at one",
        ),
        _PSNR.variant(
            "moving",
            "Each frame's PSNR where the real video moves, averaged.",
            identical_frames="100",
            pooling="dB for each frame, then mean over frames, then over clips",
            **_MOVING,
        ),
    ]
