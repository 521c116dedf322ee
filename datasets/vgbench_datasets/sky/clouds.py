"""Clouds: octaves of evolving noise on a plane above the viewer, seen in perspective and carried by the wind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vgbench_datasets.sky.fixed import FULL, UNIT, Ints, cosine, mix64, sine, smooth_step
from vgbench_datasets.sky.noise import PERIOD, lattice, noise
from vgbench_datasets.sky.scene import Layer, Scene
from vgbench_datasets.sky.view import View

_LIFT = UNIT * 38 // 100
"""Added to the height above the horizon, so that the plane stays within reach there: the nearest it gets to edge-on."""

_FREQUENCIES = (100, 211, 437, 913, 1890)
"""Of each octave, in hundredths of the coarsest: not quite doubling, so that no two lattices line up."""
_GAINS = (100, 56, 31, 18, 11)
"""Of each octave, in hundredths."""
_LIT_OCTAVES = 2
"""Only so many of the coarsest octaves are shaded, and pull the finer ones about."""


class Plane(NamedTuple):
    """Where on a plane of clouds each pixel looks, and how many pixels one unit takes there."""

    along: Ints
    """(1, H, W) Q16, along the wind, shortened by the layer's stretch."""
    across: Ints
    """(1, H, W) Q16, across it."""
    resolution: Ints
    """(1, H, 1) pixels per unit of the plane where it is most foreshortened, Q4."""


def plane_of(scene: Scene, layer: Layer, view: View) -> Plane:
    """The plane of a layer as a view sees it: distance grows as one over the height above the horizon."""
    height = np.maximum(scene.horizon - view.y, 0).astype(np.int64) + _LIFT
    distance = (UNIT * UNIT) // height
    u, v = view.x * distance >> 16, np.broadcast_to(distance, (1, view.y.size, view.x.size))
    cos, sin = cosine(layer.heading), sine(layer.heading)
    along = ((u * cos + v * sin) >> 16) * UNIT // layer.stretch
    across = (v * cos - u * sin) >> 16
    pixel = np.maximum(distance * view.pixel_width >> 16, (distance * distance >> 16) * view.pixel_height >> 16)
    resolution = (UNIT << 4) // np.maximum(pixel, 1)
    return Plane(along.astype(np.int32), across.astype(np.int32), resolution.astype(np.int32))


def octave_weight(resolution: Ints, frequency: int) -> Ints:
    """How much of an octave a row can show, Q12: all of it from 1.5 pixels a lattice point, nothing below 0.5."""
    pixels = resolution.astype(np.int64) * UNIT // frequency
    return smooth_step(np.minimum(pixels, 1 << 10).astype(np.int32), 8, 24)


def cloud_field(layer: Layer, plane: Plane, frames: range, toward: tuple[int, int]) -> tuple[Ints, Ints]:
    """The sum of octaves, and how much it falls towards the light, (T, H, W) in Q16 each.

    toward: a step on the plane towards the light, along and across the wind, Q16.
    """
    total = np.zeros((len(frames), *plane.along.shape[1:]), np.int32)
    relief = np.zeros_like(total)
    warp = np.zeros_like(total)
    for octave in range(layer.octaves):
        frequency = layer.frequency * _FREQUENCIES[octave] // 100
        weight = octave_weight(plane.resolution, frequency)
        if not weight.any():
            break
        values = lattice(mix64(layer.key + octave), frames, max(layer.knot_frames * 3 // (3 + 2 * octave), 6))
        along, across = _octave_coordinates(layer, plane, octave, frequency, frames)
        along, across = along + (warp * (frequency >> 8) >> 12), across - (warp * (frequency >> 8) >> 12)
        one = noise(values, along, across)
        gain = FULL * _GAINS[octave] // 100
        total += (one * gain >> 12) * weight >> 12
        if octave < _LIT_OCTAVES:
            step = [int(part) * frequency >> 20 for part in toward]
            ahead = noise(values, along + step[0], across + step[1])
            relief += (one - ahead) * gain >> 12
            warp += one * gain // (5 * FULL)
    return total, relief


def _octave_coordinates(layer: Layer, plane: Plane, octave: int, frequency: int, frames: range) -> tuple[Ints, Ints]:
    """Lattice coordinates of an octave in Q12, (T, H, W): finer octaves drift a little faster, as the wind shears the cloud."""
    speed = layer.wind * (32 + octave) // 32 * UNIT // layer.stretch
    drift = [-(frame * speed * frequency >> 20) % PERIOD for frame in frames]
    along = (plane.along.astype(np.int64) * frequency >> 20).astype(np.int32)
    across = (plane.across.astype(np.int64) * frequency >> 20).astype(np.int32)
    along_t = along + np.array(drift, dtype=np.int32)[:, None, None]
    return along_t, np.broadcast_to(across, along_t.shape)
