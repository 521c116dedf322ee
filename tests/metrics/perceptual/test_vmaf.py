"""VMAF through an ffmpeg: found where there is one, clear where there is none."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
import torch

from vgbench.errors import MetricError
from vgbench.metrics.perceptual.vmaf import Vmaf, find_ffmpeg, vmaf


def has_ffmpeg() -> bool:
    try:
        find_ffmpeg()
    except MetricError:
        return False
    return True


WITH_FFMPEG = pytest.mark.skipif(not has_ffmpeg(), reason="no ffmpeg with libvmaf: pip install imageio-ffmpeg")


@pytest.fixture(autouse=True)
def forget_ffmpeg():
    find_ffmpeg.cache_clear()
    yield
    find_ffmpeg.cache_clear()


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def picture(frames: int = 4, size: int = 64) -> torch.Tensor:
    rows, columns, time = torch.meshgrid(torch.arange(size), torch.arange(size), torch.arange(frames), indexing="ij")
    clip = 127 + 60 * ((rows + 2 * time) / 5).sin() + 60 * (columns / 9).cos()
    return clip.permute(2, 0, 1).round().clamp(0, 255).to(torch.uint8)[None, :, None].expand(1, -1, 3, -1, -1)


@WITH_FFMPEG
def test_equal_clips_score_high_noise_lower_and_grey_as_colour():
    clip = picture()
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=clip.shape))
    values = [vmaf((clip + level * noise).clamp(0, 255).to(torch.uint8), clip).mean().item() for level in (0, 8, 40)]
    assert values[0] > 90
    assert values == sorted(values, reverse=True)
    assert torch.equal(vmaf(clip[:, :, :1], clip[:, :, :1]), vmaf(clip, clip))
    both = vmaf(torch.cat([clip, clip.flip(1)]), torch.cat([clip, clip]))
    assert torch.equal(both[1:], vmaf(clip.flip(1), clip))


@WITH_FFMPEG
def test_the_least_size_has_a_value_and_less_is_refused():
    assert torch.isfinite(vmaf(picture(size=32), picture(size=32))).all()
    with pytest.raises(MetricError, match="vmaf needs frames of at least 32×32 pixels; these are 31×31"):
        vmaf(picture(size=31), picture(size=31))


def test_without_an_ffmpeg_that_has_libvmaf_the_error_says_how_to_get_one(tmp_path, monkeypatch):
    plain = program(tmp_path / "ffmpeg", 'echo " ... scale   V->V"')
    monkeypatch.setenv("VGBENCH_FFMPEG", str(plain))
    with pytest.raises(MetricError, match=r"VGBENCH_FFMPEG, .*ffmpeg, has none. Get one with: pip install imageio-ffmpeg"):
        Vmaf().prepare()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('echo "out of memory" >&2; exit 3', "ended with status 3: out of memory"),
        ("exit 0", "left no log that can be read"),
        ("echo '{\"frames\": []}' > log.json", "scored 0 of 4 frames"),
        ("echo '{' > log.json", "left no log that can be read"),
    ],
)
def test_an_ffmpeg_that_fails_is_quoted_and_leaves_nothing(tmp_path, monkeypatch, script, message):
    broken = program(tmp_path / "ffmpeg", f'case "$*" in *-filters*) echo " .. libvmaf  VV->V";; *) {script};; esac')
    monkeypatch.setenv("VGBENCH_FFMPEG", str(broken))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    with pytest.raises(MetricError, match=message):
        vmaf(picture(), picture())
    assert list((tmp_path / "scratch").iterdir()) == []
