"""What the metrics of the core mean; light, so that listing them loads nothing."""

from __future__ import annotations

from vgbench.metrics.motion.cards import gram_specs, motion_specs
from vgbench.metrics.natural.cards import natural_specs
from vgbench.metrics.perceptual.cards import lpips_specs, vmaf_specs
from vgbench.metrics.pixel.cards import error_specs
from vgbench.metrics.sets.cards import set_specs
from vgbench.metrics.similarity.cards import ms_ssim_specs, ssim_specs
from vgbench.specs import MetricSpec

BUNDLES: dict[str, tuple[str, ...]] = {
    "openstl": ("mse@sum", "mae@sum", "rmse@openstl", "psnr@frame", "ssim@openstl"),
    "common-metrics": ("psnr@frame", "ssim@wang"),
    "torchmetrics": ("mse@mean", "mae@mean", "rmse@pooled", "psnr@dataset", "ssim@torchmetrics"),
    "skimage": ("mse@mean", "psnr@frame", "ssim@skimage"),
    "ffmpeg": ("mse@255", "psnr@video"),
}
"""Peer → the metrics that its own code reports; tables of OpenSTL from before 2023-06-08 have psnr@uint8wrap instead."""

PEER_NOTES = {
    "ffmpeg": "--as ffmpeg compares RGB pixels, which is what ffmpeg's psnr filter does on RGB video; on YUV files, which most mp4 and avi "
    "files are, ffmpeg compares the stored planes and prints another number.",
}
"""Peer → what to know of its numbers, said whenever they are asked for."""

FILE_NOTES = {
    "vmaf": "vmaf reads frames as RGB and converts them to yuv420p; of YUV files, which most mp4 and avi files are, ffmpeg's own filter "
    "compares the stored planes and prints another number.",
}
"""Metric → what to know of its numbers for given files."""


def metric_specs() -> list[MetricSpec]:
    """Every variant; the first of a name is what the bare name means."""
    paired = [*error_specs(), *ssim_specs(), *ms_ssim_specs(), *lpips_specs(), *vmaf_specs(), *motion_specs(), *gram_specs()]
    return [*paired, *natural_specs(), *set_specs()]
