"""Features kept between runs, by the content of the clip and of the network that made them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgbench.files import cache_folder
from vgbench.scoring.kept_file import KeptFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.floating[Any]]

_TABLE = """
create table if not exists features (
    key text not null, clip blob not null, dtype text not null, width integer not null, vectors blob not null, primary key (key, clip)
) without rowid
"""


FILE = "features.sqlite"


class FeatureCache:
    """Feature key and clip digest → vectors. Where the file cannot be used, everything is computed and `problem` says why."""

    def __init__(self, path: Path | None = None, *, fresh: bool = False) -> None:
        """fresh: whether nothing that was kept is to be found, so that all is computed and kept anew."""
        self._file = KeptFile(path or cache_folder() / FILE, [_TABLE], what="Features")
        self._fresh = fresh

    @property
    def problem(self) -> str:
        """Why the file cannot be used; empty where it can."""
        return self._file.problem

    def get(self, key: str, digest: bytes) -> Vectors | None:
        """(n, D), or None where it is not known."""
        import numpy as np

        if self._fresh:
            return None
        found = self._file.find("select dtype, width, vectors from features where key = ? and clip = ?", (key, digest))
        if found is None:
            return None
        dtype, width, content = found
        try:
            return np.frombuffer(content, dtype=dtype).reshape(-1, width)
        except (ValueError, TypeError) as error:
            self._file.give_up(error)
            return None

    def has(self, key: str, digest: bytes) -> bool:
        """Whether it is known."""
        return not self._fresh and self._file.find("select 1 from features where key = ? and clip = ?", (key, digest)) is not None

    def put(self, key: str, digest: bytes, vectors: Vectors) -> None:
        """Keep (n, D)."""
        row = (key, digest, vectors.dtype.str, vectors.shape[1], vectors.tobytes())
        self._file.put(("insert or replace into features values (?, ?, ?, ?, ?)", [row]))

    def absorb(self, path: Path) -> None:
        """Keep what another cache's file holds as well."""
        self._file.absorb(path, "features")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
