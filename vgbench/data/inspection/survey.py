"""A survey of clips: each read once, for what a protocol's data are like and whether they are what they should be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from vgbench.data.clips import Clip, cut, rate_of, span_of
from vgbench.data.inspection.motion import motion
from vgbench.data.loader import read_ahead
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import VideoError
from vgbench.plugins.observers import Observer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

LOOK_FRAMES = 3
"""The first, the middle and the last frame make a clip's look."""
LOOK_BITS = 64 * LOOK_FRAMES


class ClipFacts(NamedTuple):
    """What one clip is like, at the protocol's size."""

    clip_id: str
    source_id: str
    sha256: str
    """Of its bytes, (T, C, H, W)."""
    look: bytes
    """A perceptual hash: of three frames which of 8×8 neighbours in a row is the brighter."""
    contrast: float
    """The deviation of those three frames' 9×8 areas, of values in [0, 1]: near 0 the look is noise."""
    motion: float
    """mean |x_{t+1} − x_t| of values in [0, 1]; 0 for a single frame."""
    drift: float
    """mean |x_T − x_1|, last against first frame."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """One role of a protocol, surveyed."""

    split: str
    n_videos: int
    n_expected: int
    """Clips that the windows cut from the videos that can be opened."""
    left_out: int
    """Of these, clips that the protocol's min_motion leaves out."""
    clips: list[ClipFacts]
    """Those that can be read."""
    damaged: dict[str, str]
    """Clip, or video that cannot even be opened → why it cannot be read."""
    short: list[str]
    """Videos that are shorter than a window."""
    upsampled: list[str]
    """Videos that are smaller than the protocol's size."""
    rates: list[float]
    """The frame rates that occur."""
    formats: list[str]
    """The suffixes of its files."""
    defects: Mapping[str, str]
    """Video → what the data set itself found odd by names alone, such as a gap in the numbers of its frames."""


def survey(data: ProtocolData, role: str, *, from_files: bool, workers: int, observer: Observer) -> Survey:
    """Read every clip of a role once.

    from_files: from the data set itself, also where a split is packed; what is packed is compared.  DataError: the split is not there.
    """
    windows = getattr(data.protocol, role)
    sources, unreadable = data.dataset.probe(windows.split)
    cut_clips = cut(list(sources), windows)
    kept = data.with_motion(cut_clips, windows)
    pack = data.pack(windows.split)

    def facts_of(clip: Clip) -> ClipFacts | str:
        try:
            frames = data.read_unpacked(clip) if from_files else data.read(clip)
        except VideoError as error:
            return str(error)
        packed = data.read_packed(clip) if from_files else None
        if packed is not None and not packed.equal(frames):
            return f"its packed copy holds other pixels than the file: delete {pack.path if pack else ''}, and prepare it again."
        return clip_facts(clip, frames)

    facts: list[ClipFacts] = []
    damaged: dict[str, str] = {}
    looked_at = read_ahead(kept, facts_of, workers=workers, ahead=4 * workers)
    for number, (clip, found) in enumerate(zip(kept, looked_at, strict=True), start=1):
        if isinstance(found, str):
            damaged[clip.clip_id] = found
        else:
            facts.append(found)
        observer.advanced(f"reading {windows.split}", number, len(kept))
    height, width = data.protocol.video.size
    return Survey(
        split=windows.split,
        n_videos=len(sources) + len(unreadable),
        n_expected=len(cut_clips),
        left_out=len(cut_clips) - len(kept),
        clips=facts,
        damaged={**unreadable, **damaged},
        short=[source.source_id for source in sources if source.frames < span_of(source, windows)],
        upsampled=[source.source_id for source in sources if source.height < height or source.width < width],
        rates=sorted({rate for rate in (rate_of(source, windows) for source in sources) if rate is not None}),
        formats=sorted(data.dataset.formats(windows.split)),
        defects=data.dataset.defects(windows.split),
    )


def clip_facts(clip: Clip, frames: Tensor) -> ClipFacts:
    """The facts of a clip's pixels, uint8 (T, C, H, W)."""
    import numpy as np

    content = np.ascontiguousarray(frames.numpy())
    thumbs = _thumbs(frames)
    ends = frames[[0, -1]].float() / 255
    return ClipFacts(
        clip_id=clip.clip_id,
        source_id=clip.source_id,
        sha256=hashlib.sha256(content.tobytes()).hexdigest(),
        look=np.packbits(thumbs[:, :, 1:] > thumbs[:, :, :-1]).tobytes(),
        contrast=float((thumbs - thumbs.mean(axis=(1, 2), keepdims=True)).std()),
        motion=motion(frames),
        drift=float((ends[1] - ends[0]).abs().mean()),
    )


def _thumbs(frames: Tensor) -> NDArray[np.floating]:
    """(LOOK_FRAMES, 8, 9): mean brightness of areas of three frames, in [0, 1]."""
    import torch

    chosen = frames[[0, len(frames) // 2, len(frames) - 1]].float().mean(dim=1, keepdim=True) / 255
    thumbs: NDArray[np.floating] = torch.nn.functional.adaptive_avg_pool2d(chosen, (8, 9))[:, 0].numpy()
    return thumbs
