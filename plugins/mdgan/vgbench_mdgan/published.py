"""The authors' released weights: their names for the layers, and ours.

One file holds the state of one generator, G1 (stage I) or G2 (stage II); both have the same keys and shapes. With N levels (5 at the
paper's size):

    theirs                            here
    downConv1 … downConvN             encoder.0.0 … encoder.(N−1).0
    downBN2 … downBNN                 encoder.1.1 … encoder.(N−1).1
    downConv(N+1)                     bottleneck
    upConv1 … upConvN                 decoder.0.0 … decoder.(N−1).0
    upBN1 … upBNN                     decoder.0.1 … decoder.(N−1).1
    upConv(N+1)                       output
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from vgbench import CheckpointError


def layer_names(n_levels: int) -> dict[str, str]:
    """Their name of each layer → ours."""
    down = {f"downConv{level + 1}": f"encoder.{level}.0" for level in range(n_levels)}
    up = {f"upConv{level + 1}": f"decoder.{level}.0" for level in range(n_levels)}
    down_norms = {f"downBN{level + 1}": f"encoder.{level}.1" for level in range(1, n_levels)}
    up_norms = {f"upBN{level + 1}": f"decoder.{level}.1" for level in range(n_levels)}
    ends = {f"downConv{n_levels + 1}": "bottleneck", f"upConv{n_levels + 1}": "output"}
    return down | down_norms | up | up_norms | ends


def translated(state: Mapping[str, Any], n_levels: int) -> dict[str, Any]:
    """A released state under our names; one saved from several GPUs, its keys begun with `module.`, serves as well.

    The count of batches that newer versions of torch keep for batch norm is 0 where the file has none; nothing reads it.
    CheckpointError: a key belongs to no layer of theirs at this depth.
    """
    names = layer_names(n_levels)
    found: dict[str, Any] = {}
    for key, value in state.items():
        layer, _, kind = str(key).removeprefix("module.").rpartition(".")
        if layer not in names:
            raise CheckpointError(
                f"mdgan: '{key}' is no layer of the authors' generators with {n_levels} levels, which have {', '.join(sorted(names))}; "
                "the file is of another model or depth."
            )
        found[f"{names[layer]}.{kind}"] = value
        if kind == "running_mean":
            found.setdefault(f"{names[layer]}.num_batches_tracked", _no_batches())
    return found


def _no_batches() -> Tensor:
    return torch.tensor(0, dtype=torch.long)
