"""Mean structural similarity by matrix products, on any device.

Tiles are cut by the shape of one clip alone, never across clips, so that a clip's bits do not depend on its batch.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vgbench.metrics.similarity.windows import Stability, Term, Window, slide_along, slide_down

_TILE_VALUES_CPU = 1 << 17
"""Values of one map in a tile: the four maps of a tile, 4 MiB, stay in the processor's cache."""
_TILE_VALUES_ELSEWHERE = 1 << 24


class _Tile(NamedTuple):
    """The buffers of one tile, allocated once and used again for the next one."""

    maps: Tensor
    """(rows + size − 1, 4, planes, columns + size − 1)."""
    down: Tensor
    """(rows, 4, planes, columns + size − 1)."""
    filtered: Tensor
    """(rows, 4, planes, columns)."""
    spare: Tensor
    """(2, rows, planes, columns)."""

    def part(self, rows: int, planes: int) -> _Tile:
        """The same memory for a smaller tile, contiguous again."""
        margin = self.maps.shape[0] - self.down.shape[0]
        before, after = self.maps.shape[3], self.filtered.shape[3]
        return _Tile(
            _first(self.maps, (rows + margin, 4, planes, before)),
            _first(self.down, (rows, 4, planes, before)),
            _first(self.filtered, (rows, 4, planes, after)),
            _first(self.spare, (2, rows, planes, after)),
        )


def mean_similarity(x: Tensor, y: Tensor, window: Window, stability: Stability, term: Term) -> Tensor:
    """(N, P, H, W) twice → (N, P), as `vgbench.metrics.similarity.similarity.mean_similarity` says."""
    clips, planes, height, width = x.shape
    rows, columns = height - window.size + 1, width - window.size + 1
    tile_planes, tile_rows = _tile_size(x, rows, planes)
    tile = _allocate(tile_planes, tile_rows, columns, window, x.device)
    result = torch.empty(clips, planes, dtype=torch.float64, device=x.device)
    for clip in range(clips):
        for first in range(0, planes, tile_planes):
            chosen = slice(first, first + tile_planes)
            sums = []
            for top in range(0, rows, tile_rows):
                reach = slice(top, top + tile_rows + window.size - 1)
                pair = x[clip, chosen, reach].transpose(0, 1), y[clip, chosen, reach].transpose(0, 1)
                part = tile.part(len(pair[0]) - window.size + 1, pair[0].shape[1])
                sums.append(_row_sums(*pair, part, window, stability, term))
            result[clip, chosen] = torch.cat(sums).T.contiguous().sum(-1) / (rows * columns)
    return result


def _row_sums(x: Tensor, y: Tensor, tile: _Tile, window: Window, stability: Stability, term: Term) -> Tensor:
    """(rows + size − 1, planes, W) twice → (rows, planes): similarity summed over the columns."""
    _fill(x, y, tile.maps, stability)
    slide_down(tile.maps.flatten(1), window, tile.down.flatten(1))
    slide_along(tile.down.flatten(0, 2), window, tile.filtered.flatten(0, 2))
    return _similarity(tile.filtered, tile.spare, stability, term).sum(-1)


def _fill(x: Tensor, y: Tensor, maps: Tensor, stability: Stability) -> None:
    """Write u, v, u² and v² into `maps`; u² carries 2(C₁ + C₂), which the window passes unchanged."""
    u, v, uu, vv = maps.unbind(1)
    uu.copy_(x)
    vv.copy_(y)
    torch.add(uu, vv, out=u)
    torch.sub(uu, vv, out=v)
    torch.mul(u, u, out=uu)
    uu.add_(2 * (stability.luminance + stability.contrast))
    torch.mul(v, v, out=vv)


def _similarity(filtered: Tensor, spare: Tensor, stability: Stability, term: Term) -> Tensor:
    """The quotient that `vgbench.metrics.similarity.similarity` gives, in place; few operations, since each is a pass through memory."""
    u, v, uu, vv = filtered.unbind(1)
    mean_u, mean_v = spare
    torch.mul(u, u, out=mean_u).add_(2 * stability.luminance)  # μᵤ² + 2C₁
    torch.mul(v, v, out=mean_v)  # μᵥ²
    variance_u, variance_v = uu.sub_(mean_u), vv.sub_(mean_v)  # σᵤ² + 2C₂ and σᵥ²
    luminance, contrast = torch.sub(mean_u, mean_v, out=u), torch.sub(variance_u, variance_v, out=v)
    if term.clamp_contrast:
        contrast.clamp_min_(0)
    if not term.has_luminance:
        return contrast.div_(variance_u.add_(variance_v))
    numerator = luminance.mul_(contrast)
    denominator = mean_u.add_(mean_v).mul_(variance_u.add_(variance_v))
    return numerator.div_(denominator)


def _tile_size(x: Tensor, rows: int, planes: int) -> tuple[int, int]:
    """How many planes, and how many rows of results, a tile has."""
    height, width = x.shape[2:]
    budget = _TILE_VALUES_CPU if x.device.type == "cpu" else _TILE_VALUES_ELSEWHERE
    if height * width <= budget:
        return min(planes, budget // (height * width)), rows
    return 1, min(rows, max(1, budget // width - (height - rows)))


def _allocate(planes: int, rows: int, columns: int, window: Window, device: torch.device) -> _Tile:
    margin = window.size - 1

    def empty(*shape: int) -> Tensor:
        return torch.empty(shape, dtype=torch.float64, device=device)

    return _Tile(
        empty(rows + margin, 4, planes, columns + margin),
        empty(rows, 4, planes, columns + margin),
        empty(rows, 4, planes, columns),
        empty(2, rows, planes, columns),
    )


def _first(buffer: Tensor, shape: tuple[int, ...]) -> Tensor:
    return buffer.view(-1)[: torch.Size(shape).numel()].view(shape)
