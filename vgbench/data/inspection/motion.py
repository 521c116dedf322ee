"""How much moves in each clip of a split, measured once and remembered."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from vgbench.errors import VgbenchError
from vgbench.files import cache_folder, write_cached

if TYPE_CHECKING:
    from torch import Tensor

    from vgbench.data.clips import Clip


def motions(key: str, clips: Sequence[Clip], read: Callable[[Clip], Tensor]) -> dict[str, float]:
    """Clip id → mean |x_{t+1} − x_t| of values in [0, 1]; infinite for a clip that cannot be read, which is an error of its own.

    key: what decides the pixels of the split; what was measured under it is not read again.
    """
    path = cache_folder() / "motion" / f"{key}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        known = {name: float(value) for name, value in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        known = {}
    names = [f"{clip.clip_id}+{clip.length}" + (f" of {clip.offsets}" if clip.offsets else "") for clip in clips]
    missing = [(name, clip) for name, clip in zip(names, clips, strict=True) if name not in known]
    for name, clip in missing:
        with suppress(VgbenchError):
            known[name] = motion(read(clip))
    if missing:
        write_cached(path, json.dumps(known))
    return {clip.clip_id: known.get(name, math.inf) for name, clip in zip(names, clips, strict=True)}


def motion(frames: Tensor) -> float:
    """mean |x_{t+1} − x_t| of uint8 (T, C, H, W), for values in [0, 1]; 0 for a single frame."""
    values = frames.float() / 255
    return float((values[1:] - values[:-1]).abs().mean()) if len(values) > 1 else 0.0
