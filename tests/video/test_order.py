"""The order of names that hold numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from PIL import Image

from vgbench.video.folder import open_clips
from vgbench.video.order import in_order, natural_key
from vgbench.video.pictures import list_pictures, read_pictures


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False)),
    st.sampled_from(["{:g}", "{!r}", "{:.3f}", "{:+.2e}"]),
    st.sampled_from(["{}", "frame_{}", "t={}s", "clip 2 at {}.left"]),
)
def test_printed_numbers_come_in_their_order(values, printed, pattern):
    texts = {float(text): text for text in (printed.format(value) for value in [*values, 1.5])}  # one name at least without a minus
    assert in_order(pattern.format(text) for text in texts.values()) == [pattern.format(texts[value]) for value in sorted(texts)]


@pytest.mark.parametrize(
    "names",
    [
        [f"{number * 0.04:g}" for number in range(30)],
        [str(number) for number in range(-6, 6)],
        ["-12", "-6", "-1"],
        ["1e-05", "2.5e-05", "0.0001", "0.01", "1", "1e+16"],
        ["0.04s", "0.1s", "0.12s", "1s", "10s"],
        ["take-1", "take-2", "take-10"],
        ["x_-2", "x_-1", "x_0", "x_10"],
        ["1.1", "1.2", "1.9", "1.10", "1.11"],
        ["take1.2", "take1.9", "take1.10", "take2.1"],
        ["clip.1", "clip.2", "clip.10"],
        ["2024-01-30", "2024-02-01", "2024-10-01"],
        ["s1e1", "s1e2", "s1e10", "s2e1"],
        ["0.125", "0.25", "0.5", "1.0", "10.0"],
        ["a", "b-2", "b-10", "c0.5"],
        ["1.2.3", "1.2.10", "1.10.1"],
        ["5", "10", "a"],
    ],
)
def test_the_order_is_the_one_that_the_names_mean(names):
    assert in_order(reversed(names)) == names
    assert in_order(sorted(names)) == names


def test_two_names_of_one_number_are_ordered_by_digits():
    assert in_order(["2", "01", "1", "10"]) == sorted(["2", "01", "1", "10"], key=natural_key) == ["01", "1", "2", "10"]


@given(st.lists(st.text("0123456789.-+eE_x", max_size=6), unique=True), st.randoms())
def test_the_order_does_not_depend_on_how_the_names_arrive(names, random):
    assert in_order(random.sample(names, len(names))) == in_order(names)


@pytest.mark.parametrize("label", [lambda number: f"{number * 0.04:g}", lambda number: str(number - 6), lambda number: f"t{number / 8:g}s"])
def test_frames_named_by_their_time_are_read_in_time(tmp_path, label):
    video = np.random.default_rng(0).integers(0, 256, (16, 4, 5, 3), dtype=np.uint8)
    for number, image in enumerate(video):
        Image.fromarray(image).save(tmp_path / f"{label(number)}.png")
    assert [path.stem for path in list_pictures(tmp_path)] == [label(number) for number in range(16)]
    assert torch.equal(read_pictures(tmp_path), torch.from_numpy(video).permute(0, 3, 1, 2))


def test_clips_are_ordered_by_their_numbers_folder_by_folder(tmp_path):
    names = ["a/-1", "a/2", "a/10", "b", "c 2/0.08", "c 2/0.1", "c 10/1"]
    for name in names:
        (tmp_path / f"{name}.mp4").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.mp4").touch()
    assert [clip.name for clip in open_clips(tmp_path).clips] == names
