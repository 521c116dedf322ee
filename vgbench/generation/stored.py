"""What to know of given clips by how they are stored: interlaced, or compressed with loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vgbench.video.folder import ClipFile


def stored_notes(clips: Sequence[ClipFile], where: str) -> list[str]:
    """A note for each; of a video file the first frame is looked at, once."""
    notes = []
    interlaced = list(dict.fromkeys(clip.name for clip in clips if clip.is_interlaced()))
    if interlaced:
        notes.append(
            f"{len(interlaced)} clips of {where} are interlaced, such as {interlaced[0]}: a frame has two moments in it, in every second "
            "row each, and metrics take the difference for detail. Deinterlace both sides alike, for example with: "
            "ffmpeg -i IN -vf bwdif -c:v ffv1 OUT.mkv."
        )
    lossy = {clip.name: clip.lossy_format() for clip in clips if clip.lossy_format()}
    if lossy:
        formats = ", ".join(sorted(set(lossy.values())))
        notes.append(
            f"{len(lossy)} clips of {where} are stored with loss ({formats}), such as {next(iter(lossy))}: what is scored are the "
            "clips and their compression. Store clips losslessly, as PNG or FFV1."
        )
    return notes
