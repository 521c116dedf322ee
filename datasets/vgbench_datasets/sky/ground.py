"""The hills on the horizon: two ridges, each a line over x, dark against the sky."""

from __future__ import annotations

import numpy as np

from vgbench_datasets.sky.fixed import FULL, UNIT, Ints, mix64
from vgbench_datasets.sky.noise import lattice, noise
from vgbench_datasets.sky.scene import Scene
from vgbench_datasets.sky.view import View


def ridge(scene: Scene, view: View, which: int) -> Ints:
    """(1, 1, W) y of a ridge in Q16; `which` 0 is the farther, higher and smoother one."""
    line = np.zeros(view.x.shape, np.int32)
    row = np.zeros(view.x.shape, np.int32)
    for octave in range(5):
        frequency = (3 + 2 * which) << octave
        values = lattice(mix64(scene.hills_key + 8 * which + octave), range(1), 1)
        line += noise(values, (view.x >> 4) * frequency, row) * (7, 4, 2, 1, 1)[octave] // 8
    rise = scene.hills_height * (12 - 7 * which) // 10
    return scene.horizon - rise // 2 - (line * (rise >> 4) >> 12)


def ground_weight(scene: Scene, view: View, which: int) -> Ints:
    """(1, H, W) how much of each pixel a ridge covers, Q12, the edge softened over one pixel."""
    below: Ints = view.y - ridge(scene, view, which) + view.pixel_height // 2
    return np.clip(below * FULL // view.pixel_height, 0, FULL)


def haze_weight(scene: Scene, view: View) -> Ints:
    """(1, H, 1) how much of the horizon's light veils each row, Q12: falls off with the square of the height."""
    height = np.clip(scene.horizon - view.y, 0, UNIT // 2)
    left = (UNIT // 2 - height) >> 3
    return (left * left >> 12) * scene.haze >> 12
