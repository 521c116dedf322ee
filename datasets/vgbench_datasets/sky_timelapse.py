"""sky-timelapse: the Sky Time-lapse data set in its authors' folders, sky_{train,test}/<video>/<video>_<n>/<video>_frames_XXXXXXXX.jpg."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from vgbench import DataError, Dataset, Source, VideoError
from vgbench.video import is_picture, natural_key
from vgbench_datasets.configs import SkyTimelapseConfig
from vgbench_datasets.content import files_digest, in_threads, split_digest
from vgbench_datasets.names import require_window, unknown_source, unknown_split

_LOG = logging.getLogger(__name__)

_FOLDERS = {"train": "sky_train", "test": "sky_test"}
_LAYOUT = (
    "Expected there: sky_train and sky_test, in each <video>/<video>_<n>/<video>_frames_XXXXXXXX.jpg. "
    "Give the folder that holds both with --data sky-timelapse=DIR, or VGBENCH_DATA=sky-timelapse=DIR."
)
_NUMBER = re.compile(r"(\d+)$")
_BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


class ShortVideo(NamedTuple):
    """One folder of frames, listed by names and sizes alone."""

    folder: Path
    frames: int
    empty_files: int
    """Pictures of zero bytes: no frames, passed over."""
    gaps: int
    """Places where the numbers of successive frames do not follow on each other."""


class SkyTimelapse(Dataset):
    """Each short video is a source, "train/<video>/<video>_<n>" or "test/<video>/<video>_<n>"; splits train, validation and test.

    The authors give no validation split. It is held out of sky_train by whole long videos, so that no scene is on both sides: those
    with the lowest SHA-256 of their names, `validation_percent` of a hundred, rounded up, but never all of them. Their sources
    keep their names, "train/…", since that is where they lie.

    The defects of the published files are met by these rules. Frames are in natural order of their names; a gap in their numbers is
    no cut. A picture of zero bytes is no frame, and a folder without frames no source. All three are counted in a warning. A picture
    that is truncated or damaged is a frame: reading it raises VideoError.

    config: a SkyTimelapseConfig, or None for its defaults.  Raises DataError where `root` is None or holds neither split.
    """

    config: SkyTimelapseConfig

    def __init__(self, config: SkyTimelapseConfig | None = None, root: Path | None = None) -> None:
        super().__init__(config or SkyTimelapseConfig(), root)
        if root is None:
            raise DataError(f"The data set sky-timelapse needs its folder, which is not shipped. {_LAYOUT}")
        if not any((root / name).is_dir() for name in _FOLDERS.values()):
            raise DataError(f"The data set sky-timelapse is not at {root}: neither sky_train nor sky_test is there. {_LAYOUT}")
        self._root = root
        self._sources: dict[str, list[Source]] = {}
        self._fingerprints: dict[str, str] = {}

    def sources(self, split: str) -> Sequence[Source]:
        """The split's short videos in natural order; of each the header of one picture is read.

        Raises UnknownName for another split than train, validation and test, DataError for one that is not there or is empty,
        VideoError for a video without a readable picture.
        """
        videos = self._videos_of(split)
        if split not in self._sources:
            sizes = in_threads(_size_of, (video.folder for video in videos.values()))
            self._sources[split] = [
                Source(source_id, video.frames, None, height, width)
                for (source_id, video), (height, width) in zip(videos.items(), sizes, strict=True)
            ]
        return self._sources[split]

    def read(self, source_id: str, start: int, length: int, size: tuple[int, int] | None = None) -> Tensor:
        """uint8 (length, 3, H, W) at the pictures' own size; `size` is not used.

        Raises UnknownName for an unknown source, DataError for frames it does not have, VideoError for a damaged picture, or one of
        another size than the window's first.
        """
        folder = source_id.partition("/")[0]
        videos = self._listed(folder) if folder in _FOLDERS else {}
        if source_id not in videos:
            known = [known for name in _FOLDERS if (self._root / _FOLDERS[name]).is_dir() for known in self._listed(name)]
            raise unknown_source(source_id, known)
        pictures = frame_paths(videos[source_id].folder)
        require_window(source_id, start, length, len(pictures))
        return _read_frames(pictures[start : start + length])

    def fingerprint(self, split: str) -> str:
        """SHA-256 over the names and contents of the split's pictures; they are read once."""
        videos = self._videos_of(split)
        if split not in self._fingerprints:
            digests = in_threads(lambda video: files_digest(frame_paths(video.folder)), videos.values())
            self._fingerprints[split] = split_digest("sky-timelapse", zip(videos, digests, strict=True))
        return self._fingerprints[split]

    def formats(self, split: str) -> Collection[str]:
        return {".jpg"}

    def defects(self, split: str) -> Mapping[str, str]:
        """Gaps in the numbers of a short video's frames, and pictures of zero bytes."""
        odd = {}
        for source_id, video in self._videos_of(split).items():
            words = [f"{video.gaps} gaps in the numbers of its frames"] * bool(video.gaps)
            words += [f"{video.empty_files} pictures of zero bytes"] * bool(video.empty_files)
            if words:
                odd[source_id] = ", ".join(words)
        return odd

    def _videos_of(self, split: str) -> Mapping[str, ShortVideo]:
        """source_id → short video; never empty."""
        if split == "test":
            return self._test
        if split not in ("train", "validation"):
            raise unknown_split(split, ("train", "validation", "test"))
        held_out = held_out_videos([_long_video(source_id) for source_id in self._train], self.config.validation_percent)
        videos = {name: video for name, video in self._train.items() if (_long_video(name) in held_out) == (split == "validation")}
        if not videos:
            raise DataError(
                f"No video of {self._root / _FOLDERS['train']} is held out for validation: it takes at least two long videos, and "
                f"validation_percent above 0 (it is {self.config.validation_percent})."
            )
        return videos

    def _listed(self, folder: str) -> Mapping[str, ShortVideo]:
        return self._train if folder == "train" else self._test

    @cached_property
    def _train(self) -> Mapping[str, ShortVideo]:
        return _list_split(self._root, "train")

    @cached_property
    def _test(self) -> Mapping[str, ShortVideo]:
        return _list_split(self._root, "test")


def held_out_videos(names: Iterable[str], percent: int) -> set[str]:
    """Those of the long videos that are the validation split: the lowest SHA-256 of their names, `percent` of a hundred, rounded up.

    >>> sorted(held_out_videos(["a", "b", "c"], 10))
    ['c']
    """
    ranked = sorted(set(names), key=lambda name: hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest())
    return set(ranked[: min(-(-len(ranked) * percent // 100), len(ranked) - 1)])


def _long_video(source_id: str) -> str:
    return source_id.split("/")[1]


def frame_paths(folder: Path) -> list[Path]:
    """The frames of a short video in natural order: its pictures that are not zero bytes long."""
    return [folder / name for name, size in _pictures_of(folder) if size]


def _list_split(root: Path, split: str) -> dict[str, ShortVideo]:
    """source_id → short video; what is odd about them is logged once."""
    top = root / _FOLDERS[split]
    if not top.is_dir():
        raise DataError(f"The split '{split}' of sky-timelapse is not there: no folder {top}. {_LAYOUT}")
    folders = [short for video in _folders_in(top) for short in _folders_in(video)]
    videos = {f"{split}/{video.folder.relative_to(top).as_posix()}": video for video in in_threads(_list_video, folders)}
    _warn(top, "without a frame, left out", [video for video in videos.values() if not video.frames])
    _warn(top, "with pictures of zero bytes, which are no frames", [video for video in videos.values() if video.empty_files])
    _warn(top, "with gaps in the frame numbers, which cut nothing", [video for video in videos.values() if video.gaps])
    videos = {source_id: video for source_id, video in videos.items() if video.frames}
    if not videos:
        raise DataError(f"{top} holds no short video with a frame. {_LAYOUT}")
    return videos


def _list_video(folder: Path) -> ShortVideo:
    pictures = _pictures_of(folder)
    matches = [_NUMBER.search(os.path.splitext(name)[0]) for name, size in pictures if size]
    numbers = [int(match[1]) for match in matches if match]
    gaps = sum(after != before + 1 for before, after in pairwise(numbers))
    return ShortVideo(folder, len(matches), len(pictures) - len(matches), gaps)


def _pictures_of(folder: Path) -> list[tuple[str, int]]:
    """The name and size in bytes of each picture, in natural order."""
    try:
        pictures = [(entry.name, entry.stat().st_size) for entry in os.scandir(folder) if is_picture(entry.name)]
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}. Check the folder and its permissions.") from error
    return sorted(pictures, key=lambda picture: natural_key(picture[0]))


def _folders_in(folder: Path) -> list[Path]:
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: natural_key(path.name))


def _warn(top: Path, what: str, videos: Sequence[ShortVideo]) -> None:
    if videos:
        named = ", ".join(video.folder.relative_to(top).as_posix() for video in videos[:3])
        _LOG.warning("%s: of the short videos %d %s: %s%s", top, len(videos), what, named, ", …" if len(videos) > 3 else "")


def _size_of(folder: Path) -> tuple[int, int]:
    """Height and width, from the header of the first picture that has one."""
    for path in frame_paths(folder):
        try:
            with Image.open(path) as image:
                return image.height, image.width
        except _BROKEN:
            continue
    raise VideoError(f"{folder} holds no readable picture. Copy it again from the data set, or delete the folder.")


def _read_frames(paths: Sequence[Path]) -> Tensor:
    """uint8 (T, 3, H, W)."""
    frames = [_read_picture(path) for path in paths]
    for path, frame in zip(paths, frames, strict=True):
        if frame.shape != frames[0].shape:
            here, first = (f"{shape[1]}×{shape[0]}" for shape in (frame.shape, frames[0].shape))
            raise VideoError(
                f"{path} is {here}, but {paths[0].name} is {first}. All frames of a video have one size: copy it again from the data set, "
                "or delete it, which leaves a gap in the video."
            )
    return torch.from_numpy(np.ascontiguousarray(np.stack(frames).transpose(0, 3, 1, 2)))


def _read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """(H, W, 3)."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except _BROKEN as error:
        raise VideoError(
            f"{path} cannot be decoded: {error}. The picture is truncated or damaged: copy it again from the data set, or delete it, "
            "which leaves a gap in the video."
        ) from error
