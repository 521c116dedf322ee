"""Data sets that are clips on disk: what they share, whatever decides which clip is in which split."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from vgbench import DataError, Dataset, Source, VideoError
from vgbench.video import ClipFile, PictureClip, VideoClip, array_address, list_pictures
from vgbench_datasets.content import files_digest, in_threads, split_digest
from vgbench_datasets.decoded import DecodedVideos
from vgbench_datasets.names import require_window, unknown_source, unknown_split

Splits = Mapping[str, Mapping[str, ClipFile]]
"""split → source_id → clip."""


class ClipFiles(Dataset):
    """Each clip on disk is a source. A subclass says which there are, in which split.

    Raises DataError where `root` is None or not there.
    """

    dataset: ClassVar[str]
    """The data set's name, as the user types it."""
    layout: ClassVar[str]
    """What is expected in the folder, as a sentence or two."""
    cache_bytes: int = 256 << 20
    """Memory for the videos decoded last, so that many windows of one video decode it once."""

    def __init__(self, config: Any = None, root: Path | None = None) -> None:
        super().__init__(config, root)
        if root is None:
            raise DataError(f"The data set {self.dataset} needs a folder. {self._how()}")
        if array_address(root) is None and not root.exists():
            raise DataError(f"The data set {self.dataset} is not at {root}: nothing is there. {self._how()}")
        self._root = root
        self._decoded = DecodedVideos(self.cache_bytes)
        self._sources: dict[str, Source] = {}
        self._digests: dict[str, str] = {}

    @abstractmethod
    def find(self) -> Splits:
        """The clips by split, found by their names alone."""

    def sources(self, split: str) -> Sequence[Source]:
        """The split's videos in natural order of their names; each file is opened once, for its length and size.

        Raises UnknownName for a split that is not there, DataError for one without videos, VideoError for a damaged video.
        """
        clips = self._clips_of(split)
        new = [source_id for source_id in clips if source_id not in self._sources]
        self._sources.update(zip(new, in_threads(lambda source_id: _source(source_id, clips[source_id]), new), strict=True))
        return [self._sources[source_id] for source_id in clips]

    def probe(self, split: str) -> tuple[Sequence[Source], Mapping[str, str]]:
        """The split's videos that can be opened, and why the others cannot."""
        clips = self._clips_of(split)

        def source(source_id: str) -> Source | str:
            try:
                return _source(source_id, clips[source_id])
            except VideoError as error:
                return str(error)

        found = dict(zip(clips, in_threads(source, clips), strict=True))
        readable = [one for one in found.values() if isinstance(one, Source)]
        return readable, {source_id: one for source_id, one in found.items() if isinstance(one, str)}

    def defects(self, split: str) -> Mapping[str, str]:
        """Videos that are interlaced."""
        return {one.source_id: "it is interlaced" for one in self.probe(split)[0] if self._by_id[one.source_id].is_interlaced()}

    def formats(self, split: str) -> Collection[str]:
        """The suffixes of the split's videos; of folders of frames that of the first."""
        clips = self._clips_of(split).values()
        videos = {clip.path.suffix.lower() for clip in clips if isinstance(clip, VideoClip)}
        pictures = (next(iter(list_pictures(clip.path)), None) for clip in clips if isinstance(clip, PictureClip))
        return videos | {path.suffix.lower() for path in pictures if path is not None}

    def stream(self, source: Source, length: int, size: tuple[int, int] | None = None) -> Iterator[Tensor]:
        """A whole video, at most `length` frames at a time, decoded once.  Raises as `read` does."""
        return self._by_id[source.source_id].chunks(length)

    def read(self, source_id: str, start: int, length: int, size: tuple[int, int] | None = None) -> Tensor:
        """uint8 (length, C, H, W) at the video's own size; `size` is not used.

        Raises UnknownName for an unknown source, DataError for frames it does not have, VideoError for a damaged file.
        """
        clip = self._by_id.get(source_id)
        if clip is None:
            raise unknown_source(source_id, self._by_id)
        require_window(source_id, start, length, clip.info().frames)
        return self._decoded.read(clip, start, length) if isinstance(clip, VideoClip) else clip.read(start, length)

    def fingerprint(self, split: str) -> str:
        """SHA-256 over the names and contents of the split's files; they are read once."""
        clips = self._clips_of(split)
        new = [source_id for source_id in clips if source_id not in self._digests]
        self._digests.update(zip(new, in_threads(lambda source_id: _digest(clips[source_id]), new), strict=True))
        return split_digest(self.dataset, ((source_id, self._digests[source_id]) for source_id in clips))

    def _clips_of(self, split: str) -> Mapping[str, ClipFile]:
        """source_id → clip; never empty."""
        if split not in self._splits:
            raise unknown_split(split, self._splits, self.notes_on_splits())
        if not self._splits[split]:
            raise DataError(f"The split '{split}' of {self._root} is empty: {self.why_empty(split)}")
        return self._splits[split]

    def notes_on_splits(self) -> list[str]:
        """What helps whoever asked for a split that is not there."""
        return []

    def why_empty(self, split: str) -> str:
        """What helps whoever asked for a split without videos, as the end of a sentence."""
        return f"none of its {len(self._by_id)} videos falls into it. {self._how()}"

    def _how(self) -> str:
        return f"{self.layout} Give it with --data {self.dataset}=DIR, or VGBENCH_DATA={self.dataset}=DIR."

    @cached_property
    def _splits(self) -> Splits:
        return self.find()

    @cached_property
    def _by_id(self) -> Mapping[str, ClipFile]:
        return {source_id: clip for clips in self._splits.values() for source_id, clip in clips.items()}


def hash_place(name: str) -> int:
    """A name's place from 0 to 99: the first 8 bytes of its SHA-256, big-endian, modulo 100.

    >>> hash_place("clouds")
    71
    """
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8], "big") % 100


def _source(source_id: str, clip: ClipFile) -> Source:
    info = clip.info()
    return Source(source_id, info.frames, info.fps, info.height, info.width)


def _digest(clip: ClipFile) -> str:
    """The files of a video or of a folder of frames; of a part of an array its pixels."""
    if isinstance(clip, VideoClip):
        return files_digest([clip.path])
    if isinstance(clip, PictureClip):
        return files_digest(list_pictures(clip.path))
    pixels = clip.read()
    return hashlib.sha256(f"{tuple(pixels.shape)}\n".encode() + np.ascontiguousarray(pixels.numpy()).tobytes()).hexdigest()
