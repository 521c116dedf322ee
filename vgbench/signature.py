"""What lies in a folder, by names, sizes and times alone: enough to know that nothing has changed since it was read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from vgbench.errors import DataError


def folder_signature(root: Path) -> str:
    """A hash over the path, size and time of change of each file in and below a folder, or of a single file.

    Nothing is opened, so that a folder of a million files takes seconds. Links are followed, but never back into a folder that one is
    inside of.  DataError: a folder cannot be listed.
    """
    total = hashlib.sha256()
    for name, size, changed in sorted(_files(root, "", ())):
        total.update(f"{name}\0{size}\0{changed}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def _files(folder: Path, prefix: str, ancestors: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, int, int]]:
    try:
        status = os.stat(folder)
        if not os.path.isdir(folder):
            yield folder.name, status.st_size, status.st_mtime_ns
            return
        here = (status.st_dev, status.st_ino)
        if here in ancestors:
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    yield from _files(Path(entry.path), f"{prefix}{entry.name}/", (*ancestors, here))
                elif entry.is_file():
                    status = entry.stat()
                    yield f"{prefix}{entry.name}", status.st_size, status.st_mtime_ns
    except OSError as error:
        raise DataError(f"{error.filename or folder} cannot be read: {error.strerror}. Check its permissions.") from error


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
        path = self._folder / _name(facts)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(fingerprint, encoding="ascii")
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)


def _name(facts: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
