"""Distortions do what they say, and an audit shows which metric sees which."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from vgbench.audit.audit import audit
from vgbench.audit.distortions import DISTORTIONS
from vgbench.errors import ConfigError, UnknownName

BY_NAME = {distortion.name: distortion for distortion in DISTORTIONS}
METRICS = ["psnr", "ssim", "motion-ratio", "drift-ratio", "flow-epe"]


def random_clip(seed: int, frames: int = 9, channels: int = 3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (frames, channels, 20, 17), dtype=np.uint8))


def distorted(name: str, clip: torch.Tensor, amount: float, seed: int = 0) -> torch.Tensor:
    return BY_NAME[name].apply(clip, amount, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("distortion", DISTORTIONS, ids=lambda distortion: distortion.name)
@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 99), frames=st.integers(1, 12), channels=st.sampled_from([1, 3]))
def test_a_distortion_keeps_shape_and_type_leaves_its_input_alone_and_depends_on_its_seed_only(distortion, seed, frames, channels):
    clip = random_clip(seed, frames, channels)
    before = clip.clone()
    for amount in distortion.grades:
        result = distorted(distortion.name, clip, amount, seed)
        assert (result.shape, result.dtype) == (clip.shape, torch.uint8)
        assert torch.equal(clip, before)
        assert torch.equal(result, distorted(distortion.name, clip, amount, seed))


@pytest.mark.parametrize("name", ["blur", "noise", "jpeg", "flicker", "shift", "brightness"])
def test_the_stronger_the_grade_the_larger_the_error(name):
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    picture = (127 + 60 * (rows / 3).sin() + 60 * (columns / 7).cos()).clamp(0, 255)
    clip = picture.round().to(torch.uint8).expand(4, 3, 40, 40).contiguous()
    errors = [float((distorted(name, clip, amount).double() - clip).square().mean()) for amount in BY_NAME[name].grades]
    assert errors == sorted(errors)
    assert errors[0] > 0


def test_distortions_in_time_by_hand():
    clip = torch.arange(6, dtype=torch.uint8).view(6, 1, 1, 1)

    def frames(name: str, amount: float) -> list[int]:
        return distorted(name, clip, amount).flatten().tolist()

    assert frames("freeze", 2) == [0, 0, 2, 2, 4, 4]
    assert frames("freeze", 0) == [0] * 6
    assert frames("reversal", 1) == [5, 4, 3, 2, 1, 0]
    assert frames("speed-up", 2) == [0, 2, 4, 4, 2, 0]
    assert sorted(frames("shuffle", 0)) == list(range(6))
    assert [sorted(frames("shuffle", 2)[i : i + 2]) for i in (0, 2, 4)] == [[0, 1], [2, 3], [4, 5]]
    assert distorted("flicker", clip + 100, 3).flatten().tolist() == [103, 98, 105, 100, 107, 102]
    assert distorted("shift", torch.tensor([[[[1, 2, 3]]]], dtype=torch.uint8), 1).flatten().tolist() == [1, 1, 2]


@pytest.mark.slow
def test_an_audit_finds_what_each_metric_is_blind_to(folder):
    found = audit(METRICS, clips=2)
    assert found.undistorted["psnr@frame"] == 100
    assert not found.sees("motion-ratio", "reversal")
    assert not found.sees("drift-ratio", "reversal")
    assert not found.sees("motion-ratio", "shift")
    for distortion in ("reversal", "shuffle"):
        assert found.sees("flow-epe", distortion)
    assert found.sees("motion-ratio", "shuffle")
    assert found.sees("psnr@frame", "freeze")
    frozen = found.of("motion-ratio", "freeze")
    assert frozen[-1].value == 0
    assert frozen[-1].share == 1
    noise = [response.value for response in found.of("psnr@frame", "noise")]
    assert noise == sorted(noise, reverse=True)


def test_the_command_prints_a_table_writes_a_plot_and_gives_every_grade(vgbench, tiny):
    ran = vgbench("audit", "psnr", "motion-ratio", "--clips", 2, "--protocol", tiny, "--out", "audit.png")
    assert ran.status == 0
    assert "reversal" in ran.out
    assert Path("audit.png").read_bytes().startswith(b"\x89PNG")
    answer = vgbench("audit", "psnr,motion-ratio", "--clips", 2, "--protocol", tiny, "--json").json()
    assert len(answer["responses"]) == 2 * sum(len(distortion.grades) for distortion in DISTORTIONS)
    assert {row["sees"] for row in answer["responses"] if (row["metric"], row["distortion"]) == ("motion-ratio", "reversal")} == {False}
    assert vgbench("audit", "psnr", "--clips", 2, "--protocol", tiny, "--out", "audit.md").status == 0
    assert "| reversal |" in Path("audit.md").read_text()


def test_a_metric_that_cannot_take_the_clips_has_no_column_and_says_why(vgbench, tiny):
    ran = vgbench("audit", "psnr", "ms-ssim", "--clips", 2, "--protocol", tiny, "--json")
    assert ran.status == 1
    assert "ms-ssim has no column" in ran.err
    assert list(json.loads(ran.out)["undistorted"]) == ["psnr@frame"]
    assert vgbench("audit", "ms-ssim", "--clips", 2, "--protocol", tiny).status == 1


def test_what_is_asked_wrongly_is_refused(vgbench, folder):
    with pytest.raises(ConfigError, match="An audit takes at least 2 clips, not 1"):
        audit(["psnr"], clips=1)
    with pytest.raises(UnknownName, match="Unknown metric 'psnrr'"):
        audit(["psnrr"])
    assert vgbench("audit", "psnr", "--clips", 2, "--out", "audit.gif").status == 1
    assert vgbench("audit", "psnr", "--dataset", "sky-timelapse", "--protocol", "synthetic-sky-64x16").status == 2
    assert "Unknown data set 'skyy'" in vgbench("audit", "psnr", "--dataset", "skyy").err
