"""How many frames a video has: what its decoder gives, whatever its header says; and damage that leaves fewer is an error."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from vgbench.errors import VideoError
from vgbench.video.decode import probe_video, read_video

from .field_coded import field_coded_h264


def _plain_count(path):
    """What libav decodes, counted without vgbench."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def _remux(source, path, *, edit):
    """Write the packets that `edit` makes of the packets of `source`."""
    with av.open(str(source)) as read, av.open(str(path), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in edit([packet for packet in read.demux(video=0) if packet.size]):
            packet.stream = stream
            written.mux(packet)
    return path


def _declare_frames(path, frames):
    """Set the number of frames in an AVI's two headers."""
    data = bytearray(path.read_bytes())
    for name, offset in ((b"avih", 8 + 16), (b"strh", 8 + 32)):
        at = data.index(name) + offset
        data[at : at + 4] = frames.to_bytes(4, "little")
    path.write_bytes(bytes(data))


def test_frames_that_an_avi_skips_are_no_frames(tmp_path, make_video, moving_stripes):
    whole = make_video("whole.avi", moving_stripes(20, 48, 64), "mpeg4")

    def without_some(packets):
        for number, packet in enumerate(packets):
            packet.pts = packet.dts = number + (10 if number >= 8 else 0)  # the writer fills the gap with empty chunks
            yield packet

    path = _remux(whole, tmp_path / "skips.avi", edit=without_some)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 30
    assert probe_video(path).frames == 20
    assert torch.equal(read_video(path), read_video(whole))


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg", "ffv1"])
def test_an_avi_header_may_count_on_to_the_end_of_the_sound(make_video, moving_stripes, codec):
    path = make_video("sound.avi", moving_stripes(12, 48, 64), codec, {"mjpeg": "yuvj420p", "ffv1": "bgr0"}.get(codec, "yuv420p"))
    before = read_video(path)
    _declare_frames(path, 15)
    assert probe_video(path).frames == 12
    assert torch.equal(read_video(path), before)


def _with_vops_packed(packets):
    """I P B P B … as I, P+B, nothing, P+B, nothing …: two pictures in a packet, then one that says it is not coded."""
    marks = b"\x00\x00\x01\xb2DivX503b1393p"
    # vop_coding_type P, no whole second, marker, 5 bits of time, marker, vop_coded = 0, stuffing
    nothing = b"\x00\x00\x01\xb6" + int("01" + "0" + "1" + "00000" + "1" + "0" + "01111", 2).to_bytes(2)
    first, *others = [bytes(packet) for packet in packets]
    at = first.index(b"\x00\x00\x01\xb6")
    pieces = [first[:at] + marks + first[at:]]
    for index in range(0, len(others) - 1, 2):
        pieces += [others[index] + others[index + 1], nothing]
    pieces += others[len(others) - len(others) % 2 :]
    for number, piece in enumerate(pieces):
        packet = av.Packet(piece)
        packet.pts = packet.dts = number
        packet.time_base = Fraction(1, 25)
        packet.is_keyframe = not number
        yield packet


def test_packed_b_frames_are_read_as_many_as_there_are(tmp_path, make_video, moving_stripes):
    whole = make_video("whole.avi", moving_stripes(13, 48, 64), "mpeg4", options={"bf": "1", "g": "100", "b_strategy": "0"})
    path = _remux(whole, tmp_path / "packed.avi", edit=_with_vops_packed)
    assert _plain_count(path) == 13
    _declare_frames(path, 15)
    assert probe_video(path).frames == 13
    assert torch.equal(read_video(path), read_video(whole))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("codec", ["libx265", "libx264"])
def test_pictures_that_refer_to_what_was_cut_off_are_no_frames(tmp_path, make_video, moving_stripes, codec, suffix):
    """The file begins at an open group of pictures, as after a lossless cut: three pictures come before the first that can be decoded."""
    name = {"libx265": "x265-params", "libx264": "x264-params"}[codec]
    parameters = "log-level=none:open-gop=1:keyint=12:min-keyint=12:scenecut=0:bframes=3:b-adapt=0:repeat-headers=1"
    whole = make_video("whole.mkv", moving_stripes(40, 64, 64), codec, options={name: parameters})
    leading = []

    def from_the_second_key(packets):
        keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
        kept = packets[keys[1] :]
        leading.append(sum(packet.pts < kept[0].pts for packet in kept))
        first = kept[0].dts
        for packet in kept:
            packet.pts, packet.dts = packet.pts - first, packet.dts - first
            yield packet

    path = _remux(whole, tmp_path / f"cut.{suffix}", edit=from_the_second_key)
    assert leading == [3]
    with av.open(str(path)) as container:
        packets = sum(packet.size > 0 for packet in container.demux(video=0))
    assert probe_video(path).frames == len(read_video(path)) == packets - 3 == _plain_count(path)


@pytest.mark.parametrize("suffix", ["mts", "mp4", "mkv"])
def test_two_fields_are_one_frame(tmp_path, suffix):
    """Field n of an H.264 that stores fields is grey of 40 + 5 n; its rows are every second one of a frame."""
    fields = [40 + 5 * number for number in range(12)]
    path = tmp_path / f"fields.{suffix}"
    with av.open(io.BytesIO(field_coded_h264(fields))) as read, av.open(str(path), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        packets = [packet for packet in read.demux(video=0) if packet.size]
        assert len(packets) == 12
        for number, packet in enumerate(packets):
            packet.pts = packet.dts = number
            packet.stream, packet.time_base = stream, Fraction(1, 50)
            written.mux(packet)
    video = read_video(path)
    assert probe_video(path)[2:] == (32, 16, 3)
    assert probe_video(path).frames == len(video) == 6
    luma = (video[:, 0, :, 0].float() * 219 / 255 + 16).round()
    assert luma[:, 0::2].unique(dim=1).flatten().tolist() == pytest.approx(fields[0::2], abs=1)
    assert luma[:, 1::2].unique(dim=1).flatten().tolist() == pytest.approx(fields[1::2], abs=1)


@pytest.mark.parametrize("place", [0, 1])
def test_frames_of_vp9_that_are_never_shown_do_not_count(tmp_path, make_video, moving_stripes, place):
    whole = make_video("whole.ivf", moving_stripes(9, 48, 64), "libvpx-vp9")

    def with_a_hidden_one(packets):
        pieces = [bytes(packet) for packet in packets]
        pieces.insert(place, bytes([pieces[0][0] & ~2]) + pieces[0][1:])  # the key frame once more, show_frame = 0
        for number, piece in enumerate(pieces):
            packet = av.Packet(piece)
            packet.pts = packet.dts = number
            packet.time_base, packet.is_keyframe = Fraction(1, 25), number == 0
            yield packet

    path = _remux(whole, tmp_path / "hidden.ivf", edit=with_a_hidden_one)
    assert probe_video(path).frames == 9
    assert torch.equal(read_video(path), read_video(whole))


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_a_webm_that_is_damaged_anywhere_is_whole_or_an_error(make_video, moving_stripes, codec):
    path = make_video("clip.webm", moving_stripes(8, 32, 48), codec)
    data = path.read_bytes()
    refused = 0
    for position in range(data.index(b"\x1f\x43\xb6\x75"), len(data), 11):
        damaged = bytearray(data)
        damaged[position : position + 3] = b"\x30\xff\x01"
        path.write_bytes(bytes(damaged))
        try:
            assert len(read_video(path)) == 8
        except VideoError:
            refused += 1
    assert refused


def _blocks(data):
    """Where the blocks of a WebM by PyAV begin: A3, a length, track 1."""
    cluster = data.index(b"\x1f\x43\xb6\x75")
    return [at for at in range(cluster, len(data)) if data[at] == 0xA3 and (data[at + 2] == 0x81 or data[at + 3] == 0x81)]


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [(0, 0xB3, "the element B3 at byte .* has no place there"), (1, 0xF0, r"element|reaches past the end"), (2, 0x82, "belong to track 2")],
)
def test_a_damaged_block_of_a_webm_is_named(make_video, moving_stripes, offset, value, message):
    path = make_video("clip.webm", moving_stripes(8, 32, 48), "libvpx")
    data = bytearray(path.read_bytes())
    data[_blocks(bytes(data))[-2] + offset] = value
    path.write_bytes(bytes(data))
    for read in (probe_video, read_video):
        with pytest.raises(VideoError, match=rf"clip.webm: decoded \d+ of 8 frames, but .*({message})"):
            read(path)


def _y4m(frames, layout="C420jpeg", planes=64 * 48 * 3 // 2):
    return f"YUV4MPEG2 W64 H48 F25:1 Ip A1:1 {layout}\n".encode() + b"".join(b"FRAME\n" + bytes([9 * t]) * planes for t in range(frames))


@pytest.mark.parametrize(
    ("layout", "share"), [("C420jpeg", 1.5), ("C420mpeg2", 1.5), ("C422", 2), ("C444", 3), ("C411", 1.5), ("Cmono", 1), ("", 1.5)]
)
def test_a_y4m_is_read_whole_and_refused_where_it_ends_inside_a_frame(tmp_path, layout, share):
    path = tmp_path / "a.y4m"
    planes = int(64 * 48 * share)
    path.write_bytes(_y4m(5, layout, planes))
    assert probe_video(path).frames == len(read_video(path)) == 5
    for missing in (1, planes - 1, planes, planes + 5):
        path.write_bytes(_y4m(5, layout, planes)[:-missing])
        for read in (probe_video, read_video):
            with pytest.raises(VideoError, match=rf"a.y4m: .*the file ends {planes + 6 - missing:,} bytes into frame 4"):
                read(path)


def test_a_y4m_with_a_frame_out_of_place_is_refused(tmp_path):
    path = tmp_path / "a.y4m"
    data = _y4m(5)
    path.write_bytes(data[:100] + data[101:])
    with pytest.raises(VideoError, match=r"there is no frame at byte 4,\d+, where frame 1 should begin"):
        probe_video(path)


@pytest.mark.parametrize(("codec", "pixel_format"), [("mjpeg", "yuvj420p"), ("png", "rgb24")])
def test_a_picture_inside_a_video_that_breaks_off_is_an_error_not_what_memory_held(make_video, moving_stripes, codec, pixel_format):
    path = make_video("clip.mov", moving_stripes(4, 120, 160), codec, pixel_format)
    assert len(read_video(path)) == 4
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][2]
        middle = packet.pos + packet.size // 2
    data[middle : middle + 40] = np.random.default_rng(3).integers(0, 255, 40, dtype=np.uint8).tobytes()
    path.write_bytes(bytes(data))
    with pytest.raises(VideoError, match=r"clip.mov: decoded [0-2] of 4 frames, but the next frame cannot be decoded"):
        read_video(path)
