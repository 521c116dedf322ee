"""Which code a plugin is, beyond its version number."""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vgbench.plugins.discovery import CORE, Plugin

_CODE = {".py", ".so", ".pyd"}
_GIT_SECONDS = 10


@cache
def code_of(plugin: Plugin) -> dict[str, Any]:
    """`sha256`, the first digits over the plugin's source files; of one that is installed as editable from a git checkout also `commit`
    and whether its files were `changed` since.  Empty where its files cannot be found."""
    root, files = _files_of(plugin.module.partition(".")[0])
    if not files:
        return {}
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return {"sha256": digest.hexdigest()[:16], **(_checkout(root) if _is_editable(plugin.distribution) else {})}


def code_hashes(*plugins: Plugin) -> list[str] | None:
    """Hashes over the source files of the core and of plugins; None where those of one cannot be found."""
    hashes = [code_of(plugin).get("sha256") for plugin in (CORE, *plugins)]
    return None if None in hashes else [str(one) for one in hashes]


def _files_of(package: str) -> tuple[Path, list[Path]]:
    """The folder of a package and the code in it, or of a module and its file; no files where it is not found."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return Path(), []
    if spec.submodule_search_locations:
        root = Path(next(iter(spec.submodule_search_locations)))
        return root, sorted(path for path in root.rglob("*") if path.suffix in _CODE and path.is_file())
    file = Path(spec.origin or "")
    return file.parent, [file] if file.is_file() else []


def _is_editable(distribution: str) -> bool:
    try:
        text = metadata.distribution(distribution).read_text("direct_url.json")
        return bool(text) and bool(json.loads(text or "{}").get("dir_info", {}).get("editable"))
    except (metadata.PackageNotFoundError, ValueError, AttributeError):
        return False


def _checkout(folder: Path) -> dict[str, Any]:
    """The git commit around a folder, and whether a file in it differs from that; empty outside of a checkout and without git."""
    status = _git(folder, "status", "--porcelain=v2", "--branch", "--", ".")
    lines = [] if status is None else status.splitlines()
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid ")), None)
    return {} if commit is None else {"commit": commit[:12], "changed": any(not line.startswith("#") for line in lines)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=_GIT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
