"""Find the clips of a folder by file names; of each folder's pictures the first PNG or WebP is opened, to see whether it moves.

- A file with a video's suffix is a clip, named by its path below the folder without the suffix. So is an animated PNG or WebP, in a
  folder whose first one is animated.
- A folder that holds pictures, and no video or other clip in it or below, is a clip of frames, named by its path.
  Pictures beside clips are posters or previews: they are passed over, with a line in the log.
- Hidden files and folders are passed over. Links are followed, but never back into a folder that one is inside of.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import NamedTuple

from vgbench.errors import DataError
from vgbench.video.animation import is_animation
from vgbench.video.array_files import ARRAY_SUFFIXES
from vgbench.video.decode import VIDEO_SUFFIXES
from vgbench.video.order import in_order, natural_key
from vgbench.video.pictures import PICTURE_SUFFIXES, is_picture

_LOG = logging.getLogger(__name__)


class FoundClip(NamedTuple):
    """A clip that a listing found."""

    name: str
    """Its path below the folder, without suffix, with "/" between folders."""
    path: Path
    is_frames: bool
    """Whether it is a folder of pictures rather than a video file."""


class _Names(NamedTuple):
    """What lies in one folder, hidden names left out."""

    folders: list[str]
    videos: list[str]
    pictures: list[str]
    others: list[str]


def list_clips(folder: Path) -> list[FoundClip]:
    """The clips of a folder in natural order of their names; a folder of frames is one clip, named after it.

    Raises DataError: no clips, two clips of one name, a folder that cannot be read.
    """
    found = _walk(folder, "", ())
    if not found:
        raise DataError(_nothing_found(folder))
    if found[0].path == folder:
        return [FoundClip(folder.resolve().name, folder, True)]
    _check_unique(folder, found)
    return _in_order(found)


def _in_order(found: list[FoundClip]) -> list[FoundClip]:
    """Folder by folder, the names in each in natural order."""
    beside: dict[str, set[str]] = {}
    for clip in found:
        parts = clip.name.split("/")
        for depth, part in enumerate(parts):
            beside.setdefault("/".join(parts[:depth]), set()).add(part)
    rank = {(folder, name): number for folder, names in beside.items() for number, name in enumerate(in_order(names))}

    def place(clip: FoundClip) -> list[int]:
        parts = clip.name.split("/")
        return [rank["/".join(parts[:depth]), part] for depth, part in enumerate(parts)]

    return sorted(found, key=place)


def _walk(folder: Path, prefix: str, ancestors: tuple[tuple[int, int], ...]) -> list[FoundClip]:
    """The clips in and below a folder; `ancestors` are the device and inode numbers of the folders it is inside of."""
    try:
        status = folder.stat()
        names = _names(folder)
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}. Check its permissions.") from error
    here = (status.st_dev, status.st_ino)
    if here in ancestors:
        _LOG.info("%s links back to a folder that it is in: passed over", folder)
        return []
    found = [FoundClip(prefix + os.path.splitext(name)[0], folder / name, False) for name in names.videos]
    for name in names.folders:
        found += _walk(folder / name, f"{prefix}{name}/", (*ancestors, here))
    if names.pictures and not found:
        return [FoundClip(prefix.rstrip("/"), folder, True)]
    if names.pictures:
        _LOG.info("%s: %d pictures beside clips are passed over, %s first", folder, len(names.pictures), min(names.pictures))
    return found


def _names(folder: Path) -> _Names:
    """Sorted by kind, in no order: a folder of a million files is looked at once, without asking the system about each."""
    names = _Names([], [], [], [])
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if _is_folder(entry):
                names.folders.append(name)
            elif os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES:
                names.videos.append(name)  # also a link that leads nowhere: a missing clip is to be noticed when it is read
            elif is_picture(name):
                names.pictures.append(name)
            else:
                names.others.append(name)
    return _animations_apart(folder, names)


_MAY_MOVE = (".png", ".webp")


def _animations_apart(folder: Path, names: _Names) -> _Names:
    """The same with animated pictures among the videos, where the first that may be one is."""
    candidates = [name for name in names.pictures if os.path.splitext(name)[1].lower() in _MAY_MOVE]
    if not candidates or not is_animation(folder / in_order(candidates)[0]):
        return names
    animated = {name for name in candidates if is_animation(folder / name)}
    still = [name for name in names.pictures if name not in animated]
    return names._replace(videos=[*names.videos, *animated], pictures=still)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _check_unique(folder: Path, found: list[FoundClip]) -> None:
    if len({clip.name for clip in found}) == len(found):
        return
    by_name: dict[str, list[str]] = {}
    for clip in sorted(found, key=lambda clip: (natural_key(clip.name), clip.is_frames, clip.path.name)):
        by_name.setdefault(clip.name, []).append(clip.path.relative_to(folder).as_posix())
    clashes = [" and ".join(paths) for paths in by_name.values() if len(paths) > 1]
    if clashes:
        more = f" (and {len(clashes) - 5} names more)" if len(clashes) > 5 else ""
        raise DataError(f"{folder}: more than one clip of a name: {'; '.join(clashes[:5])}{more}. Keep one of each.")


def _nothing_found(folder: Path) -> str:
    message = (
        f"{folder} holds no clips: looked in it and below for videos ({', '.join(sorted(VIDEO_SUFFIXES))}) "
        f"and for folders of pictures ({', '.join(sorted(PICTURE_SUFFIXES))})."
    )
    others = _names(folder).others
    arrays = [name for name in others if name.lower().endswith(ARRAY_SUFFIXES)]
    if arrays:
        return f"{message} An array is named itself: {folder / min(arrays)}."
    return f"{message} It holds {len(others)} other files" + (f", {min(others)} first." if others else ".")
