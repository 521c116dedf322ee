"""synthetic-sky keeps its word: the same bits, any window, any size, splits apart, and motion worth predicting."""

from __future__ import annotations

import doctest
import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from vgbench import ConfigError, DataError, UnknownName
from vgbench_datasets import synthetic_sky, video_folder
from vgbench_datasets.configs import SyntheticSkyConfig
from vgbench_datasets.synthetic_sky import SyntheticSky, source_key

SMALL = (32, 32)

# A change here means that every score on synthetic-sky changes: raise GENERATOR_VERSION with it.
GOLDEN_CLIPS = {
    ("train-0000", 0, 4, (64, 64)): "d0b01361050d0a6e1fe50674d9bbbd910de71eba2e8eb2609f68d20238d83ddd",
    ("test-0063", 60, 4, (48, 80)): "b6ff902f157578edb9a7524c353b64230974d235c6399032ecf210b75582c2c7",
    ("validation-0007", 31, 2, None): "39e744017847c1805f6807a4c50527e41fcbec0058eba265eb5f064faae884d6",
}
GOLDEN_FINGERPRINT = "93a8d49bbd650970454d3e3e519a9fec9e6b6c993d0900c71b7772b63346d3e6"


@pytest.fixture(scope="module")
def sky() -> SyntheticSky:
    return SyntheticSky()


def mean_psnr_of_copying_the_first_frame(video: np.ndarray) -> float:
    error = ((video[1:].astype(np.float64) - video[0]) ** 2).mean(axis=(1, 2, 3))
    return float((10 * np.log10(255**2 / error)).mean())


@pytest.mark.parametrize(("clip", "digest"), GOLDEN_CLIPS.items(), ids=lambda value: str(value)[:24])
def test_the_bits_are_the_same_as_ever(sky: SyntheticSky, clip: tuple, digest: str) -> None:
    assert hashlib.sha256(sky.read(*clip).numpy().tobytes()).hexdigest() == digest


def test_the_fingerprint_is_the_same_as_ever(sky: SyntheticSky) -> None:
    assert sky.fingerprint("test") == GOLDEN_FINGERPRINT


def test_sources_are_named_and_sized_as_configured(sky: SyntheticSky) -> None:
    assert [len(sky.sources(split)) for split in ("train", "validation", "test")] == [512, 32, 64]
    assert tuple(sky.sources("train")[7]) == ("train-0007", 64, 25.0, 128, 128)


def test_reading_without_a_size_gives_the_native_one() -> None:
    sky = SyntheticSky(SyntheticSkyConfig(height=24, width=40))
    video = sky.read("test-0000", 0, 2)
    assert (video.dtype, tuple(video.shape)) == (torch.uint8, (2, 3, 24, 40))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 63), st.integers(1, 64), st.sampled_from(["train-0003", "test-0011"]))
def test_a_window_is_a_slice_of_the_whole(start: int, length: int, source_id: str) -> None:
    sky, size = SyntheticSky(), (12, 20)
    length = min(length, 64 - start)
    assert torch.equal(sky.read(source_id, start, length, size), sky.read(source_id, 0, 64, size)[start : start + length])


def test_a_window_across_chunks_is_a_slice_too(sky: SyntheticSky) -> None:
    whole = sky.read("train-0001", 0, 12, (128, 128))  # four frames of this size are rendered at a time
    assert torch.equal(sky.read("train-0001", 3, 6, (128, 128)), whole[3:9])


@pytest.mark.parametrize("source_id", ["test-0000", "test-0001", "test-0005"])
def test_every_size_shows_the_same_scene(sky: SyntheticSky, source_id: str) -> None:
    large = sky.read(source_id, 5, 2, (128, 128)).numpy().reshape(2, 3, 64, 2, 64, 2).mean(axis=(3, 5))
    small = sky.read(source_id, 5, 2, (64, 64)).numpy()
    assert 10 * np.log10(255**2 / ((large - small) ** 2).mean()) > 33


def test_no_two_sources_share_a_seed(sky: SyntheticSky) -> None:
    keys = {source_key(0, split, index) for split in ("train", "validation", "test") for index in range(2000)}
    assert len(keys) == 6000
    pictures = {sky.read(f"{split}-{n:04d}", 0, 1, SMALL).numpy().tobytes() for split in ("train", "validation", "test") for n in range(8)}
    assert len(pictures) == 24


def test_another_seed_is_another_sky() -> None:
    one, two = (SyntheticSky(SyntheticSkyConfig(seed=seed)).read("test-0000", 0, 1, SMALL) for seed in (0, 1))
    assert not torch.equal(one, two)


def test_the_fingerprint_follows_what_decides_the_split_and_nothing_else(sky: SyntheticSky) -> None:
    def fingerprint(**options: int) -> str:
        return SyntheticSky(SyntheticSkyConfig(**options)).fingerprint("test")

    usual = sky.fingerprint("test")
    assert fingerprint(train_sources=9) == usual
    others = [fingerprint(seed=1), fingerprint(test_sources=63), fingerprint(frames=63), fingerprint(height=96), fingerprint(width=96)]
    assert len({usual, sky.fingerprint("train"), *others}) == 7


def test_copying_the_first_frame_is_clearly_wrong_and_not_absurd(sky: SyntheticSky) -> None:
    scores = [mean_psnr_of_copying_the_first_frame(sky.read(source.source_id, 0, 16, (64, 64)).numpy()) for source in sky.sources("test")]
    assert 20 < np.mean(scores) < 25
    assert min(scores) > 15
    assert np.mean(np.array(scores) < 27) > 0.85


def test_there_is_no_flicker(sky: SyntheticSky) -> None:
    for source in sky.sources("validation")[:12]:
        brightness = sky.read(source.source_id, 0, 24, SMALL).float().mean(dim=(1, 2, 3))
        assert float(brightness.diff(n=2).abs().max()) < 1.0
        frames = sky.read(source.source_id, 0, 24, SMALL).float()
        assert float(frames.diff(dim=0).abs().mean(dim=(1, 2, 3)).max()) < 12


def test_clouds_drift_to_the_right_on_the_whole(sky: SyntheticSky) -> None:
    """The prevailing wind is what one frame alone cannot tell, and what training can learn."""
    gain = 0.0
    for source in sky.sources("test")[:24]:
        video = sky.read(source.source_id, 0, 5, (64, 64)).numpy().astype(np.float64)[:, :, :40]
        errors = {shift: ((video[4, :, :, 4:-4] - video[0, :, :, 4 - shift : 60 - shift]) ** 2).mean() for shift in (-2, 0, 2)}
        assert errors[2] < errors[-2]
        gain += 10 * np.log10(errors[0] / errors[2]) / 24
    assert gain > 0.5


@pytest.mark.parametrize(("source_id", "nearest"), [("train-9999", "train-0"), ("tset-0001", "test-0001")])
def test_an_unknown_source_names_the_nearest(sky: SyntheticSky, source_id: str, nearest: str) -> None:
    with pytest.raises(UnknownName) as caught:
        sky.read(source_id, 0, 1)
    assert f"Unknown source '{source_id}'" in str(caught.value)
    assert nearest in str(caught.value)
    assert "608 sources" in str(caught.value)


def test_an_unknown_split_is_named(sky: SyntheticSky) -> None:
    for ask in (sky.sources, sky.fingerprint):
        with pytest.raises(UnknownName, match=r"Unknown split 'tests'\. Did you mean test\?"):
            ask("tests")


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (60, 5), (0, 0)])
def test_frames_that_are_not_there_are_refused(sky: SyntheticSky, start: int, length: int) -> None:
    with pytest.raises(DataError, match=f"Frames {start} to {start + length - 1} of test-0000 .* frames 0 to 63"):
        sky.read("test-0000", start, length, SMALL)


@pytest.mark.parametrize(("name", "value"), [("frames", 0), ("seed", -1), ("height", 4), ("test_sources", -3)])
def test_options_out_of_range_are_named(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"{name} = {value} is out of range"):
        SyntheticSkyConfig(**{name: value})


@pytest.mark.parametrize("module", [synthetic_sky, video_folder])
def test_the_examples_run(module: object) -> None:
    assert doctest.testmod(module).failed == 0
