"""Smooth noise over the sky and time: quadratic B-splines through hashed values, in whole numbers."""

from __future__ import annotations

import numpy as np

from vgbench_datasets.sky.fixed import FULL, Ints, mix32

TILE = 64
"""The lattice repeats after so many points in each direction; a power of two."""
PERIOD = TILE << 12
"""What may be added to a Q12 coordinate without changing the noise there."""

_ROW = TILE + 2
"""Points in a stored row: the first two are repeated at its end, so that no tap needs to wrap."""


def spline_weights(fraction: Ints) -> tuple[Ints, Ints, Ints]:
    """The three weights of the uniform quadratic B-spline at a Q12 fraction; they add up to exactly 1 in Q12."""
    first = FULL - fraction
    first *= first
    first >>= 13
    last = fraction * fraction
    last >>= 13
    middle = FULL - first
    middle -= last
    return first, middle, last


def _knots(key: int, first: int, count: int) -> Ints:
    """(count, TILE, TILE) values in Q14 within [-1, 1): one lattice at each knot of time from `first` on."""
    points = mix32(np.arange(TILE * TILE, dtype=np.uint32) + np.uint32(key & 0xFFFFFFFF))
    times = np.array([((first + n) * 0x9E3779B1 ^ (key >> 32)) & 0xFFFFFFFF for n in range(count)], dtype=np.uint32)
    values = mix32(points[None, :] ^ mix32(times)[:, None]) >> np.uint32(17)
    return (values.astype(np.int32) - (1 << 14)).reshape(count, TILE, TILE)


def lattice(key: int, frames: range, knot_frames: int) -> Ints:
    """(T, TILE + 2, TILE + 2) values in Q14: the lattice at each of T successive frames.

    Along time the values follow a B-spline whose knots lie `knot_frames` apart. Each row of the lattice has its own phase, else
    the whole picture would gain and lose contrast in step.
    """
    rows = np.arange(TILE)
    phases = (mix32(rows.astype(np.uint32) + np.uint32(key >> 40)) % np.uint32(knot_frames * FULL)).astype(np.int64)
    times = np.array(frames, dtype=np.int64)[:, None] * FULL + phases
    first, last = frames[0] // knot_frames, frames[-1] // knot_frames + 1
    knots = _knots(key, first, last - first + 3)
    position = times // knot_frames
    index = (position >> 12) - first
    weights = spline_weights((position & (FULL - 1)).astype(np.int32))
    values = np.zeros((len(frames), TILE, TILE), np.int32)
    for tap, weight in enumerate(weights):
        values += knots[index + tap, rows] * weight[:, :, None]
    values >>= 12
    return np.pad(values, ((0, 0), (0, 2), (0, 2)), mode="wrap")


def noise(values: Ints, u: Ints, v: Ints) -> Ints:
    """Smooth noise in Q16 within [-1, 1] at the Q12 coordinates u, v, (T, H, W) each, of a `lattice` of T frames.

    u counts lattice columns, v lattice rows; the standard deviation is about 0.24.
    """
    flat = values.reshape(-1)
    cell = (v >> 12 & TILE - 1) * _ROW + (u >> 12 & TILE - 1)
    index = cell + np.arange(len(values))[:, None, None] * (_ROW * _ROW)
    across = spline_weights(u & FULL - 1)
    total = np.zeros(u.shape, np.int32)
    tap, row = np.empty_like(total), np.empty_like(total)
    for j, down in enumerate(spline_weights(v & FULL - 1)):
        row.fill(0)
        for i, weight in enumerate(across):
            flat[j * _ROW + i :].take(index, out=tap, mode="clip")  # clipping is the one mode that fills `out` unbuffered
            tap *= weight
            row += tap
        row >>= 10
        row *= down
        total += row
    total >>= 12
    return total
