"""How deep the networks are: which levels a frame size and a frame count give, and which sizes fit at all."""

from __future__ import annotations

from typing import NamedTuple

from vgbench import ConfigError

SMALLEST_SIDE = 32
"""The ranking loss reads the discriminator's third convolution, so there must be three: 32 → 16 → 8 → 4."""
WIDEST = 16
"""Channels double from level to level up to 16 times the first level's: 512 of the paper's 32."""


class Level(NamedTuple):
    """One strided convolution of the encoder, and its mirror in the decoder."""

    channels: int
    halves_time: bool
    """Every level halves space; only some also halve time."""


def levels(size: tuple[int, int], frames: int, width: int) -> tuple[Level, ...]:
    """The levels from the outermost in: conv1, conv2, … of the paper's table.

    Space is halved until 4×4 is left.  Time is halved until 2 frames are left, in the innermost levels; the others keep the
    frames as conv1 always does.

    ConfigError: the frame size or the frame count cannot be taken.
    """
    _check(size, frames)
    depth = (size[0] // 4).bit_length() - 1
    halvings = (frames // 2).bit_length() - 1
    return tuple(Level(channels=width * min(2**index, WIDEST), halves_time=index >= depth - halvings) for index in range(depth))


def _check(size: tuple[int, int], frames: int) -> None:
    height, width = size
    if height != width or height < SMALLEST_SIDE or not _is_power_of_two(height):
        raise ConfigError(
            f"MD-GAN cannot take frames of {height}×{width}: it halves them until 4×4 is left, three times at least, so they must be "
            f"square with a power of two from {SMALLEST_SIDE} on as their side.\n{_fitting_sizes()}"
        )
    if not 2 <= frames <= height // 4 or not _is_power_of_two(frames):
        raise ConfigError(
            f"MD-GAN cannot take {frames} frames of {height}×{width}: time is halved until 2 frames are left, in all levels but the "
            f"outermost, so frames must be a power of two from 2 to a quarter of the side, here {height // 4}.\n{_fitting_sizes()}"
        )


def _is_power_of_two(number: int) -> bool:
    return number > 0 and number.bit_count() == 1


def _fitting_sizes() -> str:
    examples = []
    for side in (32, 64, 128, 256):
        counts = [str(2**power) for power in range(1, (side // 4).bit_length())]
        examples.append(f"{side}×{side} with {', '.join(counts[:-1])} or {counts[-1]} frames")
    return f"Sizes that fit: {'; '.join(examples)}; and so on."
