"""Truncated and damaged videos: never a shorter clip in silence."""

from __future__ import annotations

import re

import pytest
import torch

from vgbench.errors import VideoError
from vgbench.video.decode import probe_video, read_video
from vgbench.video.encode import write_lossless, write_preview

CUTS = [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97]


@pytest.fixture
def whole(tmp_path, make_video, moving_stripes):
    """Container → the path of a whole video of 20 frames."""
    video = moving_stripes(20, 48, 64)
    write_lossless(tmp_path / "ffv1.mkv", video, 25)
    write_preview(tmp_path / "preview.mp4", video, 25)
    return {
        "ffv1.mkv": tmp_path / "ffv1.mkv",
        "preview.mp4": tmp_path / "preview.mp4",
        "h264.mkv": make_video("h264.mkv", video),
        "fast.mp4": make_video("fast.mp4", video, options={"g": "1"}, container_options={"movflags": "faststart"}),
        "pieces.mp4": make_video("pieces.mp4", video, options={"g": "5"}, container_options={"movflags": "frag_keyframe+empty_moov"}),
        "ffv1.avi": make_video("ffv1.avi", video, "ffv1", "bgr0"),
        "mjpeg.avi": make_video("mjpeg.avi", video, "mjpeg", "yuvj420p"),
        "mpeg4.avi": make_video("mpeg4.avi", video, "mpeg4"),
        "raw.avi": make_video("raw.avi", video, "rawvideo", "bgr24"),
        "vp8.webm": make_video("vp8.webm", video, "libvpx"),
    }


def _cut_inside(data: bytes, share: float) -> int:
    """Where to cut; not exactly between two fragments of an mp4, which nothing could tell from a shorter one."""
    cut = int(len(data) * share)
    return cut + 3 if data[cut + 4 : cut + 8] in (b"moof", b"mdat") else cut


NAMES = [
    "ffv1.mkv",
    "preview.mp4",
    "h264.mkv",
    "fast.mp4",
    "pieces.mp4",
    "ffv1.avi",
    "mjpeg.avi",
    "mpeg4.avi",
    "raw.avi",
    "vp8.webm",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_cut_is_refused_wherever_it_was_cut(whole, tmp_path, name):
    data = whole[name].read_bytes()
    assert probe_video(whole[name]).frames == len(read_video(whole[name])) == 20
    path = tmp_path / f"cut-{name}"
    for cut in [*(_cut_inside(data, share) for share in CUTS), len(data) - 20]:
        path.write_bytes(data[:cut])
        for read in (probe_video, read_video):
            with pytest.raises(VideoError, match=re.escape(str(path))) as caught:
                read(path)
            assert re.search(r"\d+ (of \d+ )?frames|cannot be read as a video", str(caught.value)), caught.value


def test_the_message_counts_what_was_decoded_and_what_was_declared(whole, tmp_path):
    for name in ("ffv1.mkv", "fast.mp4", "ffv1.avi"):
        data = whole[name].read_bytes()
        whole[name].write_bytes(data[: int(len(data) * 0.7)])
        with pytest.raises(VideoError, match=r"decoded 1\d of 20 frames, but .*\. The file is truncated or damaged: copy or make it again"):
            read_video(whole[name])


def test_a_cut_matroska_names_its_bytes(whole):
    data = whole["ffv1.mkv"].read_bytes()
    whole["ffv1.mkv"].write_bytes(data[:-1])
    with pytest.raises(VideoError, match=f"it holds {len(data) - 1:,} of the {len(data):,} bytes that it declares"):
        probe_video(whole["ffv1.mkv"])


def test_an_mp4_whose_recording_was_broken_off_names_the_index(whole):
    data = whole["preview.mp4"].read_bytes()
    whole["preview.mp4"].write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(VideoError, match=r"its index \(the moov box\) is missing"):
        probe_video(whole["preview.mp4"])


def test_a_cut_is_also_found_when_only_its_first_frames_are_wanted(whole):
    for name in ("ffv1.mkv", "fast.mp4"):
        data = whole[name].read_bytes()
        whole[name].write_bytes(data[: int(len(data) * 0.9)])
        with pytest.raises(VideoError, match="truncated"):
            read_video(whole[name], 0, 2)


def test_one_flipped_bit_in_a_lossless_video_is_found(whole):
    data = bytearray(whole["ffv1.mkv"].read_bytes())
    data[len(data) // 2] ^= 4
    whole["ffv1.mkv"].write_bytes(bytes(data))
    with pytest.raises(VideoError, match="differ from their checksum"):
        read_video(whole["ffv1.mkv"])


def _live(data: bytes) -> bytes:
    """The Matroska file as if its writer had not been able to go back: a segment of unknown size."""
    at = data.index(b"\x18\x53\x80\x67") + 4
    return data[:at] + b"\x01" + b"\xff" * 7 + data[at + 8 :]


def test_a_segment_of_unknown_size_is_read_and_its_duration_tells_a_cut(whole):
    path = whole["h264.mkv"]
    data = _live(path.read_bytes())
    path.write_bytes(data)
    assert len(read_video(path)) == probe_video(path).frames == 20
    path.write_bytes(data[: int(len(data) * 0.8)])
    with pytest.raises(VideoError, match=r"of 20 frames, but the last one ends after 0\.\d+ of 0\.800 seconds"):
        read_video(path)


def test_bytes_behind_the_end_do_no_harm(whole):
    for name in ("ffv1.mkv", "ffv1.avi", "preview.mp4"):
        before = read_video(whole[name])
        with open(whole[name], "ab") as file:
            file.write(bytes(100))
        assert torch.equal(read_video(whole[name]), before)


def test_a_trimmed_mp4_is_whole(whole, tmp_path):
    """An edit list that leaves out the end shortens the video; it is no damage."""
    data = bytearray(whole["preview.mp4"].read_bytes())
    at = data.index(b"elst") + 4 + 8
    duration = int.from_bytes(data[at : at + 4], "big")
    data[at : at + 4] = (duration // 2).to_bytes(4, "big")
    path = tmp_path / "trimmed.mp4"
    path.write_bytes(bytes(data))
    frames = len(read_video(path))
    assert 10 <= frames < 20
    assert probe_video(path).frames == frames


PARTS = {"a.flv": "libx264", "a.asf": "msmpeg4", "a.wmv": "wmv2", "a.mxf": "mpeg2video", "a.ts": "libx264", "a.m2ts": "libx264"}


@pytest.mark.parametrize("name", PARTS)
def test_a_file_that_ends_inside_one_of_its_parts_is_refused(make_video, moving_stripes, name):
    path = make_video(name, moving_stripes(12, 48, 64), PARTS[name])
    data = path.read_bytes()
    assert len(read_video(path)) == probe_video(path).frames == 12
    packet = {"a.ts": 188, "a.m2ts": 192}.get(name, len(data))
    for cut in range(len(data) // 3, len(data) * 9 // 10, len(data) // 23 | 1):
        if cut % packet < 5:  # between two packets: nothing tells it from a shorter video
            continue
        path.write_bytes(data[:cut])
        for read in (probe_video, read_video):
            with pytest.raises(VideoError, match=rf"{name}: .* but (it|the last one) ends|cannot be read as a video"):
                read(path)
