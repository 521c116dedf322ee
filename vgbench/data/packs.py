"""Packed splits: every video of a split decoded once, at a protocol's size, as bytes that are mapped into memory.

A pack is a folder, named by a hash over what decides its pixels: the data set and its configuration, the split's fingerprint, size,
channels, filter and fit. It holds `frames.u8`, all frames one after the other, and `index.json`. It is built as `<name>.part` and
renamed when it is whole, so that no reader sees a half; what a killed builder had done is kept and continued.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vgbench.errors import DataError
from vgbench.files import lock_folder, new_file, writing
from vgbench.interfaces import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

FORMAT = 1
SYNC_SECONDS = 2.0
"""A power cut costs so much of the work at most; a kill hardly more."""
FRAMES, INDEX, DONE = "frames.u8", "index.json", "done.jsonl"


@dataclass(frozen=True, kw_only=True)
class PackKey:
    """What decides the pixels of a packed split."""

    dataset: str
    config: str
    """The data set's configuration, as JSON."""
    split: str
    fingerprint: str
    size: tuple[int, int]
    channels: int
    resample: str
    fit: str
    grey: str
    """What became of colour."""
    software: str
    """What decodes and resizes, with versions."""

    def name(self) -> str:
        """The pack's folder: readable, and different for everything that differs."""
        facts = asdict(self)
        if self.grey == "refuse":  # a field that came later, where it changes nothing
            del facts["grey"]
        digest = hashlib.sha256(json.dumps([FORMAT, facts], sort_keys=True).encode()).hexdigest()[:16]
        return f"{self.dataset}-{self.split}-{self.size[0]}x{self.size[1]}-{digest}".replace("/", "-")


class Pack:
    """A packed split that is whole."""

    def __init__(self, path: Path) -> None:
        """DataError: the folder holds no pack that this version reads."""
        self.path = path
        try:
            index = json.loads((path / INDEX).read_text(encoding="utf-8"))
            self.places: dict[str, tuple[int, int]] = {name: (int(first), int(count)) for name, (first, count) in index["videos"].items()}
            self.damaged: dict[str, str] = dict(index["damaged"])
            self.key = dict(index["key"])
            self._shape = (int(index["frames"]), int(self.key["channels"]), *map(int, self.key["size"]))
            fits = index["format"] == FORMAT and (path / FRAMES).stat().st_size == _n_bytes(self._shape)
            self._frames = _mapped(path / FRAMES, self._shape) if fits else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path} is no packed split: {error}. Delete it, and run vgbench data prepare again.") from error
        if not fits:
            raise DataError(f"{path} is damaged, or was packed by another version. Delete it, and run vgbench data prepare again.")

    @property
    def n_frames(self) -> int:
        """Frames of all videos together."""
        return self._shape[0]

    @property
    def n_bytes(self) -> int:
        """What the pixels take on the disk."""
        return _n_bytes(self._shape)

    def read(self, source_id: str, start: int, length: int) -> Tensor | None:
        """uint8 (length, C, H, W), the caller's own; None for a video that could not be packed."""
        import torch

        if source_id not in self.places:
            return None
        assert self._frames is not None, "a pack that does not fit is refused"
        first, count = self.places[source_id]
        if start < 0 or start + length > count:
            raise DataError(f"{self.path} holds {count} frames of {source_id}; {start} to {start + length - 1} were asked for.")
        return torch.from_numpy(self._frames[first + start : first + start + length].copy())


class PackWriter:
    """A pack that is being built: videos in any order, from any thread."""

    def __init__(self, folder: Path, key: PackKey, sources: Sequence[Source]) -> None:
        """DataError: another process builds the same pack, or the disk has no room for it."""
        self._key, self._target = key, folder / key.name()
        self._part = self._target.with_name(f"{self._target.name}.part")
        self._places: dict[str, tuple[int, int]] = {}
        first = 0
        for source in sources:
            self._places[source.source_id] = (first, source.frames)
            first += source.frames
        self._shape = (first, key.channels, *key.size)
        self._damaged: dict[str, str] = {}
        self._unsaid: list[str] = []
        self._said_at = time.monotonic()

    @contextmanager
    def building(self) -> Iterator[set[str]]:
        """The names of the videos that an earlier attempt has packed; the pack is whole after the block."""
        with _writing(self._part):
            self._part.mkdir(parents=True, exist_ok=True)
            try:
                lock = lock_folder(self._part)
            except BlockingIOError as error:
                raise DataError(f"{self._part} is being built by another process; wait for it, or stop it first.") from error
        try:
            with _writing(self._part, _n_bytes(self._shape)):
                self._file = os.open(self._part / FRAMES, os.O_RDWR | os.O_CREAT, 0o666)
                try:
                    _reserve(self._file, _n_bytes(self._shape))
                except OSError:
                    os.ftruncate(self._file, 0)  # what was taken of a disk without enough room is given back
                    raise
                done = self._done()
                self._log = open(self._part / DONE, "ab", buffering=0)
            try:
                self._note([] if done else [json.dumps(self._layout())])
                yield done
                self._say()
            finally:
                os.close(self._file)
                self._log.close()
            self._finish()
        finally:
            lock.close()

    def write(self, source_id: str, start: int, frames: Tensor) -> None:
        """Frames of a video, uint8 (T, C, H, W), from its frame `start` on.

        DataError: the disk is full or the folder cannot be written.
        """
        import numpy as np

        first, _ = self._places[source_id]
        content = memoryview(np.ascontiguousarray(frames.numpy()).tobytes())
        offset = _n_bytes((first + start, *self._shape[1:]))
        with _writing(self._part):
            while content:
                written = os.pwrite(self._file, content, offset)
                content, offset = content[written:], offset + written

    def finished(self, source_id: str, damage: str = "") -> None:
        """A video is packed, or cannot be, for a reason."""
        self._unsaid.append(json.dumps([source_id, damage]))
        if damage:
            self._damaged[source_id] = damage
        if time.monotonic() - self._said_at > SYNC_SECONDS:
            self._say()

    def _say(self) -> None:
        """Note what is packed, once it is on the disk."""
        with _writing(self._part):
            os.fdatasync(self._file)
        self._note(self._unsaid)
        self._unsaid.clear()
        self._said_at = time.monotonic()

    def _note(self, lines: Sequence[str]) -> None:
        with _writing(self._part):
            self._log.write("".join(f"{line}\n" for line in lines).encode())
            os.fsync(self._log.fileno())

    def _layout(self) -> str:
        """Where every video lies: what an earlier attempt has written counts only under the same."""
        return hashlib.sha256(json.dumps(list(self._places.items())).encode()).hexdigest()

    def _done(self) -> set[str]:
        """What an earlier attempt has done; a line that a kill tore is passed over."""
        path = self._part / DONE
        done: set[str] = set()
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
        if not lines or lines[0] != json.dumps(self._layout()):
            path.unlink(missing_ok=True)
            return done
        for text in lines[1:]:
            try:
                source_id, damage = json.loads(text)
            except (ValueError, TypeError):
                continue
            if source_id in self._places:
                done.add(source_id)
                if damage:
                    self._damaged[source_id] = damage
        return done

    def _finish(self) -> None:
        videos = {name: place for name, place in self._places.items() if name not in self._damaged}
        index = {"format": FORMAT, "key": asdict(self._key), "frames": self._shape[0], "videos": videos, "damaged": self._damaged}
        with _writing(self._part):
            with new_file(self._part / INDEX) as temporary:
                temporary.write_text(json.dumps(index), encoding="utf-8")
            if self._target.exists():  # another call was faster
                shutil.rmtree(self._part)
                return
            os.replace(self._part, self._target)
            (self._target / DONE).unlink(missing_ok=True)


def find_packs(folder: Path) -> list[Pack]:
    """The whole packs in a folder, by name; those of another version are passed over."""
    packs = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (path / INDEX).is_file() and not path.name.endswith(".part"):
            try:
                packs.append(Pack(path))
            except DataError:
                continue
    return packs


def _mapped(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    import numpy as np

    return np.memmap(path, dtype=np.uint8, mode="r", shape=shape)


def _n_bytes(shape: Sequence[int]) -> int:
    total = 1
    for length in shape:
        total *= length
    return total


def _reserve(file: int, n_bytes: int) -> None:
    """Take the room now, so that a full disk is known before hours of decoding."""
    if os.fstat(file).st_size == n_bytes:
        return
    try:
        os.posix_fallocate(file, 0, max(1, n_bytes))
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    os.ftruncate(file, n_bytes)


def _writing(path: Path, needed: int | None = None) -> AbstractContextManager[None]:
    """Turn the system's refusal to write into a DataError that says what, where and how much room it takes."""
    room = "" if needed is None else f"It takes {needed / 2**20:.0f} MiB. "
    return writing(path, error=DataError, advice=f"{room}Free some space, or name another folder in VGBENCH_CACHE.")
