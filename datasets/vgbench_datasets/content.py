"""What the files of a split contain, as one hash: it changes whenever a pixel could."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from vgbench import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """`work(item)` for each item, in their order, by as many threads as suit reading files."""
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1)), thread_name_prefix="vgbench-data") as pool:
        return list(pool.map(work, items))


def files_digest(files: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of files, in their order.  Raises DataError for one that cannot be read."""
    total = hashlib.sha256()
    for path in files:
        total.update(f"{path.name}\0{_file_digest(path)}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def _file_digest(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check the file and its permissions.") from error


def split_digest(dataset: str, digests: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over a data set's name and the (source_id, digest) pairs of a split, in their order."""
    total = hashlib.sha256(f"{dataset}\n".encode())
    for source_id, digest in digests:
        total.update(f"{source_id}\0{digest}\n".encode(errors="surrogateescape"))
    return total.hexdigest()
