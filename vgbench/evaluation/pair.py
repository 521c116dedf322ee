"""A generated clip beside its reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from vgbench.generation.manifest import Place

if TYPE_CHECKING:
    from torch import Tensor

    from vgbench.video.folder import ClipFile


class Pair(NamedTuple):
    """A generated clip and its reference."""

    place: Place
    """What it stands for."""
    generated: ClipFile
    reference: ClipFile

    @property
    def name(self) -> str:
        """The generated clip's."""
        return self.generated.name

    def read(self) -> tuple[Tensor, Tensor]:
        """Both, uint8 (T, C, H, W)."""
        return self.generated.read(), self.reference.read()

    def chunks(self, length: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Both, at most `length` frames at a time, each file read once from its beginning."""
        return zip(self.generated.chunks(length), self.reference.chunks(length), strict=True)

    def bytes(self) -> int:
        """How much memory both take."""
        return 2 * self.reference.info().bytes()

    def frame_bytes(self) -> int:
        """How much memory a frame of both takes."""
        return 2 * self.reference.info().frame_bytes()

    def difference(self) -> str:
        """How the two differ in length, size or channels, as a phrase; empty where they agree."""
        first, second = self.generated.info(), self.reference.info()
        facts = [(i.frames, i.height, i.width, i.channels) for i in (first, second)]
        if facts[0] == facts[1]:
            return ""
        texts = [f"{frames} frames of {height}×{width} with {channels} channels" for frames, height, width, channels in facts]
        return f"{self.name}: {texts[0]} against {texts[1]}"
