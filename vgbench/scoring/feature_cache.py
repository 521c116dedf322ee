"""Features kept between runs, by the content of the clip and of the network that made them.

One SQLite file, safe for several processes and for a kill; it may be deleted at any time.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgbench.files import cache_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.floating[Any]]

_TABLE = """
create table if not exists features (
    key text not null, clip blob not null, dtype text not null, width integer not null, vectors blob not null, primary key (key, clip)
) without rowid
"""
_PATIENCE = 30.0
"""Seconds to wait for another process's write."""


class FeatureCache:
    """Feature key and clip digest → vectors. Where the file cannot be used, everything is computed and `problem` says why."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_folder() / "features.sqlite"
        self.problem = ""
        self._connection: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = normal")
            self._connection.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def get(self, key: str, digest: bytes) -> Vectors | None:
        """(n, D), or None where it is not known."""
        import numpy as np

        if self._connection is None:
            return None
        try:
            query = "select dtype, width, vectors from features where key = ? and clip = ?"
            found = self._connection.execute(query, (key, digest)).fetchone()
            if found is None:
                return None
            dtype, width, content = found
            return np.frombuffer(content, dtype=dtype).reshape(-1, width)
        except (sqlite3.Error, ValueError, TypeError) as error:
            self._give_up(error)
            return None

    def put(self, key: str, digest: bytes, vectors: Vectors) -> None:
        """Keep (n, D)."""
        if self._connection is None:
            return
        try:
            row = (key, digest, vectors.dtype.str, vectors.shape[1], vectors.tobytes())
            self._connection.execute("insert or replace into features values (?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            self._give_up(error)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _give_up(self, error: Exception) -> None:
        self.problem = f"Features are not kept between runs: {self.path}: {error}."
        self.close()
