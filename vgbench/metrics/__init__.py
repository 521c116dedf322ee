"""Metrics, a folder for each family: clips go in, numbers come out; a card beside each id says what it means.

The plain functions below are public; see `vgbench.metrics.functions`. They are imported on first use, so that listing metrics is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = [
    "drift_ratio",
    "flow_epe",
    "gram_motion",
    "lpips",
    "mae",
    "motion_ratio",
    "ms_ssim",
    "mse",
    "psnr",
    "rmse",
    "ssim",
    "vmaf",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'vgbench.metrics' has no attribute '{name}'")
    return getattr(import_module("vgbench.metrics.functions"), name)


if TYPE_CHECKING:
    from vgbench.metrics.functions import (
        drift_ratio as drift_ratio,
        flow_epe as flow_epe,
        gram_motion as gram_motion,
        lpips as lpips,
        mae as mae,
        motion_ratio as motion_ratio,
        ms_ssim as ms_ssim,
        mse as mse,
        psnr as psnr,
        rmse as rmse,
        ssim as ssim,
        vmaf as vmaf,
    )
