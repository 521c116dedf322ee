"""What one source shows: its hour, sun, clouds, winds and hills, all drawn from its key."""

from __future__ import annotations

from dataclasses import dataclass

from vgbench_datasets.sky.fixed import TURN, UNIT, Draws


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer of clouds: a plane above the viewer, carried by its own wind."""

    key: int
    """The 64-bit key of its noise."""
    frequency: int
    """Lattice points of the coarsest octave per unit of the plane, Q16."""
    octaves: int
    wind: int
    """Speed in units of the plane per frame, Q16."""
    heading: int
    """Where the wind blows to, in 1/65536 turns: 0 is to the right, a quarter turn is towards the horizon."""
    stretch: int
    """How much longer than wide the clouds are along the wind, Q16."""
    knot_frames: int
    """Frames between knots of the coarsest octave: how long a cloud takes to form or dissolve."""
    threshold: int
    """Noise, in Q16, below which the sky is clear."""
    softness: int
    """How far above the threshold a cloud is opaque, Q16."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One source. Lengths are in heights of the picture, Q16, x from the middle to the right, y from the top down."""

    horizon: int
    hour: int
    """The time of day at frame 0 in Q16: 0 is sunrise, 1 sunset; a day and its night last 1.25."""
    hour_step: int
    """How much the hour grows a frame, in 2**-24."""
    noon: int
    """x of the sun at noon."""
    high: Layer
    low: Layer
    hills_key: int
    hills_height: int
    """How far the nearer ridge rises above the horizon."""
    haze: int
    """How much of the horizon's light veils what lies at the horizon, Q12."""


def draw_scene(key: int) -> Scene:
    """The scene of a 64-bit key."""
    draws = Draws(key)
    heading = draws.between(-TURN // 7, TURN // 7)
    return Scene(
        horizon=draws.between(UNIT * 86 // 100, UNIT * 94 // 100),
        hour=_first_hour(draws),
        hour_step=draws.between((1 << 24) // 1100, (1 << 24) // 750),
        noon=draws.between(-UNIT * 12 // 100, UNIT * 12 // 100),
        high=_high_layer(draws, heading),
        low=_low_layer(draws, heading),
        hills_key=draws.key(),
        hills_height=draws.between(UNIT * 2 // 100, UNIT * 9 // 100),
        haze=draws.between(1800, 3300),
    )


def _first_hour(draws: Draws) -> int:
    """An hour of the day, Q16, dawn and dusk oftener than noon: a quarter each, where the light changes fastest."""
    dawn = draws.between(-UNIT * 2 // 100, UNIT * 9 // 100)
    dusk = draws.between(UNIT * 85 // 100, UNIT * 94 // 100)
    day = draws.between(UNIT * 9 // 100, UNIT * 85 // 100)
    return (dawn, dusk, day, day)[draws.between(0, 3)]


def _high_layer(draws: Draws, heading: int) -> Layer:
    """Thin, streaked along a slow wind that has turned a little from the one below."""
    threshold = draws.between(-UNIT * 8 // 100, UNIT * 24 // 100)
    return Layer(
        key=draws.key(),
        frequency=draws.between(UNIT * 26 // 10, UNIT * 36 // 10),
        octaves=4,
        wind=draws.between(UNIT * 6 // 1000, UNIT * 10 // 1000),
        heading=heading + draws.between(-TURN // 20, TURN // 20),
        stretch=draws.between(UNIT * 2, UNIT * 35 // 10),
        knot_frames=draws.between(48, 80),
        threshold=threshold,
        softness=draws.between(UNIT * 45 // 100, UNIT * 70 // 100),
    )


def _low_layer(draws: Draws, heading: int) -> Layer:
    """Dense and heaped, on a faster wind."""
    threshold = draws.between(-UNIT * 12 // 100, UNIT * 12 // 100)
    return Layer(
        key=draws.key(),
        frequency=draws.between(UNIT * 24 // 10, UNIT * 36 // 10),
        octaves=5,
        wind=draws.between(UNIT * 12 // 1000, UNIT * 20 // 1000),
        heading=heading,
        stretch=draws.between(UNIT, UNIT * 14 // 10),
        knot_frames=draws.between(32, 56),
        threshold=threshold,
        softness=draws.between(UNIT * 12 // 100, UNIT * 24 // 100),
    )
