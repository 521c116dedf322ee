"""Reading video files: length, size, colour, ranges, and what is refused."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from vgbench.errors import VideoError
from vgbench.video.decode import probe_video, read_video
from vgbench.video.encode import write_lossless

CODECS = [
    ("clip.mp4", "libx264", "yuv420p", {}),
    ("clip.mkv", "libx264", "yuv420p", {}),
    ("clip.webm", "libvpx", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "10"}),
    ("clip.avi", "mjpeg", "yuvj420p", {}),
    ("clip.mpg", "mpeg2video", "yuv420p", {}),
    ("clip.ts", "libx264", "yuv420p", {}),
    ("clip.mov", "mpeg4", "yuv420p", {}),
]


def _mean_error(first: torch.Tensor, second: torch.Tensor) -> float:
    return (first.float() - second.float()).abs().mean().item()


@pytest.mark.parametrize(("name", "codec", "pixel_format", "options"), CODECS)
def test_every_container_gives_its_exact_length_and_nearly_its_pixels(make_video, moving_stripes, name, codec, pixel_format, options):
    video = moving_stripes(23, 48, 64)
    path = make_video(name, video, codec, pixel_format, options=options)
    assert probe_video(path) == (23, 25.0, 48, 64, 3)
    read = read_video(path)
    assert read.dtype == torch.uint8
    assert read.is_contiguous()
    assert _mean_error(read, video) < 8  # these stripes are of colours that chroma subsampling blurs


@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi", "clip.mkv"])
def test_a_range_is_the_same_frames_as_the_whole(make_video, moving_stripes, name):
    codec = {"clip.avi": ("mjpeg", "yuvj420p")}.get(name, ("libx264", "yuv420p"))
    path = make_video(name, moving_stripes(20, 32, 48), *codec)
    whole = read_video(path)
    assert torch.equal(read_video(path, 7, 5), whole[7:12])
    assert torch.equal(read_video(path, 19), whole[19:])
    assert torch.equal(read_video(path, 0, 20), whole)


@pytest.mark.parametrize(("start", "length", "asked"), [(18, 3, "18 to frame 20"), (20, 1, "20 to frame 20"), (20, None, "20 to the end")])
def test_a_range_outside_the_video_is_refused_with_its_length(tmp_path, noise, start, length, asked):
    path = tmp_path / "a.mkv"
    write_lossless(path, noise(20, 16, 16), 25)
    with pytest.raises(VideoError, match=f"a.mkv: frames {asked} were asked for, but the video has 20"):
        read_video(path, start, length)


@pytest.mark.parametrize(("start", "length"), [(-1, None), (0, 0)])
def test_a_senseless_range_is_a_bug_of_the_caller(tmp_path, noise, start, length):
    write_lossless(tmp_path / "a.mkv", noise(2, 16, 16), 25)
    with pytest.raises(ValueError, match="start >= 0 and length >= 1"):
        read_video(tmp_path / "a.mkv", start, length)


def test_odd_sizes_are_read_in_full(make_video, moving_stripes):
    video = moving_stripes(4, 35, 51)
    path = make_video("odd.mp4", video, "libx264", "yuv444p", options={"crf": "4"})
    assert probe_video(path)[2:] == (35, 51, 3)
    assert _mean_error(read_video(path), video) < 2


def test_frames_big_enough_for_threads_come_in_order(make_video, moving_stripes):
    video = moving_stripes(12, 480, 640)
    path = make_video("big.mkv", video, "ffv1", "bgr0")
    assert torch.equal(read_video(path), video)
    assert torch.equal(read_video(path, 5, 2), video[5:7])


def test_grey_stays_one_channel_with_the_same_bits(make_video, noise):
    video = noise(3, 18, 22, 1)
    path = make_video("grey.avi", video, "ffv1", "gray")
    assert probe_video(path).channels == 1
    assert torch.equal(read_video(path), video)


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_colours_follow_the_matrix_that_the_file_names(tmp_path, matrix):
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    number, space = {"bt709": (1, "ITU709"), "smpte170m": (6, "ITU601")}[matrix]
    path = tmp_path / "red.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv444p"
        stream.codec_context.colorspace = number
        frame = av.VideoFrame.from_ndarray(red, format="rgb24").reformat(format="yuv444p", dst_colorspace=space, dst_color_range="MPEG")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    pixels = read_video(path).float().mean((0, 2, 3))
    assert torch.allclose(pixels, torch.tensor([200.0, 0.0, 0.0]), atol=3)


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "gray16le", "gbrp16le"])
def test_more_than_8_bits_are_refused_with_the_format_and_a_way_out(make_video, noise, pixel_format):
    bits = {"yuv420p10le": 10}.get(pixel_format, 16)
    path = make_video("deep.mkv", noise(2, 16, 16), "ffv1", pixel_format.replace("gbrp16", "rgb48"))
    for read in (probe_video, read_video):
        with pytest.raises(VideoError, match=f"deep.mkv: its pixel format {pixel_format} has {bits} bits a channel.*ffmpeg -i"):
            read(path)


def test_opaque_alpha_is_dropped_and_other_alpha_refused(make_video, noise):
    opaque = noise(3, 16, 16, 4)
    opaque[:, 3] = 255
    path = make_video("opaque.mkv", opaque, "ffv1", "bgra")
    assert probe_video(path).channels == 3
    assert torch.equal(read_video(path), opaque[:, :3])
    opaque[1, 3, 2:4, 5] = 254
    path = make_video("glass.mkv", opaque, "ffv1", "bgra")
    with pytest.raises(VideoError, match=r"frame 1 of .*glass.mkv is transparent in 2 of its 256 pixels"):
        read_video(path)


def test_grey_with_opaque_alpha_is_grey(make_video, noise):
    grey = noise(2, 16, 16, 1)
    rgba = torch.cat([grey.expand(-1, 3, -1, -1), torch.full_like(grey, 255)], dim=1)
    path = make_video("ya.mkv", rgba, "ffv1", "ya8")
    assert probe_video(path).channels == 1
    assert _mean_error(read_video(path), grey) <= 1


def _set_matrix(path, a, b, c, d):
    """Write the display matrix into the track header of an mp4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("matrix", "quarters", "mirrored"),
    [((0, 1, -1, 0), -1, False), ((0, -1, 1, 0), 1, False), ((-1, 0, 0, -1), 2, False), ((-1, 0, 0, 1), 0, True), ((0, 1, 1, 0), 1, True)],
)
def test_a_turned_video_is_read_upright(make_video, moving_stripes, matrix, quarters, mirrored):
    path = make_video("turned.mp4", moving_stripes(3, 32, 48))
    plain = read_video(path)
    _set_matrix(path, *matrix)
    upright = torch.rot90(plain, quarters, (2, 3))
    upright = upright.flip(3) if mirrored and quarters == 0 else upright
    upright = plain.transpose(2, 3) if mirrored and quarters else upright
    read = read_video(path)
    assert torch.equal(read, upright)
    assert probe_video(path)[2:4] == tuple(read.shape[2:])


def test_the_turn_is_the_one_that_libav_names(make_video, moving_stripes):
    path = make_video("turned.mp4", moving_stripes(1, 32, 48))
    _set_matrix(path, 0, 1, -1, 0)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        assert frame.rotation == -90  # clockwise, as a telephone held upright notes it
        expected = torch.from_numpy(np.rot90(frame.to_ndarray(format="gray"), -1).copy())
    grey = read_video(path)[0].float().mean(0)
    assert (grey - expected.float()).abs().mean() < 20


def test_a_turn_noted_in_the_pictures_of_a_video_is_applied(tmp_path):
    """libav attaches EXIF as side data, which PyAV may have no name for."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 32, 3), dtype=np.uint8))
    streams = {}
    for orientation in (1, 6):
        exif = image.getexif()
        exif[ExifTags.Base.Orientation] = orientation
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", exif=exif)
        streams[orientation] = tmp_path / f"{orientation}.mkv"
        with av.open(str(streams[orientation]), "w") as container:
            stream = container.add_stream("mjpeg", rate=5)
            stream.width, stream.height, stream.pix_fmt = 32, 16, "yuvj420p"
            packet = av.Packet(jpeg.getvalue())
            packet.stream, packet.time_base = stream, Fraction(1, 5)
            packet.pts = packet.dts = 0
            container.mux(packet)
    assert probe_video(streams[6])[2:4] == (32, 16)
    assert torch.equal(read_video(streams[6]), torch.rot90(read_video(streams[1]), -1, (2, 3)))


def test_a_slanted_video_is_refused(make_video, moving_stripes):
    path = make_video("slanted.mp4", moving_stripes(1, 32, 48))
    _set_matrix(path, 1, 1, -1, 1)
    with pytest.raises(VideoError, match=r"display matrix \(1, 1, -1, 1\), which is neither a quarter turn nor a mirror"):
        read_video(path)


def test_names_with_spaces_colons_percents_and_other_scripts_are_files(tmp_path, noise):
    video = noise(2, 16, 16)
    for name in ("ü 中 a.mkv", "take 12:30.mkv", "http:x.mkv", "%03d.mkv", "concat:a|b.mkv", os.fsdecode(b"\xff.mkv")):
        write_lossless(tmp_path / name, video, 25)
        assert torch.equal(read_video(tmp_path / name), video)


def test_what_is_no_video_is_refused_with_the_path(tmp_path):
    (tmp_path / "notes.mp4").write_text("not a video, but text that goes on for a while\n" * 50)
    (tmp_path / "notes.txt").write_text("libav would draw this text as a video\n" * 50)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile '/etc/hostname'\n")
    (tmp_path / "empty.mkv").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.mp4").symlink_to("nowhere.mp4")
    for name, why in [
        ("notes.mp4", r"\(2,350 bytes\) cannot be read as a video: Invalid"),
        ("notes.txt", "cannot be read as a video"),
        ("list.mp4", "cannot be read as a video"),
        ("empty.mkv", "is empty: 0 bytes, 0 frames"),
        ("folder", "is a folder"),
        ("broken.mp4", "does not exist, or the link leads nowhere"),
        ("missing.mp4", r"does not exist\."),
    ]:
        for read in (probe_video, read_video):
            with pytest.raises(VideoError, match=rf"{name} ?.*{why}"):
                read(tmp_path / name)


def test_a_file_with_sound_alone_is_refused(tmp_path):
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(VideoError, match="there is no video in it, only audio"):
        read_video(path)


def test_frames_of_changing_size_are_refused(make_video, moving_stripes, tmp_path):
    small = make_video("small.mpg", moving_stripes(5, 32, 48), "mpeg2video")
    large = make_video("large.mpg", moving_stripes(5, 48, 64), "mpeg2video")
    path = tmp_path / "both.mpg"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(VideoError, match="frame [45] is 64×48 with 3 channels, those before it 48×32"):
        read_video(path)


def test_damaged_files_leave_standard_error_alone(make_video, moving_stripes, capfd):
    path = make_video("clip.mp4", moving_stripes(8, 32, 48))
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + 1200
    data[middle : middle + 300] = bytes(300)
    path.write_bytes(bytes(data))
    with pytest.raises(VideoError):
        read_video(path)
    assert capfd.readouterr() == ("", "")


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, vgbench.video; print(sorted({'torch', 'av', 'numpy', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
