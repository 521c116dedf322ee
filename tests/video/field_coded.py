"""H.264 that stores fields, written by hand: no encoder at hand makes it, camcorders do."""

from __future__ import annotations

from collections.abc import Sequence


class _Bits:
    """A NAL unit's payload, bit by bit (ITU-T H.264, 7.3)."""

    def __init__(self) -> None:
        self.text = ""

    def u(self, *widths_and_values: int) -> _Bits:
        """Unsigned numbers of fixed width: width, value, width, value …"""
        pairs = zip(widths_and_values[::2], widths_and_values[1::2], strict=True)
        self.text += "".join(f"{value:0{width}b}" for width, value in pairs)
        return self

    def ue(self, *values: int) -> _Bits:
        """Exp-Golomb numbers."""
        for value in values:
            digits = f"{value + 1:b}"
            self.text += "0" * (len(digits) - 1) + digits
        return self

    def aligned(self, samples: bytes) -> _Bits:
        self.text += "0" * (-len(self.text) % 8) + "".join(f"{byte:08b}" for byte in samples)
        return self

    def unit(self, header: int) -> bytes:
        """With start code, stop bit, and the bytes that keep start codes apart."""
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        payload, result, zeros = int(text, 2).to_bytes(len(text) // 8), bytearray(), 0
        for byte in payload:
            if zeros >= 2 and byte <= 3:
                result.append(3)
                zeros = 0
            result.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return b"\0\0\0\1" + bytes([header]) + bytes(result)


def field_coded_h264(lumas: Sequence[int]) -> bytes:
    """A stream of 16×32 pixels; each luma is one field, top and bottom in turn, of a single macroblock without compression."""
    # Main profile, level 3, 16 frame numbers, order type 2, 1 reference, 1×1 map units, frame_mbs_only_flag = 0
    parameters = _Bits().u(8, 77, 8, 0, 8, 30).ue(0, 0, 2, 2).u(1, 0).ue(0, 0).u(1, 0, 1, 0, 1, 1, 1, 0, 1, 0).unit(0x67)
    parameters += _Bits().ue(0, 0).u(1, 0, 1, 0).ue(0, 0, 0).u(1, 0, 2, 0).ue(0, 0, 0).u(1, 0, 1, 0, 1, 0).unit(0x68)
    stream = b""
    for number, luma in enumerate(lumas):
        frame, bottom = divmod(number, 2)
        stream += b"\0\0\0\1\x09\x10" + (parameters if number == 0 else b"")
        # first macroblock, I slice, parameters, frame number, field_pic_flag, bottom_field_flag
        slice_bits = _Bits().ue(0, 7, 0).u(4, frame % 16, 1, 1, 1, bottom)
        slice_bits = slice_bits.ue(0).u(1, 0, 1, 0) if number == 0 else slice_bits.u(1, 0)
        stream += slice_bits.ue(0, 25).aligned(bytes([luma] * 256 + [128] * 128)).unit(0x65 if number == 0 else 0x61)
    return stream
