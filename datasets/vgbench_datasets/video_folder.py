"""video-folder: the user's own videos, in folders named after splits or divided by a hash of their names."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from vgbench import DataError
from vgbench.video import ClipFile, is_picture, open_clips
from vgbench_datasets.clip_files import ClipFiles, Splits, hash_place
from vgbench_datasets.configs import VideoFolderConfig

_LOG = logging.getLogger(__name__)

_FOLDER_NAMES = {"train": ("train", "training"), "validation": ("validation", "val", "valid"), "test": ("test", "testing")}
_SPLIT_OF = {name: split for split, names in _FOLDER_NAMES.items() for name in names}
_SURROUNDINGS = re.compile(r"^(my|the|video|videos)|(set|sets|split|splits|data|video|videos|clip|clips|frames|images|files|s)$")


class VideoFolder(ClipFiles):
    """A folder of videos or folders of frames, one video file, or an array (`file.npz:name`): whatever `open_clips` takes.

    Where the folder holds any of train (or training), validation (val, valid) and test (testing), in upper or lower case, these are the
    splits, and a source is named "train/NAME". A folder whose name only resembles one of these is refused, since its videos would be
    divided otherwise than it says.
    Otherwise every video is in exactly one of the three, by a hash of its name, so that adding videos moves none. The split
    "all" holds every video in both cases.

    config: a VideoFolderConfig, or None for its defaults.  Raises DataError where `root` is None or not there.
    """

    dataset = "video-folder"
    layout = "It is any folder of your videos."
    config: VideoFolderConfig

    def __init__(self, config: VideoFolderConfig | None = None, root: Path | None = None) -> None:
        config = config or VideoFolderConfig()
        self.cache_bytes = config.cache_megabytes << 20
        super().__init__(config, root)

    def find(self) -> Splits:
        if self._split_folders:
            splits = {split: _named(open_clips(folder).clips, f"{split}/") for split, folder in self._split_folders.items()}
            return {**splits, "all": {source_id: clip for clips in splits.values() for source_id, clip in clips.items()}}
        clips = _named(open_clips(self._root).clips, "")
        place = {source_id: split_of(source_id, self.config) for source_id in clips}
        splits = {split: {name: clip for name, clip in clips.items() if place[name] == split} for split in _FOLDER_NAMES}
        return {**splits, "all": clips}

    def notes_on_splits(self) -> list[str]:
        return [f"the splits are the folders in {self._root}"] if self._split_folders else []

    def why_empty(self, split: str) -> str:
        return (
            f"none of its {len(self._by_id)} videos falls into it by the hash of its name. "
            "Put videos into folders named train, validation and test, raise the split's percentage, or use the split all."
        )

    @cached_property
    def _split_folders(self) -> Mapping[str, Path]:
        """split → its folder, of those that are there."""
        if not self._root.is_dir():
            return {}
        folders: dict[str, Path] = {}
        for folder in sorted(path for path in self._root.iterdir() if path.is_dir()):
            split = _SPLIT_OF.get(folder.name.casefold())
            if split is None:
                _refuse_near_miss(folder)
            elif split in folders:
                raise DataError(f"{self._root} holds both {folders[split].name} and {folder.name} for one split. Keep one of them.")
            else:
                folders[split] = folder
        beside = sorted(path.name for path in self._root.iterdir() if path not in folders.values() and not path.name.startswith("."))
        if folders and beside:
            _LOG.warning("%s: passed over beside the splits' folders: %s", self._root, ", ".join(beside[:5]))
        return {split: folders[split] for split in _FOLDER_NAMES if split in folders}


def _refuse_near_miss(folder: Path) -> None:
    """DataError: a folder of videos, not of one video's frames, is named nearly like a split."""
    letters = "".join(character for character in folder.name.casefold() if character.isalpha())
    core = _SURROUNDINGS.sub("", letters)
    split = "validation" if difflib.get_close_matches(core, ["validation"], cutoff=0.85) else _SPLIT_OF.get(core)
    if split is not None and not any(is_picture(path.name) for path in folder.iterdir()):
        raise DataError(
            f"{folder} looks like the split {split}, but is not named so, and its videos would be divided by a hash of their "
            f"names. Rename it to {split} if it is that split, else to something else."
        )


def split_of(name: str, config: VideoFolderConfig) -> str:
    """The split of a video by its name: `hash_place`, test first, then validation.

    >>> split_of("clouds", VideoFolderConfig())
    'train'
    """
    place = hash_place(name)
    if place < config.test_percent:
        return "test"
    return "validation" if place < config.test_percent + config.validation_percent else "train"


def _named(clips: Sequence[ClipFile], prefix: str) -> dict[str, ClipFile]:
    return {prefix + clip.name: clip for clip in clips}
