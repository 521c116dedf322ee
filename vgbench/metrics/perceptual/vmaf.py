"""VMAF, computed by an ffmpeg that was built with libvmaf."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vgbench.errors import MetricError
from vgbench.interfaces import PairedMetric
from vgbench.metrics.pairs import check_pair, check_size

MODEL = "vmaf_v0.6.1"
LEAST_SIZE = 32
"""Pixels of height and width that leave something at the coarsest of libvmaf's scales."""
_SECONDS = 600
"""After which an ffmpeg that hangs is stopped."""
_TO_YUV = "scale=flags=bicubic+accurate_rnd+full_chroma_int,format=yuv420p"


def vmaf(clips: Tensor, references: Tensor, *, metric: str = "vmaf") -> Tensor:
    """VMAF of each frame, from 0 to 100.

    clips, references: uint8 (B, T, C, H, W), sides of at least 32 pixels; grey counts as three equal channels.
    Returns (B, T) float64.

    MetricError: no ffmpeg with libvmaf was found, it failed, the frames are too small, or the two tensors do not fit.
    """
    check_pair(clips, references, metric=metric)
    check_size(clips, LEAST_SIZE, metric=metric)
    program = find_ffmpeg()
    scores = [_of_clip(program, *pair) for pair in zip(clips.cpu(), references.cpu(), strict=True)]
    return torch.tensor(scores, dtype=torch.float64, device=clips.device)


@cache
def find_ffmpeg() -> str:
    """The ffmpeg to use: $VGBENCH_FFMPEG, else the one on the path, else imageio-ffmpeg's, the first that has libvmaf.

    MetricError: there is none; the message says how to get one.
    """
    own = os.environ.get("VGBENCH_FFMPEG")
    candidates = [own] if own else [shutil.which("ffmpeg"), _of_imageio()]
    for candidate in filter(None, candidates):
        if _has_vmaf(candidate):
            return candidate
    found = f"$VGBENCH_FFMPEG, {own}, has none" if own else "none was found on the path or in imageio-ffmpeg"
    raise MetricError(f"vmaf needs an ffmpeg with libvmaf, and {found}. Get one with: pip install imageio-ffmpeg")


def _of_imageio() -> str | None:
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return None


def _has_vmaf(program: str) -> bool:
    try:
        listed = subprocess.run([program, "-hide_banner", "-filters"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return " libvmaf " in listed.stdout


@cache
def _version(program: str) -> str:
    """What an ffmpeg says it is and was built with."""
    try:
        return subprocess.run([program, "-version"], capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MetricError(f"vmaf: {program} cannot be asked for its version: {error}.") from error


def _of_clip(program: str, clip: Tensor, reference: Tensor) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="vgbench-vmaf-") as folder:
        sides = [(Path(folder) / "clip.rgb", clip), (Path(folder) / "reference.rgb", reference)]
        try:
            for path, frames in sides:
                path.write_bytes(frames.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().numpy().tobytes())
        except OSError as error:
            raise MetricError(f"vmaf cannot write its frames to {folder}: {error.strerror or error}.") from error
        _run(program, folder, width=clip.shape[3], height=clip.shape[2])
        return _scores(Path(folder) / "log.json", len(clip))


def _run(program: str, folder: str, *, width: int, height: int) -> None:
    """The clip is the first input, its reference the second; one thread, which gives the same bits as many."""
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}", "-framerate", "25"]
    measure = f"libvmaf=model=version={MODEL}:log_fmt=json:log_path=log.json:n_threads=1"
    graph = f"[0:v]{_TO_YUV}[clip];[1:v]{_TO_YUV}[reference];[clip][reference]{measure}"
    command = [program, "-hide_banner", "-nostdin", "-v", "error", *given, "-i", "clip.rgb", *given, "-i", "reference.rgb"]
    try:
        done = subprocess.run(
            [*command, "-lavfi", graph, "-f", "null", "-"], cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise MetricError(f"vmaf: {program} did not end within {_SECONDS} seconds.") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MetricError(f"vmaf: {program} ended with status {done.returncode}: {last}")


def _scores(log: Path, frames: int) -> list[float]:
    try:
        record: dict[str, Any] = json.loads(log.read_text(encoding="utf-8"))
        scores = [float(frame["metrics"]["vmaf"]) for frame in record["frames"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MetricError(f"vmaf: ffmpeg left no log that can be read: {error}.") from error
    if len(scores) != frames:
        raise MetricError(f"vmaf: ffmpeg scored {len(scores)} of {frames} frames.")
    return scores


class Vmaf(PairedMetric):
    """vmaf: model vmaf_v0.6.1; it looks at neighbouring frames, so the whole clip goes in at once."""

    def prepare(self) -> None:
        find_ffmpeg()

    def relies_on(self) -> str:
        return _version(find_ffmpeg())

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        return vmaf(clips, references, metric=self.metric_id)
