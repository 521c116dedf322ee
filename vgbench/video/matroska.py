"""The elements of a Matroska or WebM file, read through: whether they fill it without a gap, its blocks counted, its checksums verified.

The demuxer of libav looks for the next cluster where an element is damaged and passes over what lies between. Elements: RFC 8794 and
RFC 9559.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

EBML = b"\x1a\x45\xdf\xa3"
SEGMENT = 0x18538067
_CLUSTER, _TRACKS, _CRC32, _VOID = 0x1F43B675, 0x1654AE6B, 0xBF, 0xEC
_TRACK_ENTRY, _TRACK_NUMBER, _TRACK_TYPE, _VIDEO = 0xAE, 0xD7, 0x83, 1
_SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xA3, 0xA0, 0xA1
_IN_SEGMENT = {_CLUSTER, _TRACKS, 0x114D9B74, 0x1549A966, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, _CRC32, _VOID}
_IN_CLUSTER = {_SIMPLE_BLOCK, _BLOCK_GROUP, 0xE7, 0x5854, 0xA7, 0xAB, 0xAF, _CRC32, _VOID}


class Element(NamedTuple):
    """An EBML element: its identifier, and where its content starts and ends (None: unknown)."""

    identifier: int
    start: int
    end: int | None


class Contents(NamedTuple):
    """What a segment holds."""

    problem: str | None
    """What is wrong, as the end of a sentence; None where everything is in its place."""
    video_blocks: int
    """How many blocks the first video track has; 0 where a cluster of unknown size hides them."""


class _Damage(Exception):
    """What is wrong, as the end of a sentence."""


def read_segment(file: BinaryIO, start: int, end: int) -> Contents:
    """Walk through a segment, to the first cluster of unknown size; what a block holds is read for checksums alone (zlib's CRC-32)."""
    blocks: Counter[int] = Counter()
    tracks: dict[int, int] = {}
    try:
        for element in _filling(file, start, end, _IN_SEGMENT):
            if element.end is None:
                return Contents(None, 0)
            if element.identifier == _TRACKS:
                tracks = dict(_track_types(file, element.start, element.end))
            elif element.identifier == _CLUSTER:
                _check_checksum(file, element.start, element.end)
                blocks.update(_block_tracks(file, element.start, element.end))
    except _Damage as damage:
        return Contents(str(damage), 0)
    strangers = sorted(set(blocks) - set(tracks))
    problem = f"{blocks[strangers[0]]} blocks belong to track {strangers[0]}, which does not exist" if strangers else None
    return Contents(problem, next((blocks[number] for number, kind in tracks.items() if kind == _VIDEO), 0))


def elements(file: BinaryIO, position: int, end: int) -> Iterator[Element]:
    """The EBML elements of one level, until one of unknown size, one that is none, or the end."""
    while position < end:
        file.seek(position)
        head = file.read(12)
        marker = 9 - head[0].bit_length() if head else 9
        if marker > 4 or len(head) <= marker or not head[marker]:
            return
        width = 9 - head[marker].bit_length()
        bits = 7 * width
        length = int.from_bytes(head[marker : marker + width], "big") & ((1 << bits) - 1)
        start = position + marker + width
        known = None if length == (1 << bits) - 1 else start + length
        yield Element(int.from_bytes(head[:marker], "big"), start, known)
        if known is None:
            return
        position = known


def _filling(file: BinaryIO, start: int, end: int, known: set[int]) -> Iterator[Element]:
    """The elements of one level.  Raises _Damage where they leave a gap, reach past the end, or are none of the known ones."""
    position = start
    for element in elements(file, start, end):
        if element.identifier not in known:
            raise _Damage(f"the element {element.identifier:X} at byte {position:,} has no place there")
        if element.end is not None and element.end > end:
            raise _Damage(f"the element at byte {position:,} reaches past the end of what it is in")
        yield element
        if element.end is None:
            return
        position = element.end
    if position < end:
        raise _Damage(f"there is no element at byte {position:,}, where one should begin")


def _track_types(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Number and type of each track."""
    for entry in elements(file, start, end):
        if entry.identifier == _TRACK_ENTRY and entry.end is not None:
            values = {element.identifier: _whole_number(file, element) for element in elements(file, entry.start, entry.end)}
            yield values.get(_TRACK_NUMBER, 0), values.get(_TRACK_TYPE, 0)


def _whole_number(file: BinaryIO, element: Element) -> int:
    file.seek(element.start)
    return int.from_bytes(file.read(min(8, (element.end or element.start) - element.start)), "big")


def _block_tracks(file: BinaryIO, start: int, end: int) -> Iterator[int]:
    """The track number of each block of a cluster."""
    for element in _filling(file, start, end, _IN_CLUSTER):
        if element.identifier == _SIMPLE_BLOCK:
            yield _track_number(file, element.start)
        elif element.identifier == _BLOCK_GROUP and element.end is not None:
            inner = elements(file, element.start, element.end)
            yield from (_track_number(file, block.start) for block in inner if block.identifier == _BLOCK)


def _track_number(file: BinaryIO, position: int) -> int:
    """The number of variable length at the beginning of a block."""
    file.seek(position)
    head = file.read(8)
    width = 9 - head[0].bit_length() if head and head[0] else 8
    return int.from_bytes(head[:width], "big") & ((1 << 7 * width) - 1)


def _check_checksum(file: BinaryIO, start: int, end: int) -> None:
    """Raises _Damage where a cluster differs from the CRC-32 that it begins with."""
    file.seek(start)
    head = file.read(6)
    if head[:2] == bytes((_CRC32, 0x84)) and _crc32(file, end - start - 6) != int.from_bytes(head[2:], "little"):
        raise _Damage(f"the frames stored from byte {start:,} on differ from their checksum")


def _crc32(file: BinaryIO, length: int) -> int:
    """Of the next `length` bytes, read piece by piece."""
    checksum = 0
    while length > 0 and (piece := file.read(min(length, 1 << 20))):
        checksum = zlib.crc32(piece, checksum)
        length -= len(piece)
    return checksum
