"""Small real videos for the tests of vgbench.video."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch import Tensor


def _moving_stripes(frames: int, height: int, width: int, channels: int = 3) -> Tensor:
    """uint8 (T, C, H, W): smooth enough for lossy codecs, every frame different."""
    t, y, x = np.meshgrid(np.arange(frames), np.arange(height), np.arange(width), indexing="ij")
    planes = [128 + 100 * np.sin((x + 2 * t) / 9 + phase) * np.cos(y / 11 + phase) for phase in range(channels)]
    return torch.from_numpy(np.stack(planes, axis=1).round().astype(np.uint8))


def _noise(frames: int, height: int, width: int, channels: int = 3, seed: int = 0) -> Tensor:
    """uint8 (T, C, H, W) of random bits."""
    shape = (frames, channels, height, width)
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


@pytest.fixture(scope="session")
def moving_stripes() -> Callable[..., Tensor]:
    return _moving_stripes


@pytest.fixture(scope="session")
def noise() -> Callable[..., Tensor]:
    return _noise


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """A writer by PyAV alone, for files that vgbench itself would not write."""

    def write(
        name: str,
        video: Tensor,
        codec: str = "libx264",
        pixel_format: str = "yuv420p",
        *,
        options: dict[str, str] | None = None,
        container_options: dict[str, str] | None = None,
        source_format: str | None = None,
        fps: int = 25,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", options=container_options or {}) as container:
            stream = container.add_stream(codec, rate=Fraction(fps), options=options or {})
            stream.height, stream.width = video.shape[-2:]
            stream.pix_fmt = pixel_format
            for number, image in enumerate(video):
                pixels = image.permute(1, 2, 0).contiguous().numpy()
                frame = av.VideoFrame.from_ndarray(
                    pixels if image.shape[0] > 1 else pixels[..., 0],
                    format=source_format or {1: "gray", 3: "rgb24", 4: "rgba"}[image.shape[0]],
                )
                frame.pts, frame.time_base = number, Fraction(1, fps)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write
