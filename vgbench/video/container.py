"""A video file, open for one pass over its first video stream; every sign of damage becomes a VideoError with the frame count.

What counts as complete: the bytes that the container declares are there (`extent`); every packet that its index or its blocks list
comes out; no packet and no frame is marked as corrupt; and where each packet is known to be one frame (`access_units`), each gives one.
Elsewhere the frames that the decoder gives are the video: a packet may hold a field, a copy of the frame before or two frames at once,
and the first pictures after a cut may refer to what was cut off. Frame counts and durations in headers are believed only where a
container does not declare its bytes: they count skipped frames, too, and sound that goes on behind the picture. A transport stream, a
raw stream or a live recording declares nothing: one that was cut between two frames or packets, or an MP4 in fragments that was cut
between two of them, cannot be told from a shorter video.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vgbench.errors import VideoError
from vgbench.video.access_units import FrameRule
from vgbench.video.extent import measure_extent
from vgbench.video.index import FrameIndex, frame_index
from vgbench.video.info import MAX_PIXELS, check_frame_size

_LOG = logging.getLogger(__name__)

# Demuxers of single files: pictures, playlists that name other files, and text (which libav would draw) are no videos here.
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,asf,flv,live_flv,ogg,yuv4mpegpipe,ivf,h264,hevc,m4v,nut,mxf,rm,dv,gxf"
)
_THREADED_FROM = 640 * 360
"""Pixels a frame from which frames are decoded in parallel; below, starting the threads costs more than it saves."""
_STRICT = {"mjpeg": {"err_detect": "explode"}, "png": {"err_detect": "crccheck+explode"}}
"""Options of decoders that would otherwise show whatever their memory held where a picture is damaged."""
_END_TOLERANCE = 1.5
"""Frames by which a duration may exceed the last frame's end: one for a last frame without length, a half for rounding."""
_LOSSY = 1 << 1
"""FFmpeg's property of a codec that can lose what was recorded."""


class OpenVideo:
    """A context manager around a container of libav; `frames` may be called once."""

    def __init__(self, path: Path, *, reads_whole: bool = True) -> None:
        """Open the file and compare its length with what it declares; `reads_whole` looks through a Matroska file first.

        Raises VideoError: not there, empty, no video, truncated, or a codec that this PyAV lacks.
        """
        self.path = path
        self.decoded = 0
        """Frames so far."""
        self._packets = 0
        self._discarded = 0
        self._end = 0.0
        self._times: list[int | None] = []
        self._entries: list[int | None] = []
        _check_file(path)
        extent = measure_extent(path, reads_whole=reads_whole)
        self._extent = extent
        self._container = _open_container(path, extent.problem)
        try:
            self.stream = self._video_stream(extent.problem)
            check_frame_size(path, self.stream.codec_context.height, self.stream.codec_context.width)
            if extent.problem:
                self._count_what_is_left()
                raise self.damage(extent.problem)
        except BaseException:
            self._container.close()
            raise
        codec = self.stream.codec_context
        codec.options = {"max_pixels": str(MAX_PIXELS), **_STRICT.get(codec.name, {})}
        self._rule = FrameRule(codec.name, codec.extradata)
        if codec.width * codec.height >= _THREADED_FROM:
            self.stream.thread_type = "AUTO"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._container.close()

    def frames(self) -> Iterator[av.VideoFrame]:
        """Every frame in order of display.  Raises VideoError at the first sign of damage, at the latest after the last frame."""
        for packet in self._demuxed():
            yield from self._decoded(packet)
        self._check_complete()

    def frames_from(self, index: FrameIndex, number: int) -> Iterator[av.VideoFrame]:
        """The frames from an entry of the index on, each checked to be the next one; it ends before the first that is not.

        Raises VideoError at a sign of damage.
        """
        self._container.seek(index.times[number], stream=self.stream, backward=True)
        for packet in self._demuxed():
            if packet.size and len(self._times) == 1:
                number = bisect_left(index.times, packet.pts or 0)
                if index.entry_before(number) != number or index.times[number] != packet.pts:
                    return
            for frame in self._decoded(packet):
                if number >= len(index.times) or frame.pts != index.times[number]:
                    return
                yield frame
                number += 1

    def index(self) -> FrameIndex | None:
        """Where its frames are, once all packets went by; None where a packet is not known to be one frame."""
        return frame_index(self._times, self._entries) if self._rule.holds and not self._discarded else None

    def lossy_codec(self) -> str:
        """The codec's name, where as a rule it does not keep what was recorded; empty where it does.

        H.264 may keep it, in one profile alone; HEVC and AV1 may as well, which is rare and which nothing short of decoding tells.
        """
        codec = self.stream.codec_context
        is_lossless = codec.name == "h264" and "4:4:4" in (codec.profile or "")
        return codec.name if codec.codec.properties & _LOSSY and not is_lossless else ""

    def first_frame_and_count(self) -> tuple[av.VideoFrame, int | None]:
        """The first frame, and how many there are: packets are counted, not decoded, while each is known to be one frame.

        None instead of a number where one behind those that were passed over is not; then only `frames` can tell.
        """
        first: av.VideoFrame | None = None
        are_passed_over = False
        for packet in self._demuxed():
            if first is not None and self._rule.holds:
                are_passed_over = True
                continue
            if first is not None and are_passed_over:
                return first, None
            for frame in self._decoded(packet):
                first = first or frame
        if first is None:
            raise self.damage("there is not one whole frame in it")
        if self._rule.holds:
            self.decoded = self._packets
        self._check_complete()
        return first, self.decoded

    def fps(self) -> float | None:
        rate = self.stream.average_rate or self.stream.base_rate
        return float(rate) if rate else None

    def damage(self, reason: str) -> VideoError:
        """The error for a file that is not whole."""
        declared = self._declared_frames()
        counts = f"{self.decoded} of {declared} frames" if declared is not None else f"{self.decoded} frames"
        return VideoError(f"{self.path}: decoded {counts}, but {reason}. The file is truncated or damaged: copy or make it again.")

    def _video_stream(self, problem: str | None) -> VideoStream:
        streams = [stream for stream in self._container.streams.video if not stream.disposition & Disposition.attached_pic]
        if not streams and problem:
            raise _nothing_left(self.path, problem)
        if not streams:
            kinds = ", ".join(sorted({stream.type for stream in self._container.streams})) or "nothing"
            raise VideoError(f"{self.path}: there is no video in it, only {kinds}. Give a file with a video stream.")
        stream = streams[0]
        # The stubs of PyAV do not say that the codec's context is missing where no decoder is.
        if getattr(stream, "codec_context", None) is None:
            raise VideoError(
                f"{self.path}: this PyAV has no decoder for its codec. Convert it, for example with: ffmpeg -i IN -c:v ffv1 OUT.mkv."
            )
        if stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1":
            raise VideoError(
                f"{self.path}: it has an alpha channel that the decoder leaves out. Draw it over a background and save it without alpha."
            )
        return stream

    def _demuxed(self) -> Iterator[av.Packet[VideoStream]]:
        try:
            for packet in self._container.demux(self.stream):
                if packet.is_corrupt:
                    raise self.damage(f"packet {self._packets} is cut short or marked as damaged")
                is_end = packet.dts is None and not packet.size
                if packet.size:
                    self._packets += not packet.is_discard
                    self._discarded += packet.is_discard
                    self._end = max(self._end, _end_seconds(packet))
                    self._rule.watch(packet)
                    self._times.append(packet.pts)
                    self._entries += [packet.pts] if self._rule.is_entry else []
                if packet.size or is_end:  # an empty packet in between would be taken for the end by the decoder
                    yield packet
        except (av.FFmpegError, OSError) as error:
            raise self.damage(f"the next packet cannot be read ({_reason(error)})") from error

    def _decoded(self, packet: av.Packet[VideoStream]) -> Iterator[av.VideoFrame]:
        try:
            frames = packet.decode()
        except (av.FFmpegError, OSError) as error:
            raise self.damage(f"the next frame cannot be decoded ({_reason(error)})") from error
        for frame in frames:
            if frame.is_corrupt:
                raise self.damage(f"frame {self.decoded} is damaged")
            self.decoded += 1
            yield frame

    def _count_what_is_left(self) -> None:
        """Count the frames of a file that is known to be damaged, for the message."""
        try:
            for packet in self._container.demux(self.stream):
                if not packet.is_corrupt:
                    self.decoded += len(packet.decode())
        except (av.FFmpegError, OSError):
            _LOG.debug("%s: stopped counting frames", self.path, exc_info=True)

    def _check_complete(self) -> None:
        """Raise VideoError where packets that the container lists did not come out, or gave no frame though each is one."""
        found, listed = self._packets + self._discarded, self._listed_packets()
        if found < listed:
            raise self.damage(f"only {found} of {listed} packets can be read")
        if self._rule.holds and self.decoded < self._packets:
            raise self.damage(f"there are {self._packets} packets in it")
        duration, fps = self._seconds(), self.fps()
        if not self._extent.is_declared and duration and fps and self._end + _END_TOLERANCE / fps < duration:
            raise self.damage(f"the last one ends after {self._end:.3f} of {duration:.3f} seconds")

    def _listed_packets(self) -> int:
        """How many the index, or the file read through, list; a header's number counts where the bytes are not declared."""
        if self._has_index():
            return sum(entry.size > 0 for entry in self.stream.index_entries)
        return self._extent.packets if self._extent.is_declared else self.stream.frames

    def _has_index(self) -> bool:
        return self._container.format.name == "avi" or "mp4" in self._container.format.name

    def _indexed_frames(self) -> int | None:
        """What an index or a header declares.  Edit lists may leave out part of an MP4: there the index in use counts."""
        if not self.stream.frames:
            return None
        return len(self.stream.index_entries) if "mp4" in self._container.format.name else self.stream.frames

    def _declared_frames(self) -> int | None:
        """The number for messages: declared, tagged, or estimated from the duration."""
        indexed = self._indexed_frames()
        if indexed is not None:
            return indexed - self._discarded
        tag = next((value for key, value in self.stream.metadata.items() if key.upper().startswith("NUMBER_OF_FRAMES")), "")
        if tag.isdecimal():
            return int(tag)
        duration, fps = self._seconds(), self.fps()
        return round(duration * fps) if duration and fps else None

    def _seconds(self) -> float | None:
        """The declared duration of the video stream; the container's only where that holds nothing else."""
        tag = next((value for key, value in self.stream.metadata.items() if key.upper().startswith("DURATION")), "")
        if match := re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", tag):
            return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
        if self.stream.duration and self.stream.time_base:
            return float(self.stream.duration * self.stream.time_base)
        if len(self._container.streams) == 1 and self._container.duration:
            return self._container.duration / av.time_base
        return None


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise VideoError(f"{path} is a folder, not a video file. Give one file, or read it as a folder of frames.")
    if not path.exists():
        raise VideoError(f"{path} does not exist" + (", or the link leads nowhere" if path.is_symlink() else "") + ". Check the path.")
    if not path.is_file():
        raise VideoError(f"{path} is not a regular file. Give a video file.")
    if not path.stat().st_size:
        raise VideoError(f"{path} is empty: 0 bytes, 0 frames. Copy or make it again.")


def _open_container(path: Path, problem: str | None) -> InputContainer:
    try:
        # The protocol in front keeps names such as "take:2.mp4" from being read as addresses.
        return av.open(f"file:{path}", metadata_errors="replace", options={"format_whitelist": _DEMUXERS})
    except (av.FFmpegError, OSError, ValueError) as error:
        if problem:
            raise _nothing_left(path, problem) from error
        raise VideoError(
            f"{path} ({path.stat().st_size:,} bytes) cannot be read as a video: {_reason(error)}. "
            "Check that it is one; other formats can be converted with: ffmpeg -i IN -c:v ffv1 OUT.mkv."
        ) from error


def _nothing_left(path: Path, problem: str) -> VideoError:
    return VideoError(f"{path}: decoded 0 frames, but {problem}. The file is truncated or damaged: copy or make it again.")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _end_seconds(packet: av.Packet[VideoStream]) -> float:
    if packet.pts is None or packet.time_base is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)
