"""Where what can be computed again is kept between runs; all of it may be deleted at any time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def cache_folder() -> Path:
    """$VGBENCH_CACHE, else vgbench in the user's cache folder."""
    own = os.environ.get("VGBENCH_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(own) if own else base / "vgbench"


def packs_folder() -> Path:
    """Where `vgbench data prepare` keeps packed splits."""
    return cache_folder() / "packed"


def keep(path: Path, text: str) -> bool:
    """Write a small file of the cache, whole or not at all; False where that cannot be done, which costs only time later."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        return False
    return True
