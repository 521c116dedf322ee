"""Writing: exact round trips, previews that look right, and no half files."""

from __future__ import annotations

import os
import resource
import threading

import av
import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from vgbench.errors import ConfigError, VideoError
from vgbench.video.decode import probe_video, read_video
from vgbench.video.encode import strip, write_lossless, write_preview


@given(
    frames=st.integers(1, 5),
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_lossless_gives_the_same_bits_back_at_any_size(tmp_path_factory, frames, height, width, channels, seed):
    video = np.random.default_rng(seed).integers(0, 256, (frames, channels, height, width), dtype=np.uint8)
    path = tmp_path_factory.getbasetemp() / "trip.mkv"
    write_lossless(path, torch.from_numpy(video), 25)
    assert torch.equal(read_video(path), torch.from_numpy(video))
    assert probe_video(path) == (frames, 25.0, height, width, channels)


def test_lossless_takes_views_and_long_videos(tmp_path, noise):
    video = noise(300, 9, 20)[:, :, :, ::2].flip(2)
    write_lossless(tmp_path / "a.mkv", video, 25)
    assert torch.equal(read_video(tmp_path / "a.mkv"), video)


@pytest.mark.parametrize("fps", [1, 7.5, 24, 29.97, 30000 / 1001, 120, 1000, 0.5])
@pytest.mark.parametrize("write", [write_lossless, write_preview])
def test_the_rate_survives(tmp_path, noise, write, fps):
    write(tmp_path / "a", noise(5, 16, 16), fps)
    info = probe_video(tmp_path / "a")
    assert info.frames == 5
    assert info.fps == pytest.approx(fps, rel=1e-4)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), 1001])
def test_a_senseless_rate_is_refused(tmp_path, noise, fps):
    with pytest.raises(ConfigError, match=rf"fps = {fps}: the frames per second must be over 0 and up to 1000"):
        write_lossless(tmp_path / "a.mkv", noise(1, 8, 8), fps)


@pytest.mark.parametrize(("height", "width", "channels"), [(64, 64, 3), (63, 65, 3), (33, 48, 1), (1, 1, 3)])
def test_a_preview_is_playable_everywhere_and_nearly_the_video(tmp_path, moving_stripes, height, width, channels):
    video = moving_stripes(9, height, width, channels)
    path = tmp_path / "a.mp4"
    write_preview(path, video, 25)
    even = height + height % 2, width + width % 2
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert probe_video(path) == (9, 25.0, *even, 3)
    seen = read_video(path)[:, :, :height, :width]
    assert (seen.float().mean(1) - video.float().mean(1)).abs().mean() < 3  # chroma is halved; brightness is not


def test_a_preview_keeps_its_colours(tmp_path):
    colours = torch.tensor([[200, 20, 20], [20, 200, 20], [20, 20, 200], [128, 128, 128]], dtype=torch.uint8)
    video = colours[:, :, None, None].expand(4, 3, 32, 32)
    write_preview(tmp_path / "a.mp4", video, 5)
    assert (read_video(tmp_path / "a.mp4").float() - video.float()).abs().max() < 6


@pytest.mark.parametrize(
    "video",
    [
        torch.zeros(2, 3, 4, 4),
        torch.zeros(2, 4, 4, 3, dtype=torch.uint8),
        torch.zeros(0, 3, 4, 4, dtype=torch.uint8),
        torch.zeros(3, 4, 4, dtype=torch.uint8),
    ],
)
def test_what_is_no_video_is_not_written(tmp_path, video):
    with pytest.raises(VideoError, match=r"a video is uint8 \(T, C, H, W\) with C = 1 or 3 and at least one frame, not torch\."):
        write_lossless(tmp_path / "a.mkv", video, 25)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("write", [write_lossless, write_preview])
def test_a_full_disk_leaves_nothing_behind(tmp_path, noise, write):
    path = tmp_path / "a.mkv"
    path.write_text("what was there before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(VideoError, match=r"a.mkv \([\d,]+ bytes\) cannot be written: File too large.*free space"):
            write(path, noise(10, 64, 64), 25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.mkv"]
    assert path.read_text() == "what was there before"


def test_a_folder_that_is_missing_or_no_folder_is_named(tmp_path, noise):
    (tmp_path / "file").touch()
    (tmp_path / "taken.mkv").mkdir()
    for name, why in [("missing/a.mkv", "No such file"), ("file/a.mkv", "Not a directory"), ("taken.mkv", "Is a directory")]:
        with pytest.raises(VideoError, match=rf"{name} .*cannot be written: {why}"):
            write_lossless(tmp_path / name, noise(1, 8, 8), 25)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "taken.mkv"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(tmp_path, noise):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(VideoError, match=r"a.mkv .*cannot be written: Permission denied"):
            write_lossless(tmp_path / "a.mkv", noise(1, 8, 8), 25)
    finally:
        tmp_path.chmod(0o700)


def test_a_reader_never_sees_half_a_file(tmp_path, noise):
    path = tmp_path / "a.mkv"
    videos = [noise(3, 32, 32, seed=seed) for seed in range(2)]
    write_lossless(path, videos[0], 25)
    done = threading.Event()
    seen = []

    def read():
        while not done.is_set():
            seen.append(read_video(path))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(30):
        write_lossless(path, videos[turn % 2], 25)
    done.set()
    reader.join()
    assert seen
    assert all(any(torch.equal(video, known) for known in videos) for video in seen)


def test_encoding_leaves_standard_error_alone(tmp_path, noise, capfd):
    write_preview(tmp_path / "a.mp4", noise(3, 32, 32), 25)
    assert capfd.readouterr() == ("", "")


def test_a_strip_places_videos_left_to_right(noise):
    first, second, third = noise(3, 4, 5), noise(2, 6, 7, seed=1), noise(3, 4, 5, 1, seed=2)
    strip_tchw = strip([first, second, third], gap=2, gap_value=9)
    assert strip_tchw.shape == (3, 3, 6, 5 + 2 + 7 + 2 + 5)
    assert torch.equal(strip_tchw[:, :, :4, :5], first)
    assert (strip_tchw[:, :, 4:, :5] == 9).all()
    assert (strip_tchw[..., 5:7] == 9).all()
    assert torch.equal(strip_tchw[:2, :, :, 7:14], second)
    assert torch.equal(strip_tchw[2, :, :, 7:14], second[1])
    assert torch.equal(strip_tchw[:, :, :4, 16:], third.expand(-1, 3, -1, -1))


def test_a_strip_of_grey_videos_is_grey_and_of_none_refused(noise):
    assert strip([noise(2, 4, 4, 1)] * 2).shape == (2, 1, 4, 10)
    with pytest.raises(VideoError, match="at least one video"):
        strip([])
    with pytest.raises(VideoError, match=r"video 1 of the strip: .*float32"):
        strip([noise(2, 4, 4), torch.zeros(2, 3, 4, 4)])
