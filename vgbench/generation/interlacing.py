"""What to know of given clips that are interlaced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vgbench.video.folder import ClipFile


def interlaced_note(clips: Iterable[ClipFile], where: str) -> list[str]:
    """A note where some are; each file's first frame is looked at, once."""
    found = list(dict.fromkeys(clip.name for clip in clips if clip.is_interlaced()))
    if not found:
        return []
    return [
        f"{len(found)} clips of {where} are interlaced, such as {found[0]}: a frame has two moments in it, in every second row each, and "
        "metrics take the difference for detail. Deinterlace both sides alike, for example with: ffmpeg -i IN -vf bwdif -c:v ffv1 OUT.mkv."
    ]
