"""video-folder: the user's own videos, in folders named after splits or divided by a hash of their names."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import Tensor

from vgbench import DataError, Dataset, Source
from vgbench.video.arrays import array_address
from vgbench.video.folder import ClipFile, PictureClip, VideoClip, open_clips
from vgbench.video.pictures import list_pictures
from vgbench_datasets.configs import VideoFolderConfig
from vgbench_datasets.content import files_digest, in_threads, split_digest
from vgbench_datasets.decoded import DecodedVideos
from vgbench_datasets.names import require_window, unknown_source, unknown_split

_LOG = logging.getLogger(__name__)

_FOLDER_NAMES = {"train": ("train",), "validation": ("validation", "val"), "test": ("test",)}
_HOW = "Give your videos with --data video-folder=DIR, or VGBENCH_DATA=video-folder=DIR."


class VideoFolder(Dataset):
    """A folder of videos or folders of frames, one video file, or an array (`file.npz:name`): whatever `open_clips` takes.

    Where the folder holds any of train, validation (or val) and test, these are the splits, and a source is named "train/NAME".
    Otherwise every video is in exactly one of the three, by a hash of its name, so that adding videos moves none. The split
    "all" holds every video in both cases.

    config: a VideoFolderConfig, or None for its defaults.  Raises DataError where `root` is None or not there.
    """

    config: VideoFolderConfig

    def __init__(self, config: VideoFolderConfig | None = None, root: Path | None = None) -> None:
        super().__init__(config or VideoFolderConfig(), root)
        if root is None:
            raise DataError(f"The data set video-folder needs a folder. {_HOW}")
        if array_address(root) is None and not root.exists():
            raise DataError(f"The data set video-folder is not at {root}: nothing is there. {_HOW}")
        self._root = root
        self._decoded = DecodedVideos(self.config.cache_megabytes << 20)
        self._sources: dict[str, Source] = {}
        self._digests: dict[str, str] = {}

    def sources(self, split: str) -> Sequence[Source]:
        """The split's videos in natural order of their names; each file is opened once, for its length and size.

        Raises UnknownName for a split that is not there, DataError for one without videos, VideoError for a damaged video.
        """
        clips = self._clips_of(split)
        new = [source_id for source_id in clips if source_id not in self._sources]
        self._sources.update(zip(new, in_threads(lambda source_id: _source(source_id, clips[source_id]), new), strict=True))
        return [self._sources[source_id] for source_id in clips]

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
        return split_digest("video-folder", ((source_id, self._digests[source_id]) for source_id in clips))

    def _clips_of(self, split: str) -> Mapping[str, ClipFile]:
        """source_id → clip; never empty."""
        if split not in self._splits:
            notes = [f"the splits are the folders in {self._root}"] if self._split_folders else []
            raise unknown_split(split, self._splits, notes)
        clips = self._splits[split]
        if not clips:
            raise DataError(
                f"The split '{split}' of {self._root} is empty: none of its {len(self._by_id)} videos falls into it by the hash of its "
                f"name. Put videos into folders named train, validation and test, raise the split's percentage, or use the split all."
            )
        return clips

    @cached_property
    def _by_id(self) -> Mapping[str, ClipFile]:
        return self._splits["all"]

    @cached_property
    def _splits(self) -> Mapping[str, Mapping[str, ClipFile]]:
        """split → source_id → clip, with "all" last."""
        if self._split_folders:
            splits = {split: _named(open_clips(folder).clips, f"{split}/") for split, folder in self._split_folders.items()}
            return {**splits, "all": {source_id: clip for clips in splits.values() for source_id, clip in clips.items()}}
        clips = _named(open_clips(self._root).clips, "")
        place = {source_id: split_of(source_id, self.config) for source_id in clips}
        splits = {split: {name: clip for name, clip in clips.items() if place[name] == split} for split in _FOLDER_NAMES}
        return {**splits, "all": clips}

    @cached_property
    def _split_folders(self) -> Mapping[str, Path]:
        """split → its folder, of those that are there."""
        if not self._root.is_dir():
            return {}
        folders: dict[str, Path] = {}
        for split, names in _FOLDER_NAMES.items():
            for folder in (self._root / name for name in names):
                if folder.is_dir() and split in folders:
                    raise DataError(f"{self._root} holds both {folders[split].name} and {folder.name} for one split. Keep one of them.")
                if folder.is_dir():
                    folders[split] = folder
        beside = sorted(path.name for path in self._root.iterdir() if path not in folders.values() and not path.name.startswith("."))
        if folders and beside:
            _LOG.warning("%s: passed over beside the splits' folders: %s", self._root, ", ".join(beside[:5]))
        return folders


def split_of(name: str, config: VideoFolderConfig) -> str:
    """The split of a video by its name: the first 8 bytes of its SHA-256, big-endian, modulo 100; test first, then validation.

    >>> split_of("clouds", VideoFolderConfig())
    'train'
    """
    place = int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8], "big") % 100
    if place < config.test_percent:
        return "test"
    return "validation" if place < config.test_percent + config.validation_percent else "train"


def _named(clips: Sequence[ClipFile], prefix: str) -> dict[str, ClipFile]:
    return {prefix + clip.name: clip for clip in clips}


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
