"""What lies in a folder, by names, sizes and times alone: enough to know that nothing has changed since it was read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from vgbench.files import write_cached


def folder_signature(root: Path) -> str | None:
    """A hash over the path, size and times of change of each file in and below a folder, or of a single file.

    Nothing is opened, so that a folder of a million files takes seconds. Links are followed, each folder is looked into once, hidden
    names are passed over.  None: something cannot be looked at, or changes meanwhile, so that nothing is known.
    """
    total = hashlib.sha256()
    try:
        for name, *facts in sorted(_files(root)):
            total.update(f"{name}\0{facts}\n".encode(errors="surrogateescape"))
    except OSError:
        return None
    return total.hexdigest()


def _files(root: Path) -> Iterator[tuple[str, int, int, int]]:
    """Path below the root, size in bytes, and the times in nanoseconds when content and entry were changed last."""
    if not root.is_dir():
        yield "", *_facts(os.stat(root))
        return
    visited: set[tuple[int, int]] = set()
    waiting = [(str(root), "")]
    while waiting:
        folder, prefix = waiting.pop()
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in visited:
            continue
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    waiting.append((entry.path, f"{prefix}{entry.name}/"))
                elif entry.is_file():
                    yield f"{prefix}{entry.name}", *_facts(entry.stat())


def _facts(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


class KnownFingerprints:
    """Fingerprints of splits that were read once, by what decides them and by the folder's signature; in a folder of small files.

    So a training on a terabyte of pictures does not read it all to learn that it is what it was.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, facts: Mapping[str, object]) -> str | None:
        """The fingerprint, or None where it is not known."""
        try:
            text = (self._folder / _name(facts)).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text or None

    def put(self, facts: Mapping[str, object], fingerprint: str) -> None:
        """Remember a fingerprint; where nothing can be written it is computed again next time."""
        write_cached(self._folder / _name(facts), fingerprint)


def _name(facts: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
