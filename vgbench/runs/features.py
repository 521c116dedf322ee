"""Features of a run's clips: one array for each extractor, its rows named in a file beside it, both appended as they come.

`features/NAME.npy` is a plain array (rows, D) that `numpy.load` reads; line i of `features/NAME.jsonl` says whose clip the next
rows are. A kill leaves rows without a line, or a line that is torn: both are cut off when the run continues.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from vgbench.errors import RunError
from vgbench.files import writing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.floating[Any]]
    Floats = NDArray[np.float64]

FOLDER = "features"
REAL = ""
"""Stands for the generator of the real clips, which no generator can be called."""


class Owner(NamedTuple):
    """Whose rows."""

    generator: str
    """The row's label; empty for the real clips."""
    clip_id: str
    source: str
    sample: int


class Features(NamedTuple):
    """What a set metric compares: the features of one row of a table, or of the real clips."""

    vectors: Floats
    """(n, D); several rows per clip where frames have features of their own."""
    sources: list[str]
    """(n,): each row's source video."""
    n_clips: int


class FeatureWriter:
    """Appends to one extractor's array."""

    def __init__(self, run_path: Path, name: str) -> None:
        self._paths = feature_paths(run_path, name)
        self.written: set[tuple[str, str, int]] = set()
        """(generator, clip, sample) of what is there already."""
        self._rows, self._width, self._dtype = 0, 0, ""
        with writing(self._paths.array):
            self._paths.array.parent.mkdir(exist_ok=True)
            self._array: BinaryIO = open(self._paths.array, "r+b" if self._paths.array.exists() else "w+b")
            self._index = open(self._paths.names, "a+", encoding="utf-8")
            self._cut_back()

    def write(self, owner: Owner, vectors: Vectors) -> None:
        """Add one clip's rows (n, D).  RunError: the disk is full, or D is not what it was."""
        import numpy as np

        if not self._width:
            self._width, self._dtype = vectors.shape[1], np.dtype(vectors.dtype).newbyteorder("<").str
        if vectors.shape[1] != self._width:
            raise RunError(f"{self._paths.array} holds features of {self._width} numbers; {owner.clip_id} has {vectors.shape[1]}.")
        with writing(self._paths.array):
            self._array.seek(0, 2)
            if not self._array.tell():
                self._write_header()
                self._array.seek(0, 2)
            self._array.write(np.ascontiguousarray(vectors, dtype=self._dtype).tobytes())
            self._rows += len(vectors)
            self._write_header()
            self._array.flush()
            self._index.write(json.dumps(owner._asdict() | {"rows": len(vectors)}, ensure_ascii=False) + "\n")
            self._index.flush()
        self.written.add((owner.generator, owner.clip_id, owner.sample))

    def _write_header(self) -> None:
        """numpy leaves room in the header for the first axis to grow, so that it can be written again in its place."""
        import numpy as np

        self._array.seek(0)
        header = {"descr": self._dtype, "fortran_order": False, "shape": (self._rows, self._width)}
        np.lib.format.write_array_header_1_0(self._array, header)

    def _cut_back(self) -> None:
        """To the last clip that is whole in both files."""
        import numpy as np

        self._array.seek(0, 2)
        if not self._array.tell():
            self._index.truncate(0)
            return
        header = _Header.read(self._array, self._paths.array)
        held = (self._array.seek(0, 2) - header.start) // header.row_bytes
        self._index.seek(0)
        whole, rows = 0, 0
        for line in self._index:
            if not line.endswith("\n"):
                break
            owner, count = _owner(line, self._paths.names)
            if rows + count > held:
                break
            rows, whole = rows + count, whole + len(line.encode())
            self.written.add((owner.generator, owner.clip_id, owner.sample))
        self._rows, self._width, self._dtype = rows, header.width, np.dtype(header.dtype).str
        self._index.truncate(whole)
        self._array.truncate(header.start + rows * header.row_bytes)
        self._write_header()

    def close(self) -> None:
        """Close both files."""
        self._array.close()
        self._index.close()


def read_features(run_path: Path, name: str, generators: Sequence[str]) -> Mapping[str, Features]:
    """The features of the real clips (under `REAL`) and of generators, clips in the order of their names.

    RunError: the files are missing, damaged, or hold nothing of one of them.
    """
    import numpy as np

    paths = feature_paths(run_path, name)
    try:
        with open(paths.array, "rb") as file:
            header = _Header.read(file, paths.array)
        vectors = np.memmap(paths.array, mode="r", dtype=header.dtype, offset=header.start, shape=(header.rows, header.width))
        spans = {generator: list[tuple[str, int, str, slice]]() for generator in (REAL, *generators)}
        for owner, rows in _spans(paths.names):
            if owner.generator in spans:
                spans[owner.generator].append((owner.clip_id, owner.sample, owner.source, rows))
    except (OSError, ValueError) as error:
        raise RunError(f"{paths.array} cannot be read: {error}.") from error
    found = {}
    for generator, clips in spans.items():
        clips.sort(key=lambda clip: clip[:2])
        if not clips or max(rows.stop for *_, rows in clips) > header.rows:
            raise RunError(f"{paths.array} is damaged: it does not hold all features of {generator or 'the real clips'}.")
        found[generator] = Features(
            np.concatenate([vectors[rows] for *_, rows in clips]).astype(np.float64),
            [source for _, _, source, rows in clips for _ in range(rows.stop - rows.start)],
            len(clips),
        )
    return found


class FeaturePaths(NamedTuple):
    """The two files of an extractor."""

    array: Path
    names: Path


def feature_paths(run_path: Path, name: str) -> FeaturePaths:
    """Where a run keeps the features of that name."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    return FeaturePaths(run_path / FOLDER / f"{stem}.npy", run_path / FOLDER / f"{stem}.jsonl")


class _Header(NamedTuple):
    start: int
    rows: int
    width: int
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        return self.width * self.dtype.itemsize

    @classmethod
    def read(cls, file: BinaryIO, path: Path) -> _Header:
        import numpy as np

        try:
            file.seek(0)
            np.lib.format.read_magic(file)
            (rows, width), _, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype.kind != "f" or dtype.itemsize not in (4, 8) or rows < 0 or width < 1:
                raise ValueError(f"its header says {rows} rows of {width} numbers of type {dtype}")
        except ValueError as error:
            raise RunError(f"{path} is damaged: {error}.") from error
        return cls(file.tell(), rows, width, dtype)


def _spans(path: Path) -> Iterator[tuple[Owner, slice]]:
    start = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            owner, rows = _owner(line, path)
            yield owner, slice(start, start + rows)
            start += rows


def _owner(line: str, path: Path) -> tuple[Owner, int]:
    try:
        record = json.loads(line)
        owner = Owner(str(record["generator"]), str(record["clip_id"]), str(record["source"]), int(record["sample"]))
        return owner, int(record["rows"])
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} is damaged: {error}.") from error
