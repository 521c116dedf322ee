"""Whether each packet of a stream is one frame to be shown, told from headers, so that frames can be counted without decoding them.

H.264 may store a field in a packet (ITU-T H.264, 7.3.3), HEVC and H.264 may begin with pictures whose references were cut off (H.265, 8.1),
VP9 may store frames that are never shown. Where the headers do not exclude all of these, only decoding counts exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.video.stream import VideoStream

# fmt: off
_INTRA = frozenset({"ffv1", "mjpeg", "png", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "prores", "dnxhd"})
# fmt: on
_VP9 = frozenset({"vp9", "libvpx-vp9"})
_AV1 = frozenset({"av1", "libdav1d", "libaom-av1"})
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""H.264's profiles whose parameter sets carry the chroma format."""


class FrameRule:
    """Watches the packets of one stream; `holds` as long as each was one frame."""

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._codec = codec
        self.is_entry = False
        """Whether decoding may begin at the packet seen last, and gives the same frames as from the beginning; where `holds`."""
        self._headers = extradata or b""
        self._is_first = True
        if codec == "h264":
            self.holds = self._headers[:1] == b"\x01" and _is_progressive(self._headers)
        elif codec == "hevc":
            self.holds = self._headers[:1] == b"\x01" and _shows_every_picture(self._headers)
        else:
            self.holds = codec in _INTRA or codec in _VP9 or codec in _AV1

    def watch(self, packet: av.Packet[VideoStream]) -> None:
        """Take in the next packet; `holds` may become False, never True again."""
        if not self.holds:
            return
        if self._codec in _INTRA:
            self.is_entry = packet.is_keyframe  # FFV1 may carry what it has learnt about pixels from frame to frame
            return
        if self._codec == "h264":
            self.holds = self._is_h264_frame(bytes(packet))
        elif self._codec == "hevc":
            self.holds = self._is_hevc_frame(bytes(packet))
        else:
            self.is_entry = self._codec in _VP9 and packet.is_keyframe  # a key frame of AV1 may be shown later than it is stored
            self.holds = (packet.is_keyframe or not self._is_first) and (self._codec in _AV1 or _is_shown_vp9(bytes(packet)))
        self._is_first = False

    def _is_h264_frame(self, packet: bytes) -> bool:
        """A picture; the first one is IDR; no parameter sets that the header lacks, and no end of a sequence."""
        units = list(_units(packet, (self._headers[4] & 3) + 1))
        pictures = [unit[0] & 31 for unit in units if 1 <= unit[0] & 31 <= 5]
        self.is_entry = pictures[:1] == [5]
        if not pictures or (self._is_first and pictures[0] != 5):
            return False
        return not any(unit[0] & 31 in (10, 11) or (unit[0] & 31 == 7 and unit not in self._headers) for unit in units)

    def _is_hevc_frame(self, packet: bytes) -> bool:
        """A picture; the first one is IDR; none behind which leading pictures are left out (BLA, or any after an end of sequence)."""
        units = [(unit[0] >> 1 & 63, unit) for unit in _units(packet, (self._headers[21] & 3) + 1)]
        pictures = [kind for kind, _ in units if kind < 32]
        self.is_entry = pictures[:1] in ([19], [20])
        if not pictures or (self._is_first and pictures[0] not in (19, 20)) or pictures[0] in (16, 17, 18):
            return False
        return not any(kind in (36, 37) or (kind == 34 and unit not in self._headers) for kind, unit in units)


def _units(packet: bytes, width: int) -> Iterator[bytes]:
    """The NAL units of a packet, each behind its length in `width` bytes."""
    position = 0
    while position + width < len(packet):
        start = position + width
        position = start + int.from_bytes(packet[position:start], "big")
        if position > start:
            yield packet[start:position]


def _is_progressive(avcc: bytes) -> bool:
    """Whether no sequence parameter set of H.264's configuration record (ISO/IEC 14496-15, 5.3.3) allows fields."""
    if len(avcc) < 8:
        return False
    sets, position = [], 6
    for _ in range(avcc[5] & 31):
        end = position + 2 + int.from_bytes(avcc[position : position + 2], "big")
        sets.append(avcc[position + 2 : end])
        position = end
    return bool(sets) and all(_frames_only(one) for one in sets)


def _frames_only(parameters: bytes) -> bool:
    """frame_mbs_only_flag of a sequence parameter set (ITU-T H.264, 7.3.2.1.1); False where it is not found easily."""
    bits = _Bits(parameters[1:])
    try:
        profile = bits.fixed(24) >> 16
        bits.golomb()
        if profile in _HIGH_PROFILES:
            if bits.golomb() == 3:
                bits.fixed(1)
            bits.golomb()
            bits.golomb()
            if bits.fixed(2) & 1:  # scaling lists follow
                return False
        bits.golomb()
        order = bits.golomb()
        if order == 1:
            bits.fixed(1)
            bits.golomb()
            bits.golomb()
            for _ in range(bits.golomb()):
                bits.golomb()
        elif order == 0:
            bits.golomb()
        bits.golomb()
        bits.fixed(1)
        bits.golomb()
        bits.golomb()
        return bits.fixed(1) == 1
    except EOFError:
        return False


def _shows_every_picture(hvcc: bytes) -> bool:
    """Whether no picture parameter set of HEVC's configuration record (ISO/IEC 14496-15, 8.3.3) lets pictures be hidden."""
    if len(hvcc) < 23:
        return False
    sets, position = [], 23
    for _ in range(hvcc[22]):
        kind, count = hvcc[position] & 63, int.from_bytes(hvcc[position + 1 : position + 3], "big")
        position += 3
        for _ in range(count):
            end = position + 2 + int.from_bytes(hvcc[position : position + 2], "big")
            sets += [hvcc[position + 2 : end]] if kind == 34 else []
            position = end
        if position >= len(hvcc):
            break
    return bool(sets) and not any(_may_hide(one) for one in sets)


def _may_hide(parameters: bytes) -> bool:
    """output_flag_present_flag of a picture parameter set (ITU-T H.265, 7.3.2.3.1)."""
    bits = _Bits(parameters[2:])
    try:
        bits.golomb()
        bits.golomb()
        return bits.fixed(2) & 1 == 1
    except EOFError:
        return True


def _is_shown_vp9(packet: bytes) -> bool:
    """Whether a VP9 packet ends in a shown frame: a superframe, a frame shown again, or one with show_frame (VP9 specification, 6.2)."""
    if packet[-1] & 0xE0 == 0xC0:
        return True
    profile = packet[0] >> 5 & 1 | packet[0] >> 3 & 2
    shift = 2 if profile == 3 else 3
    return bool(packet[0] >> shift & 1 or packet[0] >> (shift - 2) & 1)


class _Bits:
    """Bits of a NAL unit's payload, without the bytes that keep start codes apart."""

    def __init__(self, payload: bytes) -> None:
        payload = payload.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value, self._left = int.from_bytes(payload, "big"), 8 * len(payload)

    def fixed(self, count: int) -> int:
        """The next `count` bits.  Raises EOFError."""
        if count > self._left:
            raise EOFError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """An unsigned Exp-Golomb number (H.264, 9.1)."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)
