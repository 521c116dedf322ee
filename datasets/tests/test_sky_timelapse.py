"""sky-timelapse: the authors' layout, and the defects of the published files."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vgbench import DataError, UnknownName, VideoError
from vgbench_datasets.configs import SkyTimelapseConfig
from vgbench_datasets.sky_timelapse import SkyTimelapse, frame_paths, held_out_videos

DATA = Path(__file__).parents[3] / "shared" / "data"


def write_video(split: Path, video: str, part: int, numbers: range | list[int], size: tuple[int, int] = (24, 40)) -> Path:
    """Grey jpgs, each as bright as its number; returns their folder."""
    folder = split / video / f"{video}_{part}"
    folder.mkdir(parents=True)
    for number in numbers:
        picture = np.full((*size, 3), number, dtype=np.uint8)
        Image.fromarray(picture).save(folder / f"{video}_frames_{number:08d}.jpg", quality=95)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_video(tmp_path / "sky_train", "abc", 1, range(1, 9))
    write_video(tmp_path / "sky_train", "abc", 2, range(9, 14))
    write_video(tmp_path / "sky_train", "abc", 10, range(40, 44))
    write_video(tmp_path / "sky_train", "Xyz-_1", 1, range(6))
    write_video(tmp_path / "sky_test", "abc", 1, range(100, 140))
    return tmp_path


def brightness(video: torch.Tensor) -> list[int]:
    return video.float().mean(dim=(1, 2, 3)).round().int().tolist()


WHOLE = SkyTimelapseConfig(validation_percent=0)
"""As the authors divide it."""


def test_short_videos_are_sources_in_natural_order(root: Path) -> None:
    dataset = SkyTimelapse(WHOLE, root)
    assert [tuple(source) for source in dataset.sources("train")] == [
        ("train/abc/abc_1", 8, None, 24, 40),
        ("train/abc/abc_2", 5, None, 24, 40),
        ("train/abc/abc_10", 4, None, 24, 40),
        ("train/Xyz-_1/Xyz-_1_1", 6, None, 24, 40),
    ]
    assert [source.source_id for source in dataset.sources("test")] == ["test/abc/abc_1"]


def test_frames_are_read_in_the_order_of_their_numbers(root: Path) -> None:
    video = SkyTimelapse(None, root).read("test/abc/abc_1", 3, 16)
    assert (video.dtype, tuple(video.shape)) == (torch.uint8, (16, 3, 24, 40))
    assert brightness(video) == list(range(103, 119))


def test_one_split_alone_is_enough(tmp_path: Path) -> None:
    write_video(tmp_path / "sky_test", "abc", 1, range(5))
    dataset = SkyTimelapse(None, tmp_path)
    assert len(dataset.sources("test")) == 1
    with pytest.raises(DataError, match=r"split 'train' of sky-timelapse is not there: no folder .*sky_train.*--data sky-timelapse=DIR"):
        dataset.sources("train")


def test_a_missing_root_shows_the_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"needs its folder, which is not shipped\. Expected there: sky_train and sky_test"):
        SkyTimelapse(None, None)
    with pytest.raises(DataError, match=r"neither sky_train nor sky_test is there\. .*<video>_frames_XXXXXXXX\.jpg"):
        SkyTimelapse(None, tmp_path)


def test_a_split_without_frames_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sky_train" / "abc" / "abc_1").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no short video with a frame"):
        SkyTimelapse(None, tmp_path).sources("train")


def test_unknown_names_are_refused(root: Path) -> None:
    dataset = SkyTimelapse(None, root)
    for ask in (dataset.sources, dataset.fingerprint):
        with pytest.raises(UnknownName, match=r"Unknown split 'evaluation'\. Did you mean validation\?\nKnown: test, train, validation"):
            ask("evaluation")
    with pytest.raises(UnknownName, match=r"Unknown source 'train/abc/abc_3'\. Did you mean train/abc/abc_"):
        dataset.read("train/abc/abc_3", 0, 1)
    with pytest.raises(DataError, match="Frames 4 to 8 of train/abc/abc_1 were asked for, but it has frames 0 to 7"):
        dataset.read("train/abc/abc_1", 4, 5)


def test_a_gap_in_the_numbers_cuts_nothing_and_is_logged_once(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_video(root / "sky_test", "gap", 1, [1, 2, 3, 7, 8])
    dataset = SkyTimelapse(None, root)
    with caplog.at_level(logging.WARNING):
        assert dataset.sources("test")[1].frames == 5
        dataset.sources("test")
    assert brightness(dataset.read("test/gap/gap_1", 0, 5)) == [1, 2, 3, 7, 8]
    assert [record.getMessage() for record in caplog.records] == [
        f"{root / 'sky_test'}: of the short videos 1 with gaps in the frame numbers, which cut nothing: gap/gap_1"
    ]


def test_an_empty_folder_is_left_out_and_logged(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "sky_train" / "abc" / "abc_3").mkdir()
    with caplog.at_level(logging.WARNING):
        assert len(SkyTimelapse(WHOLE, root).sources("train")) == 4
    assert "1 without a frame, left out: abc/abc_3" in caplog.text


def test_a_picture_of_zero_bytes_is_no_frame(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = root / "sky_test" / "abc" / "abc_1"
    for number in (100, 105):
        (folder / f"abc_frames_{number:08d}.jpg").write_bytes(b"")
    dataset = SkyTimelapse(None, root)
    with caplog.at_level(logging.WARNING):
        assert dataset.sources("test")[0].frames == 38
    assert "1 with pictures of zero bytes, which are no frames: abc/abc_1" in caplog.text
    assert brightness(dataset.read("test/abc/abc_1", 0, 6)) == [101, 102, 103, 104, 106, 107]


@pytest.mark.parametrize("kept", [0.3, 0.7])
def test_a_truncated_picture_is_an_error_where_it_is_read(root: Path, kept: float) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    path = root / "sky_test" / "abc" / "abc_1" / "abc_frames_00000104.jpg"
    Image.fromarray(pixels).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    dataset = SkyTimelapse(None, root)
    assert dataset.sources("test")[0].frames == 40
    assert len(dataset.read("test/abc/abc_1", 5, 16)) == 16
    with pytest.raises(VideoError, match=r"abc_frames_00000104\.jpg cannot be decoded: .* copy it again from the data set, or delete it"):
        dataset.read("test/abc/abc_1", 0, 16)


def test_the_size_comes_from_the_first_picture_that_has_one(root: Path) -> None:
    folder = root / "sky_test" / "abc" / "abc_1"
    frame_paths(folder)[0].write_bytes(b"no picture")
    dataset = SkyTimelapse(None, root)
    assert dataset.sources("test")[0][1:] == (40, None, 24, 40)
    for path in frame_paths(folder):
        path.write_bytes(b"no picture")
    with pytest.raises(VideoError, match=r"abc_1 holds no readable picture"):
        SkyTimelapse(None, root).sources("test")


def test_frames_of_two_sizes_are_refused(root: Path) -> None:
    path = root / "sky_test" / "abc" / "abc_1" / "abc_frames_00000102.jpg"
    Image.new("RGB", (20, 10)).save(path)
    with pytest.raises(VideoError, match=r"abc_frames_00000102\.jpg is 20×10, but abc_frames_00000100\.jpg is 40×24"):
        SkyTimelapse(None, root).read("test/abc/abc_1", 0, 4)


def test_the_fingerprint_follows_the_split_s_content(root: Path) -> None:
    usual = {split: SkyTimelapse(None, root).fingerprint(split) for split in ("train", "test")}
    path = root / "sky_test" / "abc" / "abc_1" / "abc_frames_00000110.jpg"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    after = SkyTimelapse(None, root)
    assert after.fingerprint("train") == usual["train"]
    assert after.fingerprint("test") != usual["test"]


@pytest.mark.skipif(not (DATA / "sunset-sky").is_dir(), reason="needs ../shared/data/sunset-sky beside the repository")
def test_a_real_sky_is_read() -> None:
    dataset = SkyTimelapse(None, DATA / "sunset-sky")
    assert [source.frames for source in dataset.sources("train")] == [54, 377]
    assert [source.frames for source in dataset.sources("validation")] == [49]
    assert [source.frames for source in dataset.sources("test")] == [149, 47]
    video = dataset.read("test/sunset20240622/sunset20240622_1", 117, 32)
    assert tuple(video.shape) == (32, 3, 360, 640)
    assert 10 < float(video.float().mean()) < 245


def test_validation_is_held_out_of_train_by_whole_long_videos(root: Path) -> None:
    dataset = SkyTimelapse(None, root)
    splits = {split: [source.source_id for source in dataset.sources(split)] for split in ("train", "validation", "test")}
    assert splits["train"] == ["train/abc/abc_1", "train/abc/abc_2", "train/abc/abc_10"]
    assert splits["validation"] == ["train/Xyz-_1/Xyz-_1_1"]
    assert brightness(dataset.read("train/Xyz-_1/Xyz-_1_1", 1, 4)) == list(range(1, 5))
    assert len({dataset.fingerprint(split) for split in splits}) == 3


@pytest.mark.parametrize(
    ("videos", "percent", "expected"), [(997, 10, 100), (10, 10, 1), (11, 10, 2), (2, 10, 1), (1, 10, 0), (9, 0, 0), (3, 99, 2)]
)
def test_a_tenth_is_held_out_rounded_up_but_never_everything(videos: int, percent: int, expected: int) -> None:
    names = [f"video{number}" for number in range(videos)]
    assert len(held_out_videos(names, percent)) == expected
    assert held_out_videos(names, percent) == held_out_videos(reversed(names), percent)


def test_a_single_long_video_leaves_nothing_to_hold_out(tmp_path: Path) -> None:
    write_video(tmp_path / "sky_train", "abc", 1, range(5))
    with pytest.raises(DataError, match="is held out for validation: it takes at least two long videos"):
        SkyTimelapse(None, tmp_path).sources("validation")
