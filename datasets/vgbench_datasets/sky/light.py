"""The light of the day: where the sun stands, and the colours of everything at its elevation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vgbench_datasets.sky.fixed import FULL, UNIT, Ints
from vgbench_datasets.sky.scene import Scene

DAY_AND_NIGHT = UNIT * 5 // 4
"""A day from sunrise to sunrise, in hours as `Scene.hour` counts them."""

_PALETTE = {
    # elevation of the sun, 1/100: zenith, horizon, glow, lit cloud, shaded cloud, ground
    -30: ((12, 17, 40), (34, 36, 66), (60, 44, 66), (52, 54, 80), (18, 20, 38), (5, 6, 11)),
    -14: ((26, 38, 82), (132, 84, 98), (196, 92, 72), (142, 100, 114), (36, 36, 62), (9, 10, 15)),
    0: ((42, 66, 124), (232, 144, 92), (255, 142, 62), (252, 164, 120), (68, 62, 90), (17, 16, 22)),
    14: ((52, 92, 156), (246, 192, 132), (255, 186, 98), (255, 214, 170), (88, 84, 108), (28, 27, 29)),
    34: ((46, 102, 178), (222, 210, 188), (255, 228, 172), (255, 242, 220), (104, 110, 132), (36, 41, 38)),
    65: ((34, 92, 178), (176, 206, 230), (255, 246, 222), (255, 253, 250), (112, 122, 142), (44, 54, 43)),
    100: ((28, 84, 172), (166, 200, 230), (255, 252, 242), (255, 255, 255), (118, 128, 148), (50, 62, 46)),
}
_ELEVATIONS = sorted(_PALETTE)


class Light(NamedTuple):
    """The light at each of T frames; a colour is (T, 3, 1, 1) in Q8, a number (T, 1, 1)."""

    sun_x: Ints
    """Heights of the picture from its middle, Q12."""
    sun_y: Ints
    """Heights of the picture from its top, Q12."""
    sun: Ints
    """How much of the sun's disc and glow is seen, Q12: 0 well below the horizon."""
    zenith: Ints
    horizon: Ints
    glow: Ints
    lit: Ints
    shaded: Ints
    ground: Ints


def light_of(scene: Scene, frames: range) -> Light:
    """The light of a scene at each of T frames."""
    hours = [(scene.hour + (frame * scene.hour_step >> 8)) % DAY_AND_NIGHT for frame in frames]
    elevations = [elevation(hour) for hour in hours]
    colours = np.array([colours_at(value) for value in elevations], dtype=np.int32)
    sun_x = [(scene.noon + (_day_part(hour) - UNIT // 2) * 11 // 10) >> 4 for hour in hours]
    sun_y = [(scene.horizon - value * 76 // 100) >> 4 for value in elevations]
    seen = [max(0, min(FULL, (value + UNIT * 26 // 100) * FULL // (UNIT * 26 // 100))) for value in elevations]
    return Light(*(_column(values) for values in (sun_x, sun_y, seen)), *(colours[:, n, :, None, None] for n in range(6)))


def _column(values: list[int]) -> Ints:
    return np.array(values, dtype=np.int32)[:, None, None]


def _day_part(hour: int) -> int:
    """The part of the sun's way across the picture that lies behind it, Q16; at night it returns below the horizon."""
    return hour if hour <= UNIT else (DAY_AND_NIGHT - hour) * 4


def elevation(hour: int) -> int:
    """The sun's elevation in Q16: 0 at sunrise and sunset, 1 at noon, down to −0.3 at night."""
    if hour <= UNIT:
        return 4 * hour * (UNIT - hour) // UNIT
    night = (hour - UNIT) * 4
    return -(4 * night * (UNIT - night) // UNIT) * 30 // 100


def colours_at(value: int) -> list[list[int]]:
    """The six colours of the palette, RGB in Q8, at an elevation of the sun in Q16."""
    centi = value * 100
    upper = next((n for n, key in enumerate(_ELEVATIONS) if key * UNIT >= centi), len(_ELEVATIONS) - 1)
    lower = max(upper - 1, 0)
    low, high = _ELEVATIONS[lower], _ELEVATIONS[upper]
    part = (centi - low * UNIT) * FULL // ((high - low) * UNIT) if high > low else 0
    pairs = zip(_PALETTE[low], _PALETTE[high], strict=True)
    return [[(a * 256) + ((b - a) * 256 * part >> 12) for a, b in zip(one, two, strict=True)] for one, two in pairs]
