"""Reading a stretch of a long video: the same bits as from the beginning, from the last frame at which decoding may begin."""

from __future__ import annotations

import av
import pytest
import torch
from hypothesis import given, strategies as st

from vgbench.video.access_units import FrameRule
from vgbench.video.container import OpenVideo
from vgbench.video.decode import look_at_video, read_stretch, read_video
from vgbench.video.folder import VideoClip
from vgbench.video.index import FrameIndex, frame_index

FRAMES = 60
X264 = {"preset": "veryfast", "g": "12", "bf": "3"}
FILES = {
    "closed.mp4": ("libx264", X264 | {"x264-params": "open-gop=0:scenecut=0"}),
    "open.mp4": ("libx264", X264 | {"x264-params": "open-gop=1:scenecut=0"}),
    "refresh.mkv": ("libx264", X264 | {"x264-params": "intra-refresh=1:scenecut=0"}),
    "pyramid.mkv": ("libx264", X264 | {"x264-params": "b-pyramid=normal:scenecut=0"}),
    "hevc.mp4": ("libx265", {"preset": "ultrafast", "x265-params": "keyint=12:min-keyint=12:open-gop=0:bframes=3:log-level=none"}),
    "hevc-open.mkv": ("libx265", {"preset": "ultrafast", "x265-params": "keyint=12:min-keyint=12:open-gop=1:bframes=3:log-level=none"}),
    "vp9.webm": ("libvpx-vp9", {"g": "12", "auto-alt-ref": "1", "lag-in-frames": "10", "cpu-used": "8"}),
    "learning.mkv": ("ffv1", {"g": "12"}),
    "intra.mkv": ("ffv1", {"g": "1"}),
    "mpeg4.mp4": ("mpeg4", {"g": "12", "bf": "2"}),
}


@pytest.fixture(scope="module")
def moving():
    """uint8 (T, 3, H, W) that changes all over in each frame."""
    t, y, x = torch.meshgrid(torch.arange(FRAMES), torch.arange(48), torch.arange(64), indexing="ij")
    return torch.stack([(x * (channel + 2) + y * 3 + t * 11) % 256 for channel in range(3)], dim=1).to(torch.uint8)


@pytest.mark.parametrize("name", FILES)
def test_any_stretch_has_the_bits_that_decoding_from_the_beginning_gives(make_video, moving, name):
    codec, options = FILES[name]
    path = make_video(name, moving, codec, options=options)
    whole = read_video(path)
    assert len(whole) == FRAMES
    index = look_at_video(path).frames
    clip = VideoClip(name, path)
    for start in (0, 1, 11, 12, 13, 23, 24, 35, 47, 58, 59):
        for length in (1, 2, 14):
            if start + length <= FRAMES:
                assert torch.equal(read_stretch(path, start, length, index), whole[start : start + length]), (start, length)
                assert torch.equal(clip.read(start, length), whole[start : start + length])
    assert torch.equal(clip.read(50), whole[50:])


@pytest.mark.parametrize("name", ["closed.mp4", "vp9.webm", "learning.mkv", "hevc.mp4", "intra.mkv"])
def test_no_more_is_decoded_than_from_the_last_entry_on(make_video, moving, monkeypatch, name):
    codec, options = FILES[name]
    path = make_video(name, moving, codec, options=options)
    index = look_at_video(path).frames
    assert len(index.entries) == (FRAMES if name == "intra.mkv" else 5)
    decoded = []
    count = OpenVideo.frames_from

    def counted(video, *arguments):
        for frame in count(video, *arguments):
            decoded.append(frame.pts)
            yield frame

    monkeypatch.setattr(OpenVideo, "frames_from", counted)
    read_stretch(path, 50, 3, index)
    assert len(decoded) == 53 - index.entry_before(50) <= 15


@pytest.mark.parametrize("wrong", ["times", "entries"])
def test_an_index_that_does_not_fit_the_file_costs_time_alone(make_video, moving, wrong):
    path = make_video("closed.mp4", moving, *FILES["closed.mp4"][:1], options=X264)
    index = look_at_video(path).frames
    if wrong == "times":
        shifted = FrameIndex([time + 7 for time in index.times], index.entries)
    else:
        shifted = FrameIndex(index.times, [0, 30, 41, 49])
    assert torch.equal(read_stretch(path, 50, 4, shifted), read_video(path, 50, 4))


def test_where_a_packet_may_hold_anything_there_is_no_index(make_video, moving):
    assert look_at_video(make_video("a.avi", moving, "mpeg4")).frames is None
    assert look_at_video(make_video("b.ts", moving, "libx264")).frames is None


@given(st.lists(st.integers(-(10**12), 10**12), unique=True, min_size=1), st.data())
def test_an_index_orders_frames_by_time_and_finds_the_entry_before(times, data):
    entries = data.draw(st.lists(st.sampled_from(times), unique=True))
    index = frame_index(times, entries)
    assert list(index.times) == sorted(times)
    for number in range(len(times)):
        known = [place for place, time in enumerate(sorted(times)) if time in entries and place <= number]
        assert index.entry_before(number) == max(known, default=0)


def test_times_that_are_missing_or_doubled_make_no_index():
    assert frame_index([0, None, 2], [0]) is None
    assert frame_index([0, 1, 1], [0]) is None
    even = frame_index(range(0, 512 * 1000, 512), [0])
    assert isinstance(even.times, range)


def test_a_recovery_point_is_no_entry(make_video, moving):
    """With a rolling refresh the frames after a packet that is marked as a key frame still show what came before it."""
    path = make_video("refresh.mkv", moving, "libx264", options=FILES["refresh.mkv"][1])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rule = FrameRule("h264", stream.codec_context.extradata)
        seen = []
        for packet in container.demux(stream):
            if packet.size:
                rule.watch(packet)
                seen.append(rule.is_entry)
    assert seen == [True] + [False] * (FRAMES - 1)
