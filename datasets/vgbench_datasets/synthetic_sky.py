"""synthetic-sky: whole videos of procedural skies, in splits that share no seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from vgbench import Dataset, Source
from vgbench_datasets.configs import SyntheticSkyConfig
from vgbench_datasets.names import require_window, unknown_source, unknown_split
from vgbench_datasets.sky.fixed import mix64
from vgbench_datasets.sky.render import render
from vgbench_datasets.sky.scene import draw_scene

GENERATOR_VERSION = 1
"""Raised with every change that could change a pixel."""

FPS = 25.0
_SPLITS = ("train", "validation", "test")


class SyntheticSky(Dataset):
    """Clouds on the wind, a sun on its way, light from dawn to dusk: rendered when read, the same bits on every machine.

    config: a SyntheticSkyConfig, or None for its defaults.  root: not used; there is nothing on disk.

    >>> sky = SyntheticSky(None, None)
    >>> sky.sources("train")[7].source_id
    'train-0007'
    >>> tuple(sky.read("train-0007", start=0, length=16, size=(64, 64)).shape)
    (16, 3, 64, 64)
    """

    config: SyntheticSkyConfig

    def __init__(self, config: SyntheticSkyConfig | None = None, root: Path | None = None) -> None:
        super().__init__(config or SyntheticSkyConfig(), root)
        counts = (self.config.train_sources, self.config.validation_sources, self.config.test_sources)
        self._ids = {split: [f"{split}-{n:04d}" for n in range(count)] for split, count in zip(_SPLITS, counts, strict=True)}
        self._keys = {
            source_id: source_key(self.config.seed, split, index) for split in _SPLITS for index, source_id in enumerate(self._ids[split])
        }

    def sources(self, split: str) -> Sequence[Source]:
        """The split's videos, train-0000 and so on.  Raises UnknownName for another split than train, validation and test."""
        config = self.config
        return [Source(source_id, config.frames, FPS, config.height, config.width) for source_id in self._ids_of(split)]

    def read(self, source_id: str, start: int, length: int, size: tuple[int, int] | None = None) -> Tensor:
        """uint8 (length, 3, H, W), rendered at `size` where it is given, else at the configured height and width.

        A size of another aspect shows the same scene squashed.  Raises UnknownName for an unknown source, DataError for frames
        that the source does not have.
        """
        if source_id not in self._keys:
            raise unknown_source(source_id, self._keys)
        require_window(source_id, start, length, self.config.frames)
        native = (self.config.height, self.config.width)
        return torch.from_numpy(render(draw_scene(self._keys[source_id]), start, length, size or native, native))

    def fingerprint(self, split: str) -> str:
        """SHA-256 over the version of the generator, what decides the split's pixels, and two rendered frames."""
        config = self.config
        facts = {
            "version": GENERATOR_VERSION,
            "seed": config.seed,
            "split": split,
            "sources": len(self._ids_of(split)),
            "frames": config.frames,
            "native": [config.height, config.width],
        }
        scene = draw_scene(source_key(config.seed, split, 0))
        probe = b"".join(render(scene, frame, 1, (48, 48), (config.height, config.width)).tobytes() for frame in (0, config.frames - 1))
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode() + probe).hexdigest()

    def _ids_of(self, split: str) -> list[str]:
        if split not in self._ids:
            raise unknown_split(split, _SPLITS)
        return self._ids[split]


def source_key(seed: int, split: str, index: int) -> int:
    """The 64-bit key of a source: scrambled one-to-one, so no two sources of a seed share one, whatever their split."""
    return mix64(mix64(seed) ^ (_SPLITS.index(split) << 32 | index))
