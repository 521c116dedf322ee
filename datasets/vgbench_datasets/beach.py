"""beach: VGAN's tiny videos of beaches, whose frames lie stacked in one jpg."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vgbench import DataError, VideoError
from vgbench.video import ClipFile, VideoClip, VideoInfo, frame_range, natural_key
from vgbench_datasets.clip_files import ClipFiles, Splits, hash_place
from vgbench_datasets.configs import BeachConfig

_SUFFIXES = (".jpg", ".jpeg")
_BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


class Beach(ClipFiles):
    """Each strip is a source, named by its path: square frames on top of each other, 32 of 128×128 as published.

    The strips of one folder are cut from one video, so that a folder is in one split as a whole, by a hash of its path: the first
    `test_percent` of a hundred test, the next `validation_percent` validation.

    config: a BeachConfig, or None for its defaults.
    """

    dataset = "beach"
    layout = "It holds, in folders, jpgs whose square frames lie on top of each other, as VGAN's tiny videos do."
    config: BeachConfig

    def __init__(self, config: BeachConfig | None = None, root: Path | None = None) -> None:
        super().__init__(config or BeachConfig(), root)

    def find(self) -> Splits:
        paths = sorted(_pictures(self._root), key=lambda path: [natural_key(part) for part in path.parts])
        names = [path.relative_to(self._root).with_suffix("").as_posix() for path in paths]
        strips = {name: Strip(name, path) for name, path in zip(names, paths, strict=True)}
        if not strips:
            raise DataError(f"{self._root} holds no strip. {self._how()}")
        place = {name: hash_place(name.rpartition("/")[0] or name) for name in strips}
        first, second = self.config.test_percent, self.config.test_percent + self.config.validation_percent
        return {
            "train": {name: strip for name, strip in strips.items() if place[name] >= second},
            "validation": {name: strip for name, strip in strips.items() if first <= place[name] < second},
            "test": {name: strip for name, strip in strips.items() if place[name] < first},
        }


@dataclass(frozen=True)
class Strip(VideoClip):
    """A jpg of square frames, the first on top."""

    def info(self) -> VideoInfo:
        return self._info

    def is_interlaced(self) -> bool:
        return False

    @cached_property
    def _info(self) -> VideoInfo:
        try:
            with Image.open(self.path) as image:
                width, height = image.size
        except _BROKEN as error:
            raise _damaged(self.path, error) from error
        if height % width:
            raise VideoError(f"{self.path} is {width}×{height}: no whole number of square frames on top of each other.")
        return VideoInfo(height // width, None, width, width, 3)

    def read(self, start: int = 0, length: int | None = None) -> Tensor:
        info = self.info()
        wanted = frame_range(self.path, info.frames, start, length)
        try:
            with Image.open(self.path) as image:
                pixels = np.array(image.convert("RGB"))
        except _BROKEN as error:
            raise _damaged(self.path, error) from error
        video = torch.from_numpy(pixels).view(info.frames, info.height, info.width, 3).permute(0, 3, 1, 2)
        return video[wanted.start : wanted.stop].contiguous()

    def chunks(self, length: int) -> Iterator[Tensor]:
        return ClipFile.chunks(self, length)


def _damaged(path: Path, error: Exception) -> VideoError:
    return VideoError(f"{path} cannot be decoded: {error}. The picture is truncated or damaged: copy it again, or delete it.")


def _pictures(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(_SUFFIXES) and not name.startswith("."):
                yield Path(parent, name)
