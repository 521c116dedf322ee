"""Animations, GIF, APNG and WebP: composited frames, rate from their delays, what counts as one, and damage."""

from __future__ import annotations

import tracemalloc
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from vgbench.errors import DataError, VideoError
from vgbench.video.decode import probe_video, read_video, stream_video
from vgbench.video.folder import open_clips

SUFFIXES = pytest.mark.parametrize("suffix", ["gif", "apng", "png", "webp"])


def _flat(frames, height=6, width=9):
    """uint8 (T, H, W, 3) of few colours, so that a palette holds them exactly."""
    video = np.zeros((frames, height, width, 3), np.uint8)
    for number in range(frames):
        video[number, :, number % width] = (250, 10 * number, 30)
    return video


def _save(path, video, **options):
    images = [Image.fromarray(image) for image in video]
    kind = {".apng": "PNG"}.get(path.suffix)
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    images[0].save(path, format=kind, save_all=True, append_images=images[1:], **lossless, **options)
    return path


@SUFFIXES
def test_an_animation_gives_its_exact_pixels_composited(tmp_path, suffix):
    video = _flat(7)
    path = _save(tmp_path / f"a.{suffix}", video, duration=40)
    assert probe_video(path) == (7, pytest.approx(25.0), 6, 9, 3)
    expected = torch.from_numpy(video).permute(0, 3, 1, 2)
    assert torch.equal(read_video(path), expected)
    assert torch.equal(read_video(path, 2, 3), expected[2:5])
    assert torch.equal(torch.cat(list(stream_video(path, 3))), expected)


@SUFFIXES
def test_the_rate_of_uneven_delays_is_their_mean_and_of_none_unknown(tmp_path, suffix):
    assert probe_video(_save(tmp_path / f"a.{suffix}", _flat(3), duration=[100, 100, 400])).fps == pytest.approx(5)
    assert probe_video(_save(tmp_path / f"b.{suffix}", _flat(3), duration=0)).fps is None


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_animated_pictures_are_clips_and_still_ones_frames(tmp_path, suffix):
    moving, still = tmp_path / "moving", tmp_path / "still"
    moving.mkdir()
    still.mkdir()
    for number in range(3):
        _save(moving / f"{number}.{suffix}", _flat(4))
        Image.fromarray(_flat(3)[number]).save(still / f"{number}.{suffix}")
    assert [clip.info().frames for clip in open_clips(moving).clips] == [4, 4, 4]
    assert open_clips(moving / f"1.{suffix}").clips[0].info().frames == 4
    assert [clip.info().frames for clip in open_clips(still).clips] == [3]


def test_a_still_picture_beside_animated_ones_is_a_poster(tmp_path):
    _save(tmp_path / "0.webp", _flat(4))
    _save(tmp_path / "10.webp", _flat(5))
    Image.fromarray(_flat(3)[0]).save(tmp_path / "2.webp")
    Image.fromarray(_flat(3)[0]).save(tmp_path / "0.jpg")
    assert [(clip.name, clip.info().frames) for clip in open_clips(tmp_path).clips] == [("0", 4), ("10", 5)]


def test_an_animated_picture_among_frames_is_refused_by_name(tmp_path):
    Image.fromarray(_flat(3)[0]).save(tmp_path / "0.png")
    _save(tmp_path / "1.png", _flat(4))
    (clip,) = open_clips(tmp_path).clips
    with pytest.raises(DataError, match=r"1.png holds 4 pictures. A frame is one picture"):
        clip.read()


def test_a_still_picture_alone_is_no_clip(tmp_path):
    Image.fromarray(_flat(3)[0]).save(tmp_path / "0.png")
    with pytest.raises(DataError, match=r"0.png is neither a folder of clips nor, by its suffix, a video"):
        open_clips(tmp_path / "0.png")


def test_a_grey_apng_has_one_channel(tmp_path):
    video = np.arange(90, dtype=np.uint8).reshape(3, 5, 6)
    path = _save(tmp_path / "a.png", video)
    assert probe_video(path).channels == 1
    assert torch.equal(read_video(path), torch.from_numpy(video)[:, None])


def test_the_poster_of_an_apng_is_no_frame(tmp_path):
    video = _flat(4)
    poster = Image.new("RGB", (9, 6), (1, 2, 3))
    frames = [Image.fromarray(image) for image in video]
    poster.save(tmp_path / "a.png", save_all=True, default_image=True, append_images=frames, duration=100)
    assert probe_video(tmp_path / "a.png")[:2] == (4, pytest.approx(10))
    assert torch.equal(read_video(tmp_path / "a.png"), torch.from_numpy(video).permute(0, 3, 1, 2))


def _with_chunk(data, name, change):
    """A PNG with the content of its first chunk of that name changed, the checksum made right again."""
    at = data.index(name)
    length = int.from_bytes(data[at - 4 : at], "big")
    content = change(data[at + 4 : at + 4 + length])
    return data[: at + 4] + content + zlib.crc32(name + content).to_bytes(4, "big") + data[at + 8 + length :]


def test_an_apng_of_16_bits_is_refused(tmp_path):
    path = _save(tmp_path / "a.png", _flat(3))
    path.write_bytes(_with_chunk(path.read_bytes(), b"IHDR", lambda content: content[:8] + b"\x10" + content[9:]))
    with pytest.raises(VideoError, match=r"a.png has 16 bits a channel; vgbench compares 8"):
        probe_video(path)


def test_an_apng_with_fewer_frames_than_it_declares_is_refused(tmp_path):
    path = _save(tmp_path / "a.png", _flat(3))
    path.write_bytes(_with_chunk(path.read_bytes(), b"acTL", lambda content: b"\0\0\0\x05" + content[4:]))
    with pytest.raises(VideoError, match=r"a.png: found 3 frames, but the PNG declares 5 frames"):
        probe_video(path)


def test_a_gif_is_rgb_even_where_all_its_colours_are_grey(tmp_path):
    path = _save(tmp_path / "a.gif", np.arange(60, dtype=np.uint8).reshape(2, 5, 6))
    assert probe_video(path).channels == 3
    assert read_video(path).shape == (2, 3, 5, 6)


def test_a_gif_is_known_by_its_content(tmp_path):
    path = _save(tmp_path / "a.gif", _flat(4), duration=40).rename(tmp_path / "a.mp4")
    assert read_video(path).shape == (4, 3, 6, 9)


@SUFFIXES
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8, 0.99])
def test_a_cut_animation_is_refused(tmp_path, share, suffix):
    path = _save(tmp_path / f"a.{suffix}", _flat(8), duration=40)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    for read in (probe_video, read_video):
        with pytest.raises(VideoError, match=rf"a.{suffix}: found [0-8] frames, but the (GIF|PNG|WebP) ends"):
            read(path)


def test_an_apng_with_a_chunk_of_four_gigabytes_is_refused(tmp_path):
    path = _save(tmp_path / "a.png", _flat(3))
    data = path.read_bytes()
    path.write_bytes(data[:-12] + b"\xff\xff\xff\xff" + data[-8:])
    tracemalloc.start()
    with pytest.raises(VideoError, match=r"a.png: found 3 frames, but the PNG ends without its last chunk"):
        probe_video(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()


def test_a_webp_that_declares_four_gigabytes_is_refused_at_once(tmp_path):
    path = _save(tmp_path / "a.webp", _flat(3))
    data = path.read_bytes()
    path.write_bytes(data[:4] + b"\xfe\xff\xff\xff" + data[8:])
    with pytest.raises(VideoError, match=r"a.webp: found 3 frames, but the WebP ends before the length that it declares"):
        probe_video(path)


def test_one_wrong_bit_in_an_apng_is_found(tmp_path):
    path = _save(tmp_path / "a.png", _flat(3))
    data = bytearray(path.read_bytes())
    data[data.index(b"fdAT") + 20] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(VideoError, match=r"a chunk's checksum is wrong"):
        read_video(path)


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
