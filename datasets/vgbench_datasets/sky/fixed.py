"""Fixed-point numbers: the only arithmetic of the procedural sky.

A number in Qn is a whole number that counts 2**-n. Python integers carry what belongs to a scene or a frame, int32 arrays what belongs
to a pixel. Sums, products, shifts and floor divisions of whole numbers have one result everywhere; floating point, library
functions and library random streams are not used.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]

UNIT = 1 << 16
"""One, in the Q16 of scenes and coordinates."""
FULL = 1 << 12
"""One, in the Q12 of weights."""
TURN = 1 << 16
"""A whole turn, as angles count it."""

_MASK64 = (1 << 64) - 1


def mix64(value: int) -> int:
    """A 64-bit number scrambled one-to-one: splitmix64's finaliser (Steele, Lea and Flood 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK64
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK64
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK64
    return value ^ (value >> 31)


def mix32(values: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Each 32-bit number scrambled one-to-one: MurmurHash3's finaliser."""
    values = values ^ (values >> np.uint32(16))
    values = values * np.uint32(0x85EBCA6B)
    values = values ^ (values >> np.uint32(13))
    values = values * np.uint32(0xC2B2AE35)
    return values ^ (values >> np.uint32(16))


class Draws:
    """An endless stream of whole numbers from a 64-bit key."""

    def __init__(self, key: int) -> None:
        self._state = mix64(key)

    def key(self) -> int:
        """The next 64-bit number."""
        self._state = mix64(self._state)
        return self._state

    def between(self, low: int, high: int) -> int:
        """The next number, low ≤ number ≤ high, even to within 2**-40 for the ranges used here."""
        return low + self.key() % (high - low + 1)


def sine(angle: int) -> int:
    """The sine of an angle in 1/65536 turns, in Q16, to within 0.002: Bhaskara's rational approximation."""
    half = TURN // 2
    position = angle % half
    product = position * (half - position)
    value = 16 * product * UNIT // (5 * half * half - 4 * product)
    return value if angle % TURN < half else -value


def cosine(angle: int) -> int:
    """The cosine of an angle in 1/65536 turns, in Q16, to within 0.002."""
    return sine(angle + TURN // 4)


def smooth_step(values: Ints, low: int, high: int) -> Ints:
    """0 up to `low`, 1 from `high`, and 3x² − 2x³ between them, in Q12; high − low must not exceed 2**18."""
    position = (np.clip(values, low, high) - low) * FULL // (high - low)
    return (position * position >> 12) * (3 * FULL - 2 * position) >> 12


def blend(below: Ints, above: Ints | int, weight: Ints | int) -> Ints:
    """`below` where the weight is 0, `above` where it is 1; colours in Q8 (0 to 65280), weights in Q12."""
    return below + ((above - below) * weight >> 12)
