"""Pictures of a scene: sky, sun, two layers of clouds, haze and hills, laid over each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vgbench_datasets.sky.clouds import cloud_field, plane_of
from vgbench_datasets.sky.fixed import FULL, UNIT, Ints, blend, smooth_step
from vgbench_datasets.sky.ground import ground_weight, haze_weight
from vgbench_datasets.sky.light import Light, light_of
from vgbench_datasets.sky.scene import Layer, Scene
from vgbench_datasets.sky.view import View, view_of

_CHUNK = 1 << 16
"""Pixels rendered at a time, so that the work stays in the processor's cache and memory does not grow with the length."""
_WHITE = 255 << 8
_TOWARD_LIGHT = (-UNIT * 4 // 100, -UNIT * 5 // 100)
"""A step on a plane of clouds, along and across its wind: towards the viewer, for clouds are lit from above."""


def render(scene: Scene, start: int, frames: int, size: tuple[int, int], native: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """uint8 (frames, 3, H, W) of a scene from frame `start` on; each frame depends on its number alone.

    size: height and width in pixels.  native: the height and width whose ratio is the scene's aspect.
    """
    view = view_of(size, native)
    video = np.empty((frames, 3, *size), np.uint8)
    step = max(1, _CHUNK // (size[0] * size[1]))
    for first in range(0, frames, step):
        part = video[first : first + step]
        _render_chunk(scene, view, range(start + first, start + first + len(part)), part)
    return video


def _render_chunk(scene: Scene, view: View, frames: range, video: npt.NDArray[np.uint8]) -> None:
    """Fill `video`, uint8 (T, 3, H, W), with T successive frames."""
    light = light_of(scene, frames)
    halo, disc = sun_weights(light, view)
    low, low_lit = _layer_weights(scene, scene.low, view, frames)
    high, high_lit = _layer_weights(scene, scene.high, view, frames)
    high = high * 3 >> 2
    fade, haze = _sky_fade(scene, view), haze_weight(scene, view)
    far, near = ground_weight(scene, view, 0), ground_weight(scene, view, 1)
    behind_high, behind_low = disc * (FULL - high * 3 // 4) >> 12, FULL - low
    rim = halo * (FULL - (low >> 1)) >> 12
    for channel in range(3):
        zenith, horizon, glow, lit, shaded, ground = (colour[:, channel] for colour in light[3:])
        sky = blend(blend(zenith, horizon, fade), glow, halo)
        sky = blend(sky, blend(blend(shaded, lit, high_lit), glow, halo), high)
        sky = blend(sky, _WHITE + (glow - _WHITE) // 4, behind_high)
        cloud = blend(blend(shaded, lit, low_lit), glow, rim)
        sky = blend(sky, cloud, FULL - behind_low)
        veil = blend(horizon, glow, halo >> 1)
        sky = blend(sky, veil, haze)
        sky = blend(sky, blend(ground, veil, FULL * 45 // 100), far)
        sky = blend(sky, blend(ground, veil, FULL * 8 // 100), near)
        video[:, channel] = np.clip(sky + 128 >> 8, 0, 255)


def _sky_fade(scene: Scene, view: View) -> Ints:
    """(1, H, 1) the horizon's share of the clear sky's colour, Q12: squared, so that the blue reaches far down."""
    left = FULL - (np.clip(scene.horizon - view.y, 0, UNIT * 7 // 8) >> 4) * 8 // 7
    return left * left >> 12


def sun_weights(light: Light, view: View) -> tuple[Ints, Ints]:
    """How much of the sun's glow and of its disc each pixel shows, (T, H, W) in Q12 each."""
    x = (view.x >> 4).astype(np.int64) - light.sun_x
    y = (view.y >> 4).astype(np.int64) - light.sun_y
    square = x * x + y * y
    wide, close = (FULL * 36 // 100) ** 2, (FULL * 5 // 100) ** 2
    halo = wide * FULL // (wide + square)
    corona = close * FULL // (close + square)
    halo, corona = (halo * light.sun >> 12).astype(np.int32), (corona * light.sun >> 12).astype(np.int32)
    radius = FULL * 4 // 100
    distance = np.minimum(square, 4 * radius * radius).astype(np.int32)
    disc = FULL - smooth_step(distance, radius * radius // 3, radius * radius)
    return halo * 3 >> 2, np.maximum(disc * light.sun >> 12, corona * 7 >> 3)


def _layer_weights(scene: Scene, layer: Layer, view: View, frames: range) -> tuple[Ints, Ints]:
    """How opaque a layer is, and how much of its light side one sees, (T, H, W) in Q12 each."""
    field, relief = cloud_field(layer, plane_of(scene, layer, view), frames, _TOWARD_LIGHT)
    opaque = smooth_step(field, layer.threshold, layer.threshold + layer.softness)
    depth = np.clip(field - layer.threshold, 0, UNIT)
    lit = FULL * 88 // 100 + (relief >> 3) - (depth >> 4) * 5 // 4
    return opaque, np.clip(lit, 0, FULL)
