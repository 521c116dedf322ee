"""Small files that declare much: one sentence, soon, and no more memory than a frame takes."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from vgbench.errors import VideoError
from vgbench.video.decode import probe_video, read_video, stream_video
from vgbench.video.folder import open_clips
from vgbench.video.pictures import probe_pictures, read_pictures


def _gif(width, height, frames):
    """A screen of this size; each frame draws one pixel of it."""
    frame = b"\x21\xf9\x04\x00\x01\x00\x00\x00\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + frame * frames + b";"


@pytest.mark.parametrize(("width", "height"), [(20000, 20000), (12000, 7000), (65535, 65535), (8193, 8192)])
def test_a_gif_with_a_huge_screen_is_refused(tmp_path, width, height):
    path = tmp_path / "a.gif"
    path.write_bytes(_gif(width, height, 2))
    for read in (probe_video, read_video, lambda path: next(stream_video(path, 1))):
        with pytest.raises(VideoError, match=rf"a.gif: its frames are {width:,}×{height:,}, .* pixels; up to 67,108,864 are read"):
            read(path)


def test_a_gif_of_many_frames_is_streamed_frame_by_frame(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(_gif(400, 300, 200))
    tracemalloc.start()
    frames = sum(len(piece) for piece in stream_video(path, 2))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert frames == 200
    assert peak < 30 * 400 * 300 * 3  # 200 frames would take 200 times that


def test_streamed_pieces_are_the_animation(tmp_path):
    images = [Image.new("RGB", (6, 4), (40 * number, 0, 0)) for number in range(5)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=40)
    pieces = list(stream_video(tmp_path / "a.gif", 2))
    assert [len(piece) for piece in pieces] == [2, 2, 1]
    assert [int(image[0, 0, 0]) for piece in pieces for image in piece] == [0, 40, 80, 120, 160]


def test_a_picture_that_declares_a_huge_size_is_refused(tmp_path):
    Image.new("1", (8200, 8200)).save(tmp_path / "0.png")
    for read in (probe_pictures, read_pictures):
        with pytest.raises(VideoError, match="0.png: its frames are 8,200×8,200"):
            read(tmp_path)


def test_a_video_that_declares_a_huge_size_is_refused(tmp_path):
    path = tmp_path / "a.y4m"
    path.write_bytes(b"YUV4MPEG2 W20000 H20000 F25:1 C420jpeg\nFRAME\n" + bytes(1000))
    for read in (probe_video, read_video):
        with pytest.raises(VideoError, match=r"a.y4m.*(its frames are 20,000×20,000|the file ends 1,006 bytes into frame 0)"):
            read(path)


def _npz(path, header, body=bytes(100), version=b"\x01\x00"):
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(header))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", b"\x93NUMPY" + version + length + header.encode() + body)


def _header(shape):
    return f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (_header("(1000000, 1000000, 1, 1, 1)"), r"its header declares 1,000,000,000,000 bytes of uint8 .*, but 100 are there"),
        (_header("(9, 1, 8, 8, 3)"), r"its header declares 1,728 bytes .*, but 100 are there"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 8, 8, 3", "EOF"),
        (_header("(" * 3000 + ")" * 3000), "."),
        (_header("(-1, 1, 8, 8, 3)"), "."),
        (_header("'abc'"), "."),
    ],
)
def test_an_archive_whose_header_lies_is_refused(tmp_path, header, why):
    _npz(tmp_path / "a.npz", header)
    with pytest.raises(VideoError, match=rf"a.npz cannot be read as an array: .*{why}"):
        open_clips(tmp_path / "a.npz")


def test_a_header_of_a_gigabyte_is_not_read(tmp_path):
    _npz(tmp_path / "a.npz", " " * (32 << 20), version=b"\x02\x00")
    tracemalloc.start()
    with pytest.raises(VideoError, match=r"its format is 2.0, not 1.0"):
        open_clips(tmp_path / "a.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_an_archive_that_takes_more_memory_than_is_allowed_is_not_unpacked(tmp_path):
    _npz(tmp_path / "a.npz", _header("(1, 64, 512, 512, 1)"), bytes(64 << 18))
    assert (tmp_path / "a.npz").stat().st_size < 1 << 17
    tracemalloc.start()
    with pytest.raises(VideoError, match=r"a.npz:a takes 16,777,216 bytes, .* stays in memory as a whole; 1,000,000 are allowed. Save it"):
        open_clips(tmp_path / "a.npz", max_memory=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    assert open_clips(tmp_path / "a.npz").clips[0].read().shape == (64, 1, 512, 512)
    assert np.load(tmp_path / "a.npz")["a"].nbytes == 16_777_216
