"""GIF animations: composited frames, rate from their delays, and damage."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from vgbench.errors import VideoError
from vgbench.video.decode import probe_video, read_video


def _flat(frames, height=6, width=9):
    """uint8 (T, H, W, 3) of few colours, so that a palette holds them exactly."""
    video = np.zeros((frames, height, width, 3), np.uint8)
    for number in range(frames):
        video[number, :, number % width] = (250, 10 * number, 30)
    return video


def _save(path, video, **options):
    images = [Image.fromarray(image) for image in video]
    images[0].save(path, save_all=True, append_images=images[1:], **options)
    return path


def test_a_gif_gives_its_exact_pixels_composited(tmp_path):
    video = _flat(7)
    path = _save(tmp_path / "a.gif", video, duration=40)
    assert probe_video(path) == (7, 25.0, 6, 9, 3)
    expected = torch.from_numpy(video).permute(0, 3, 1, 2)
    assert torch.equal(read_video(path), expected)
    assert torch.equal(read_video(path, 2, 3), expected[2:5])


def test_the_rate_of_uneven_delays_is_their_mean_and_of_none_unknown(tmp_path):
    assert probe_video(_save(tmp_path / "a.gif", _flat(3), duration=[100, 100, 400])).fps == pytest.approx(5)
    assert probe_video(_save(tmp_path / "b.gif", _flat(3), duration=0)).fps is None


def test_a_gif_is_rgb_even_where_all_its_colours_are_grey(tmp_path):
    path = _save(tmp_path / "a.gif", np.arange(60, dtype=np.uint8).reshape(2, 5, 6))
    assert probe_video(path).channels == 3
    assert read_video(path).shape == (2, 3, 5, 6)


def test_a_gif_is_known_by_its_content(tmp_path):
    path = _save(tmp_path / "a.gif", _flat(4), duration=40).rename(tmp_path / "a.mp4")
    assert read_video(path).shape == (4, 3, 6, 9)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.8, 0.99])
def test_a_cut_gif_is_refused(tmp_path, share):
    path = _save(tmp_path / "a.gif", _flat(8), duration=40)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    for read in (probe_video, read_video):
        with pytest.raises(VideoError, match=r"a.gif: decoded [0-8] frames, then the GIF ends without its trailer"):
            read(path)


def test_a_damaged_frame_is_refused(tmp_path):
    path = _save(tmp_path / "a.gif", _flat(3, 40, 40), duration=40)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x2c\0\0\0\0")
    start = at + 10 + (3 << (data[at + 9] % 8 + 1) if data[at + 9] & 0x80 else 0) + 2
    data[start : start + 12] = b"\xff" * 12
    path.write_bytes(bytes(data))
    with pytest.raises(VideoError, match=r"a.gif"):
        read_video(path)


def test_a_gif_with_holes_is_refused(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 255, 255, 255])
    image.putpixel((0, 0), 0)
    path = tmp_path / "a.gif"
    image.save(path, transparency=0)
    with pytest.raises(VideoError, match=r"frame 0 of .*a.gif is transparent in 1 of its 16 pixels"):
        read_video(path)


def test_a_range_outside_a_gif_is_refused(tmp_path):
    with pytest.raises(VideoError, match="frames 2 to frame 4 were asked for, but the video has 4"):
        read_video(_save(tmp_path / "a.gif", _flat(4)), 2, 3)
