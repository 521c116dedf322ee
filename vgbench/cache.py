"""Where what can be computed again is kept between runs; all of it may be deleted at any time."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """$VGBENCH_CACHE, else vgbench in the user's cache folder."""
    own = os.environ.get("VGBENCH_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(own) if own else base / "vgbench"


def packs_folder() -> Path:
    """Where `vgbench data prepare` keeps packed splits."""
    return cache_folder() / "packed"
