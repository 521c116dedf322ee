"""Memorisation: for each generated clip the training clip it is nearest to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vgbench.config import DEFAULT_PROTOCOL
from vgbench.data.clips import Clip
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import PairingError
from vgbench.plugins.observers import Observer
from vgbench.plugins.telling import Telling
from vgbench.protocol import Protocol, as_protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

CANDIDATES = 5
"""Of the training clips that are nearest by small frames, so many are compared pixel by pixel."""
SIDE = 8


class Neighbour(NamedTuple):
    """A clip and the training clip it is nearest to."""

    clip: str
    training_clip: str
    psnr: float
    """psnr@frame in dB between the two, their scored frames."""


class Neighbours(NamedTuple):
    """How near generated clips are to training clips, beside how near real test clips are."""

    generated: list[Neighbour]
    """The nearest first."""
    real: list[Neighbour]
    """The same of the test clips: what is to be expected without memory."""


def neighbours(
    generated: Path,
    *,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    data: Mapping[str, Path] | None = None,
    observer: Observer | None = None,
) -> Neighbours:
    """The nearest training clip of each generated clip, and of each real test clip.

    generated: what `vgbench generate` wrote, or clips of the protocol's size and number of frames in any form that `vgbench eval` takes.

    PairingError: a clip is of another size or length.  DataError: the protocol has no training clips.
    """
    from vgbench.video.folder import open_clips

    opened = ProtocolData(as_protocol(protocol), data or {})
    observer = observer or Telling()
    training = opened.clips("train")
    index = _Index(opened, training, observer)
    made = []
    video = opened.protocol.video
    wanted = (opened.protocol.task.frames, video.channels, *video.size)
    for clip in open_clips(generated).clips:
        frames = clip.read()
        if frames.shape[1] == 1:
            frames = frames.expand(-1, video.channels, -1, -1)
        if tuple(frames.shape) != wanted:
            raise PairingError(f"{clip.name} is {tuple(frames.shape)} (frames, channels, height, width); {wanted} is asked for.")
        made.append(index.nearest(clip.name, frames))
    real = [index.nearest(clip.clip_id, _target(opened, opened.read(clip))) for clip in opened.clips("test")]
    return Neighbours(*(sorted(found, key=lambda one: -one.psnr) for found in (made, real)))


class _Index:
    """The training clips as small frames, to find candidates among."""

    def __init__(self, data: ProtocolData, clips: Sequence[Clip], observer: Observer) -> None:
        import numpy as np

        self._data, self._clips = data, clips
        self._small = np.stack(list(self._small_clips(observer)))

    def _small_clips(self, observer: Observer) -> Iterator[NDArray[np.floating]]:
        for number, clip in enumerate(self._clips, start=1):
            yield _small(_target(self._data, self._data.read(clip)))
            observer.advanced("reading train", number, len(self._clips))

    def nearest(self, name: str, frames: Tensor) -> Neighbour:
        import numpy as np

        distances = ((self._small - _small(frames)) ** 2).mean(axis=1)
        candidates = [self._clips[place] for place in np.argsort(distances)[:CANDIDATES]]
        found = [Neighbour(name, clip.clip_id, self._psnr(frames, clip)) for clip in candidates]
        return max(found, key=lambda one: one.psnr)

    def _psnr(self, frames: Tensor, clip: Clip) -> float:
        from vgbench.metrics.pixel.psnr import psnr

        real = _target(self._data, self._data.read(clip))
        first = self._data.protocol.task.score_from
        return float(psnr(frames[None, first:], real[None, first:], data_range=255).mean())


def _target(data: ProtocolData, frames: Tensor) -> Tensor:
    task = data.protocol.task
    return frames[task.target_start : task.target_start + task.frames]


def _small(frames: Tensor) -> NDArray[np.floating]:
    """Eight frames of a clip at 8×8, as one vector."""
    import torch

    chosen = frames[[round(place) for place in torch.linspace(0, len(frames) - 1, min(8, len(frames))).tolist()]]
    small = torch.nn.functional.adaptive_avg_pool2d(chosen.expand(-1, 3, -1, -1).float() / 255, (SIDE, SIDE))
    vector: NDArray[np.floating] = small.flatten().numpy()
    return vector
