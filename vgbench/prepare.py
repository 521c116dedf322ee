"""Preparing: the splits of a protocol decoded once, into packs that training and evaluation read instead of the files."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from vgbench.cache import packs_folder
from vgbench.errors import UnknownName, VgbenchError
from vgbench.interfaces import Source
from vgbench.observer import Observer
from vgbench.packed import Pack, PackWriter
from vgbench.protocol import DEFAULT_PROTOCOL, Protocol, load_protocol
from vgbench.windows import ProtocolData

ROLES = ("train", "validation", "test")
FRAMES_AT_ONCE = 64
"""Frames that a thread holds while it packs a long video."""


class Prepared(NamedTuple):
    """A packed split, and what packing it took."""

    split: str
    pack: Pack
    seconds: float
    was_there: bool
    """Whether an earlier call had packed it."""


def prepare(
    *,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    data: Mapping[str, Path] | None = None,
    roles: Sequence[str] = ROLES,
    workers: int = 2,
    observer: Observer | None = None,
) -> list[Prepared]:
    """Pack the splits of the protocol's roles, each once; what is packed already is left as it is.

    A killed call is gone on with by the next. A video that cannot be decoded is noted in the pack, and is read from its file later,
    where it is the error it was.

    UnknownName: a role.  DataError: the data are not there, the disk is full, or another process packs the same split.
    """
    opened = ProtocolData(protocol if isinstance(protocol, Protocol) else load_protocol(protocol), data or {})
    prepared: dict[str, Prepared] = {}
    for role in roles:
        if role not in ROLES:
            raise UnknownName("role", role, ROLES)
        windows = getattr(opened.protocol, role)
        if windows is not None and windows.split not in prepared:
            prepared[windows.split] = _prepared(opened, windows.split, workers, observer or Observer())
    return list(prepared.values())


def _prepared(data: ProtocolData, split: str, workers: int, observer: Observer) -> Prepared:
    started = time.monotonic()
    key = data.pack_key(split)
    path = packs_folder() / key.name()
    if path.is_dir():
        return Prepared(split, Pack(path), 0.0, True)
    sources = data.dataset.sources(split)
    writer = PackWriter(packs_folder(), key, sources)
    with writer.building() as done:
        todo = [source for source in sources if source.source_id not in done]
        _Packing(data, writer, split, sources, done, observer).pack(todo, workers)
    pack = Pack(path)
    for source_id, damage in pack.damaged.items():
        observer.note(f"{source_id} is not packed: {damage}")
    return Prepared(split, pack, time.monotonic() - started, False)


class _Packing:
    """Threads that decode videos into a pack, a stretch of frames at a time, and how far they are."""

    def __init__(
        self, data: ProtocolData, writer: PackWriter, split: str, sources: Iterable[Source], done: set[str], observer: Observer
    ) -> None:
        self._data, self._writer, self._observer = data, writer, observer
        self._task = f"packing {split}"
        self._total = sum(source.frames for source in sources)
        self._packed = sum(source.frames for source in sources if source.source_id in done)
        self._lock = Lock()
        self._left: dict[str, int] = {}
        """Video → its frames that are not dealt with yet."""
        self._damage: dict[str, str] = {}

    def pack(self, sources: Sequence[Source], workers: int) -> None:
        """Every video, the longest first, so that none is waited for at the end."""
        self._left = {source.source_id: source.frames for source in sources}
        stretches = [
            (source.source_id, start, min(FRAMES_AT_ONCE, source.frames - start))
            for source in sorted(sources, key=lambda source: -source.frames)
            for start in range(0, source.frames, FRAMES_AT_ONCE)
        ]
        pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="vgbench-pack")
        try:
            for future in as_completed([pool.submit(self._pack, *stretch) for stretch in stretches]):
                future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _pack(self, source_id: str, start: int, length: int) -> None:
        if source_id not in self._damage:
            try:
                frames = self._data.read_frames(source_id, start, length)
            except VgbenchError as error:
                self._damage.setdefault(source_id, str(error))
            else:
                self._writer.write(source_id, start, frames)
        with self._lock:
            self._left[source_id] -= length
            self._packed += length
            if not self._left[source_id]:
                self._writer.finished(source_id, self._damage.get(source_id, ""))
            self._observer.advanced(self._task, self._packed, self._total)
