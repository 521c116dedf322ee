"""Whether a file is as long as its own container says: a truncated copy is found without decoding anything.

MP4 and MOV are a row of boxes, AVI is RIFF chunks, Matroska and WebM are EBML elements; each states its size in bytes. The frames of
Y4M all have the size that follows from its header. FLV, ASF, MXF and transport streams consist of parts with a length, and say nothing
of the whole. The demuxers of libav forgive an early end, and what was cut then looks like a
shorter video.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from vgbench.video.matroska import EBML, SEGMENT, elements, read_segment

_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp")
_ASF_HEADER, _MXF_KEY = b"\x30\x26\xb2\x75", b"\x06\x0e\x2b\x34"
_RIFF_SLACK = 8  # some writers count the eight bytes of the chunk's own header


class Extent(NamedTuple):
    """What a container says about its own bytes."""

    is_declared: bool
    """Whether it says how long it is; if not, only frame counts and durations can tell that something is missing."""
    problem: str | None
    """What is wrong, as the end of a sentence; None where everything declared is there."""
    packets: int = 0
    """How many packets of video were counted in it; 0 where none were."""


def measure_extent(path: Path, *, reads_whole: bool) -> Extent:
    """Compare the file's length with what it declares; with `reads_whole`, also every block and checksum of a Matroska file.

    Reads a few headers, or the file once.  Raises OSError where the file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        if head[:4] == EBML:
            return _matroska(file, size, reads_whole)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return _avi(file, size)
        if head[4:8] in _FIRST_BOXES:
            return _boxes(file, size)
        if head[:10] == b"YUV4MPEG2 ":
            return _yuv4mpeg(file, size)
        # The last part may be missing whole: what these say of the frames is looked at, too.
        return Extent(False, _cut_part(file, size, head))


def _cut_part(file: BinaryIO, size: int, head: bytes) -> str | None:
    """Where the file ends inside one of the parts that it consists of: tags of FLV, objects of ASF, KLV of MXF, packets of MPEG-TS."""
    if head[:3] == b"FLV":
        return _last_part(file, size, int.from_bytes(head[5:9], "big") + 4, _flv_tag)
    if head[:4] == _ASF_HEADER:
        return _last_part(file, size, 0, _asf_object)
    if head[:4] == _MXF_KEY:
        return _last_part(file, size, 0, _mxf_triplet)
    return _cut_packet(file, size)


def _last_part(file: BinaryIO, size: int, position: int, length_of: Callable[[bytes], int]) -> str | None:
    """Whether the last part reaches past the end; what has no length is not ours to judge."""
    while position < size:
        file.seek(position)
        length = length_of(file.read(32))
        if not length:
            return None
        if position + length > size:
            return f"it ends {size - position:,} bytes into a part of {length:,}"
        position += length
    return None


def _flv_tag(head: bytes) -> int:
    """The bytes of a tag with its length before and behind it; 0 if it is none."""
    return 15 + int.from_bytes(head[1:4], "big") if head[:1] in (b"\x08", b"\x09", b"\x12") else 0


def _asf_object(head: bytes) -> int:
    """The bytes of an object, 128 bits of name and 64 of length in front; a live recording leaves 0."""
    length = int.from_bytes(head[16:24], "little")
    return length if len(head) >= 24 and 24 <= length < 1 << 62 else 0


def _mxf_triplet(head: bytes) -> int:
    """The bytes of key, length and value (SMPTE 336): the length is one byte, or so many as the first says."""
    if head[:4] != _MXF_KEY[: len(head)]:
        return 0
    if len(head) < 26:
        return 26
    width = head[16] & 0x7F if head[16] & 0x80 else 0
    return 17 + width + (int.from_bytes(head[17 : 17 + width], "big") if width else head[16])


def _cut_packet(file: BinaryIO, size: int) -> str | None:
    """MPEG transport streams: packets of 188 bytes, or 192 with a time in front."""
    file.seek(0)
    start = file.read(400)
    for length, sync in ((188, 0), (192, 4)):
        if start[sync::length][:2] == b"GG":  # 0x47
            file.seek(size - size % length)
            rest = file.read(length)
            return f"it ends {len(rest)} bytes into a packet of {length}" if rest[sync : sync + 1] == b"G" else None
    return None


def _short(size: int, declared: int) -> str:
    return f"it holds {size:,} of the {declared:,} bytes that it declares"


def _boxes(file: BinaryIO, size: int) -> Extent:
    """ISO base media (mp4, mov): top-level boxes of 32-bit size and type, or 64-bit size, or size 0 for "to the end"."""
    position, has_index, has_fragments = 0, False, False
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if not kind.isascii() or not kind.decode().isprintable():
            break  # what follows the last box is not ours to judge
        has_index |= kind == b"moov"
        has_fragments |= kind == b"moof"
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:
            length = size - position
        if length < 8:
            break
        position += length
    if has_fragments and 0 < size - position < 8:
        return Extent(True, f"it ends {size - position} bytes into the header of its next part")
    if position > size:
        return Extent(True, _short(size, position))
    return Extent(True, None if has_index else "its index (the moov box) is missing, as in a recording or copy that was broken off")


def _avi(file: BinaryIO, size: int) -> Extent:
    """AVI: one RIFF chunk, followed by more of them past 1 GB (OpenDML).  A size of 0 was never filled in."""
    position = 0
    while position + 12 <= size:
        file.seek(position)
        head = file.read(12)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):
            break
        position += 8 + length + length % 2
    if position - _RIFF_SLACK > size:
        return Extent(True, _short(size, position))
    return Extent(position > 0, None)


def _matroska(file: BinaryIO, size: int, reads_whole: bool) -> Extent:
    """Matroska and WebM: the EBML header, then one Segment; live recordings leave its size unknown."""
    for element in elements(file, 0, size):
        if element.end is None:
            return Extent(False, None)
        if element.end > size:
            return Extent(True, _short(size, element.end))
        if element.identifier == SEGMENT:
            return Extent(True, *read_segment(file, element.start, element.end)) if reads_whole else Extent(True, None)
    return Extent(False, None)


def _yuv4mpeg(file: BinaryIO, size: int) -> Extent:
    """Y4M: a line of parameters, then frames, each a line and its planes, 8 bits a value."""
    file.seek(0)
    header = file.readline(1 << 10)
    planes = _planes_bytes(header.decode("latin-1"))
    if planes is None:
        return Extent(False, None)
    frames, position = 0, len(header)
    while position < size:
        file.seek(position)
        line = file.readline(1 << 10)
        if not line.startswith(b"FRAME"[: len(line)]):
            return Extent(True, f"there is no frame at byte {position:,}, where frame {frames} should begin")
        if position + len(line) + planes > size or not line.endswith(b"\n"):
            return Extent(True, f"the file ends {size - position:,} bytes into frame {frames}")
        frames, position = frames + 1, position + len(line) + planes
    return Extent(True, None, frames)


def _planes_bytes(header: str) -> int | None:
    """The bytes of a frame of Y4M; None for a layout of colours that is not known here, such as more than 8 bits."""
    found = dict(re.findall(r" ([WHC])(\S+)", header))
    width, height = (int(found.get(key, "0")) if found.get(key, "").isdecimal() else 0 for key in "WH")
    layout = found.get("C", "420").lower()
    layout = "420" if layout in ("420jpeg", "420mpeg2", "420paldv") else layout
    halves, quarter = ((width + 1) // 2, (height + 1) // 2), (width + 3) // 4
    chroma = {"420": halves[0] * halves[1], "422": halves[0] * height, "411": quarter * height, "444": width * height, "mono": 0}
    if not width * height or layout not in chroma:
        return None
    return width * height + 2 * chroma[layout]
