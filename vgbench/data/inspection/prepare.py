"""Preparing: the splits of a protocol decoded once, into packs that training and evaluation read instead of the files."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from vgbench.config import DEFAULT_PROTOCOL, DEFAULT_WORKERS
from vgbench.data.packs import Pack, PackWriter
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import UnknownName, VideoError
from vgbench.files import packs_folder
from vgbench.interfaces import Source
from vgbench.plugins.observers import Observer
from vgbench.plugins.telling import Telling
from vgbench.protocol import Protocol, as_protocol

ROLES = ("train", "validation", "test")
FRAMES_AT_ONCE = 32
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
    workers: int = DEFAULT_WORKERS,
    observer: Observer | None = None,
) -> list[Prepared]:
    """Pack the splits of the protocol's roles, each once; what is packed already is left as it is.

    A call that was killed is continued by the next. A video that cannot be decoded is noted in the pack, and is read from its file later,
    where it is the error it was.

    UnknownName: a role.  DataError: the data are not there, the disk is full, or another process packs the same split.
    """
    opened = ProtocolData(as_protocol(protocol), data or {})
    prepared: dict[str, Prepared] = {}
    for role in roles:
        if role not in ROLES:
            raise UnknownName("role", role, ROLES)
        windows = getattr(opened.protocol, role)
        if windows is not None and windows.split not in prepared:
            prepared[windows.split] = _prepared(opened, windows.split, workers, observer or Telling())
    return list(prepared.values())


def _prepared(data: ProtocolData, split: str, workers: int, observer: Observer) -> Prepared:
    started = time.monotonic()
    key = data.pack_key(split)
    path = packs_folder() / key.name()
    if path.is_dir():
        return Prepared(split, Pack(path), 0.0, True)
    sources, unreadable = data.dataset.probe(split)
    writer = PackWriter(packs_folder(), key, sources)
    with writer.building() as done:
        todo = [source for source in sources if source.source_id not in done]
        _Packing(data, writer, split, sources, done, observer).pack(todo, workers)
    pack = Pack(path)
    for source_id, damage in {**unreadable, **pack.damaged}.items():
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
        """Every video, the longest first, so that none is waited for at the end; one that can be read anywhere in several stretches."""
        self._left = {source.source_id: source.frames for source in sources}
        longest_first = sorted(sources, key=lambda source: -source.frames)
        pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="vgbench-pack")
        try:
            if not self._data.dataset.streams:
                stretches = [(source, start) for source in longest_first for start in range(0, source.frames, FRAMES_AT_ONCE)]
                tasks = [pool.submit(self._pack_stretch, *stretch) for stretch in stretches]
            else:
                tasks = [pool.submit(self._pack_video, source) for source in longest_first]
            for task in as_completed(tasks):
                task.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _pack_stretch(self, source: Source, start: int) -> None:
        length = min(FRAMES_AT_ONCE, source.frames - start)
        if source.source_id not in self._damage:
            try:
                self._writer.write(source.source_id, start, self._data.read_frames(source.source_id, start, length))
            except VideoError as error:
                self._damage.setdefault(source.source_id, str(error))
        self._advance(source, length)

    def _pack_video(self, source: Source) -> None:
        start = 0
        try:
            for frames in self._data.stream(source, FRAMES_AT_ONCE):
                self._writer.write(source.source_id, start, frames)
                start += len(frames)
                if start < source.frames:
                    self._advance(source, len(frames))
        except VideoError as error:
            self._damage[source.source_id] = str(error)
        self._advance(source, self._left[source.source_id])

    def _advance(self, source: Source, frames: int) -> None:
        with self._lock:
            self._left[source.source_id] -= frames
            self._packed += frames
            if not self._left[source.source_id]:
                self._writer.finished(source.source_id, self._damage.get(source.source_id, ""))
            self._observer.advanced(self._task, self._packed, self._total)
