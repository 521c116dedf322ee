"""Whether a file is as long as its own container says: a truncated copy is found without decoding anything.

MP4 and MOV are a row of boxes, AVI is RIFF chunks, Matroska and WebM are EBML elements; each states its size in bytes. The
demuxers of libav forgive an early end, and a Matroska file that was cut then looks like a shorter video.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

_EBML, _SEGMENT, _CLUSTER, _CRC32 = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0xBF
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp")
_RIFF_SLACK = 8  # some writers count the eight bytes of the chunk's own header


class Extent(NamedTuple):
    """What a container says about its own bytes."""

    is_declared: bool
    """Whether it says how long it is; if not, only frame counts and durations can tell that something is missing."""
    problem: str | None
    """What is wrong, as the end of a sentence; None where everything declared is there."""


class _Element(NamedTuple):
    """An EBML element: its identifier, and where its content starts and ends (None: unknown)."""

    identifier: int
    start: int
    end: int | None


def measure_extent(path: Path, *, checksums: bool) -> Extent:
    """Compare the file's length with what it declares; with `checksums`, also every Matroska cluster with its CRC-32.

    Reads a few headers, or the whole file once where there are checksums to verify.  Raises OSError where the file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        if head[:4] == _EBML.to_bytes(4, "big"):
            return _matroska(file, size, checksums)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return _avi(file, size)
        if head[4:8] in _FIRST_BOXES:
            return _boxes(file, size)
        return Extent(False, None)


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


def _matroska(file: BinaryIO, size: int, checksums: bool) -> Extent:
    """Matroska and WebM: the EBML header, then one Segment; live recordings leave its size unknown."""
    for element in _elements(file, 0, size):
        if element.end is None:
            return Extent(False, None)
        if element.end > size:
            return Extent(True, _short(size, element.end))
        if element.identifier == _SEGMENT:
            return Extent(True, _bad_cluster(file, element.start, element.end) if checksums else None)
    return Extent(False, None)


def _bad_cluster(file: BinaryIO, start: int, end: int) -> str | None:
    """The first cluster that does not fit into its segment or differs from its own CRC-32 (zlib's, over what follows it)."""
    for element in _elements(file, start, end):
        if element.end is None:
            return None
        if element.end > end:
            return f"the element at byte {element.start:,} reaches past the end of its segment"
        if element.identifier != _CLUSTER:
            continue
        file.seek(element.start)
        head = file.read(6)
        if head[:2] == bytes((_CRC32, 0x84)) and _crc32(file, element.end - element.start - 6) != int.from_bytes(head[2:], "little"):
            return f"the frames stored from byte {element.start:,} on differ from their checksum"
    return None


def _crc32(file: BinaryIO, length: int) -> int:
    """Of the next `length` bytes, read piece by piece."""
    checksum = 0
    while length > 0 and (piece := file.read(min(length, 1 << 20))):
        checksum = zlib.crc32(piece, checksum)
        length -= len(piece)
    return checksum


def _elements(file: BinaryIO, position: int, end: int) -> Iterator[_Element]:
    """The EBML elements of one level, until one of unknown size or the end."""
    while position < end:
        file.seek(position)
        head = file.read(12)
        marker = 9 - head[0].bit_length() if head else 9
        if marker > 4 or len(head) <= marker or not head[marker]:
            return
        identifier = int.from_bytes(head[:marker], "big")
        width = 9 - head[marker].bit_length()
        bits = 7 * width
        length = int.from_bytes(head[marker : marker + width], "big") & ((1 << bits) - 1)
        start = position + marker + width
        known = None if length == (1 << bits) - 1 else start + length
        yield _Element(identifier, start, known)
        if known is None:
            return
        position = known
