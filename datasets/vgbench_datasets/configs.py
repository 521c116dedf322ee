"""The options of each data set and their defaults, apart from the code that reads pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vgbench import ConfigError


def _require(value: int, name: str, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} = {value} is out of range; it goes from {low} to {high}.")


@dataclass(frozen=True, kw_only=True)
class SyntheticSkyConfig:
    """What the procedural sky contains. Another seed is another data set: compare only results of one seed."""

    seed: int = 0
    """Everything is drawn from it; 0 to 2**63 − 1."""
    train_sources: int = 512
    """Videos in the split `train`; asking for more leaves the first ones as they are."""
    validation_sources: int = 32
    """The same of the validation split."""
    test_sources: int = 64
    """The same of the test split."""
    frames: int = 64
    """Frames of each video, at 25 a second: four windows of 16 or two of 32."""
    height: int = 128
    """Pixels of a frame that is read without a size; with `width` it also fixes the aspect of the scene."""
    width: int = 128
    """The same of its width."""

    def __post_init__(self) -> None:
        _require(self.seed, "seed", 0, 2**63 - 1)
        for name in ("train_sources", "validation_sources", "test_sources"):
            _require(getattr(self, name), name, 0, 1_000_000)
        _require(self.frames, "frames", 1, 1_000_000)
        _require(self.height, "height", 8, 4096)
        _require(self.width, "width", 8, 4096)


@dataclass(frozen=True, kw_only=True)
class VideoFolderConfig:
    """How a folder of videos without folders for its splits is divided."""

    validation_percent: int = 10
    """Of a hundred videos, how many the hash of their name puts into `validation`."""
    test_percent: int = 20
    """The same for `test`; the rest is `train`."""
    cache_megabytes: int = 256
    """Memory for the videos decoded last, so that many windows of one video decode it once; 0 turns this off."""

    def __post_init__(self) -> None:
        _require(self.validation_percent, "validation_percent", 0, 100)
        _require(self.test_percent, "test_percent", 0, 100 - self.validation_percent)
        _require(self.cache_megabytes, "cache_megabytes", 0, 1_000_000)


@dataclass(frozen=True, kw_only=True)
class SkyTimelapseConfig:
    """How Sky Time-lapse is divided beyond its authors' train and test."""

    validation_percent: int = 10
    """Of a hundred long videos of sky_train, how many are held out as `validation`, at least one of several; 0: train is the authors'."""

    def __post_init__(self) -> None:
        _require(self.validation_percent, "validation_percent", 0, 99)


@dataclass(frozen=True, kw_only=True)
class HeldOutConfig:
    """How much of the published train is held out as validation."""

    validation_percent: int = 10
    """Of a hundred names, how many the hash puts into `validation`; 0: train is the published one."""

    def __post_init__(self) -> None:
        _require(self.validation_percent, "validation_percent", 0, 99)


@dataclass(frozen=True, kw_only=True)
class Ucf101Config(HeldOutConfig):
    """Which of the three lists of UCF101, and how much of train is held out."""

    fold: int = 1
    """1 to 3: trainlist01 and testlist01, and so on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.fold, "fold", 1, 3)


@dataclass(frozen=True, kw_only=True)
class BeachConfig(HeldOutConfig):
    """How the strips are divided, since no split was published with them."""

    test_percent: int = 10
    """Of a hundred folders, how many the hash puts into `test`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.test_percent, "test_percent", 0, 99 - self.validation_percent)


@dataclass(frozen=True, kw_only=True)
class MovingMnistConfig:
    """What Moving MNIST contains, where it is made from digits."""

    seed: int = 0
    """Digits, paths and speeds are drawn from it; another seed is another data set."""
    digits_of: Literal["both", "test"] = "both"
    """both: train and validation are made from MNIST's training digits, test from its test digits; test: all three from the test digits,
    which are divided, for whoever has no others."""
    digits: int = 2
    """Digits in a video."""
    frames: int = 20
    """Frames of each sequence."""
    side: int = 64
    """Height and width in pixels."""
    train_sources: int = 10_000
    """Sequences of the training split; asking for more leaves the first ones as they are."""
    validation_sources: int = 1_000
    """The same of the validation split."""
    test_sources: int = 10_000
    """The same of the test split."""

    def __post_init__(self) -> None:
        _require(self.seed, "seed", 0, 2**31 - 1)
        if self.digits_of not in ("both", "test"):
            raise ConfigError(f"digits_of = {self.digits_of!r} does not work; it is 'both' or 'test'.")
        _require(self.digits, "digits", 1, 9)
        _require(self.frames, "frames", 1, 10_000)
        _require(self.side, "side", 28, 1024)
        for name in ("train_sources", "validation_sources", "test_sources"):
            _require(getattr(self, name), name, 0, 1_000_000)
