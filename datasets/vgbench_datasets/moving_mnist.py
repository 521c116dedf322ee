"""moving-mnist: handwritten digits that drift over a black square and bounce off its sides, made or as published.

N. Srivastava, E. Mansimov, R. Salakhutdinov, "Unsupervised learning of video representations using LSTMs", ICML 2015.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import tokenize
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vgbench import DataError, Dataset, Source
from vgbench_datasets.configs import MovingMnistConfig
from vgbench_datasets.names import require_window, unknown_source, unknown_split

GENERATOR_VERSION = 1
"""Raised with every change that could change a pixel."""
PUBLISHED = "mnist_test_seq.npy"
TRAIN_DIGITS, TEST_DIGITS = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"
_MADE = ("train", "validation", "test")
_DIGIT = 28
_STEP = 0.1
"""Of the way from side to side, in one frame."""
_LAYOUT = (
    f"Expected there: MNIST's digits, {TRAIN_DIGITS} and {TEST_DIGITS} (each with or without .gz), for the splits train, validation and "
    f'test, or the latter alone with digits_of = "test" in [data.config]; {PUBLISHED} for the split published-test. '
    "Give the folder with --data moving-mnist=DIR."
)


class MovingMnist(Dataset):
    """Grey videos in the splits train, validation and test, made from digits that no two of them share, and published-test.

    The last 5,000 of MNIST's training digits are for validation, its test digits for test; with `digits_of = "test"` the first 8,000 test
    digits are for train, the next 1,000 for validation and the last for test. A video is a function of the seed, its split and its number.

    Each digit begins at a random place with a random direction, and goes a tenth of the way from side to side in a frame, as in the
    published generator; where two overlap the brighter pixel shows.

    config: a MovingMnistConfig, or None for its defaults.  Raises DataError where `root` is None or holds none of the files.
    """

    config: MovingMnistConfig

    def __init__(self, config: MovingMnistConfig | None = None, root: Path | None = None) -> None:
        super().__init__(config or MovingMnistConfig(), root)
        if root is None:
            raise DataError(f"The data set moving-mnist needs a folder. {_LAYOUT}")
        self._root = root
        self._read: dict[str, NDArray[np.uint8]] = {}
        if self._file(TEST_DIGITS) is None and not (root / PUBLISHED).is_file():
            raise DataError(f"The data set moving-mnist is not at {root}: it holds neither digits nor {PUBLISHED}. {_LAYOUT}")

    def sources(self, split: str) -> Sequence[Source]:
        """The split's videos, train-00000 and so on; 10,000 of 20 frames of 64×64 in published-test.

        Raises UnknownName for another split, DataError where its file is not there or damaged.
        """
        if split == "published-test":
            frames, count, *size = self._published.shape
            return [Source(f"{split}-{index:05d}", frames, None, size[0], size[1]) for index in range(count)]
        self.digits(split)
        side = self.config.side
        return [Source(f"{split}-{index:05d}", self.config.frames, None, side, side) for index in range(self._count(split))]

    def read(self, source_id: str, start: int, length: int, size: tuple[int, int] | None = None) -> Tensor:
        """uint8 (length, 1, H, W); `size` is not used.

        Raises UnknownName for an unknown source, DataError for frames that it does not have.
        """
        split, _, number = source_id.rpartition("-")
        published = split == "published-test"
        count = self._published.shape[1] if published else self._count(split) if split in _MADE else 0
        if not number.isdecimal() or int(number) >= count or number != f"{int(number):05d}":
            raise unknown_source(source_id, [f"{known}-00000" for known in (*_MADE, "published-test")])
        require_window(source_id, start, length, self._published.shape[0] if published else self.config.frames)
        if published:
            return torch.from_numpy(np.array(self._published[start : start + length, int(number)]))[:, None]
        return self._made(split, int(number))[start : start + length]

    def fingerprint(self, split: str) -> str:
        """SHA-256 over the file of the published split; else over the digits and everything that decides a pixel."""
        if split == "published-test":
            self.sources(split)
            with open(self._root / PUBLISHED, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        config = self.config
        facts = [GENERATOR_VERSION, split, config.seed, config.digits, config.frames, config.side, self._count(split)]
        return hashlib.sha256(json.dumps(facts).encode() + self.digits(split).tobytes()).hexdigest()

    def _count(self, split: str) -> int:
        return int(getattr(self.config, f"{split}_sources"))

    def _made(self, split: str, index: int) -> Tensor:
        """A whole video, uint8 (T, 1, side, side).

        Only sums, products, quotients and square roots of float64 decide a place, all exactly rounded: the same on every machine.
        """
        config, pool = self.config, self.digits(split)
        rng = np.random.default_rng([config.seed, _MADE.index(split), index])
        video = np.zeros((config.frames, config.side, config.side), dtype=np.uint8)
        room = config.side - _DIGIT
        for _ in range(config.digits):
            digit = pool[rng.integers(len(pool))]
            for frame, (top, left) in enumerate(_path(rng, config.frames)):
                row, column = int(top * room), int(left * room)
                place = video[frame, row : row + _DIGIT, column : column + _DIGIT]
                np.maximum(place, digit, out=place)
        return torch.from_numpy(video)[:, None]

    def digits(self, split: str) -> NDArray[np.uint8]:
        """The digits of a split, (N, 28, 28)."""
        if split not in _MADE:
            raise unknown_split(split, (*_MADE, "published-test"))
        if self.config.digits_of == "test":
            bounds = {"train": (0, 8000), "validation": (8000, 9000), "test": (9000, None)}[split]
            return self._digits(TEST_DIGITS, split)[slice(*bounds)]
        if split == "test":
            return self._digits(TEST_DIGITS, split)
        digits = self._digits(TRAIN_DIGITS, split)
        return digits[:-5000] if split == "train" else digits[-5000:]

    def _digits(self, name: str, split: str) -> NDArray[np.uint8]:
        if name not in self._read:
            path = self._file(name)
            if path is None:
                raise DataError(f"The split '{split}' of moving-mnist is made from {name}, which is not in {self._root}. {_LAYOUT}")
            self._read[name] = _read_digits(path)
        return self._read[name]

    @cached_property
    def _published(self) -> NDArray[np.uint8]:
        """(T, N, H, W), as the file has it, from the disk."""
        path = self._root / PUBLISHED
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, EOFError, ValueError, TypeError, SyntaxError, OverflowError, tokenize.TokenError) as error:
            raise DataError(f"{path} cannot be read: {error}. {_LAYOUT}") from error
        if array.ndim != 4 or array.dtype != np.uint8:
            raise DataError(f"{path} holds {array.dtype} {array.shape}; the published file is uint8 (20, 10000, 64, 64).")
        published: NDArray[np.uint8] = array
        return published

    def _file(self, name: str) -> Path | None:
        return next((path for path in (self._root / name, self._root / f"{name}.gz") if path.is_file()), None)


def _path(rng: np.random.Generator, frames: int) -> list[tuple[float, float]]:
    """Where a digit is in each frame, from 0 to 1 from the top and from the left."""
    place = rng.random(2)
    direction = rng.random(2) * 2 - 1
    while not 0 < (direction**2).sum() <= 1:  # every direction alike
        direction = rng.random(2) * 2 - 1
    velocity = _STEP * direction / np.sqrt((direction**2).sum())
    places = []
    for _ in range(frames):
        places.append((float(place[0]), float(place[1])))
        place = place + velocity
        for axis in (0, 1):
            if not 0 <= place[axis] <= 1:
                place[axis] = min(max(place[axis], 0.0), 1.0)
                velocity[axis] = -velocity[axis]
    return places


def _read_digits(path: Path) -> NDArray[np.uint8]:
    """The pictures of an idx file, (N, 28, 28)."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        magic, count, height, width = struct.unpack(">4I", content[:16])
    except (OSError, EOFError, struct.error, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}. Copy it again.") from error
    if (magic, height, width) != (0x803, _DIGIT, _DIGIT) or len(content) != 16 + count * height * width:
        raise DataError(f"{path} is no whole file of MNIST pictures (idx3, 28×28): copy it again.")
    return np.frombuffer(content, dtype=np.uint8, offset=16).reshape(count, height, width)
