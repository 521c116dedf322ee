"""Video files, folders of pictures and arrays go in, pixels come out, uint8 (T, C, H, W); and back into files.

The names below are public: what a data set needs to read its videos. They are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "vgbench.video.array_files": ("ArrayAddress", "array_address"),
    "vgbench.video.decode": ("VIDEO_SUFFIXES", "probe_video", "read_video", "stream_video"),
    "vgbench.video.encode": ("strip", "write_lossless", "write_preview"),
    "vgbench.video.folder": ("ArrayClip", "ClipFile", "ClipFolder", "PictureClip", "VideoClip", "open_clips"),
    "vgbench.video.info": ("VideoInfo", "check_range", "frame_range"),
    "vgbench.video.order": ("natural_key",),
    "vgbench.video.pictures": ("PICTURE_SUFFIXES", "is_picture", "list_pictures", "probe_pictures", "read_pictures"),
    "vgbench.video.resizing": ("resize",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = list(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'vgbench.video' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)


if TYPE_CHECKING:
    from vgbench.video.array_files import ArrayAddress as ArrayAddress, array_address as array_address
    from vgbench.video.decode import (
        VIDEO_SUFFIXES as VIDEO_SUFFIXES,
        probe_video as probe_video,
        read_video as read_video,
        stream_video as stream_video,
    )
    from vgbench.video.encode import strip as strip, write_lossless as write_lossless, write_preview as write_preview
    from vgbench.video.folder import (
        ArrayClip as ArrayClip,
        ClipFile as ClipFile,
        ClipFolder as ClipFolder,
        PictureClip as PictureClip,
        VideoClip as VideoClip,
        open_clips as open_clips,
    )
    from vgbench.video.info import VideoInfo as VideoInfo, check_range as check_range, frame_range as frame_range
    from vgbench.video.order import natural_key as natural_key
    from vgbench.video.pictures import (
        PICTURE_SUFFIXES as PICTURE_SUFFIXES,
        is_picture as is_picture,
        list_pictures as list_pictures,
        probe_pictures as probe_pictures,
        read_pictures as read_pictures,
    )
    from vgbench.video.resizing import resize as resize
