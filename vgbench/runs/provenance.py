"""What a run was made with: the command, versions, the git commit and the machine."""

from __future__ import annotations

import os
import platform
import sys
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from vgbench.version import __version__


def provenance() -> dict[str, Any]:
    """What a run was made with: the command, versions, git commit and machine."""
    packages = ("torch", "numpy", "av", "pillow", "pandas", "lightning-fabric", "numba")
    return {
        "argv": tuple(sys.argv),
        "versions": {"vgbench": __version__, "python": platform.python_version(), **{name: _version(name) for name in packages}},
        "git": _git_commit(Path.cwd()),
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count(), "threads": _threads()},
    }


def _threads() -> int | None:
    """Of torch, where it is loaded: their number decides the order of its sums, and so the last bits of what a network makes."""
    torch = sys.modules.get("torch")
    return None if torch is None else int(torch.get_num_threads())


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _git_commit(folder: Path) -> str | None:
    """The commit that is checked out around a folder, read from .git without running git; None outside a repository."""
    for parent in (folder, *folder.parents):
        try:
            head = (parent / ".git" / "HEAD").read_text().strip()
            if not head.startswith("ref: "):
                return head
            return (parent / ".git" / head.removeprefix("ref: ")).read_text().strip()
        except OSError:
            continue
    return None


def now() -> str:
    """The time with its zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
