"""video-folder: splits by folder or by name, fingerprints by content, and decoding that is kept within bounds."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vgbench import ConfigError, DataError, UnknownName, VideoError
from vgbench.video.encode import write_lossless
from vgbench.video.folder import VideoClip
from vgbench_datasets.configs import VideoFolderConfig
from vgbench_datasets.decoded import DecodedVideos
from vgbench_datasets.video_folder import VideoFolder, split_of

DATA = Path(__file__).parents[3] / "shared" / "data"


def moving_square(frames: int, shade: int = 200, size: int = 16) -> torch.Tensor:
    video = torch.full((frames, 3, size, size), 20, dtype=torch.uint8)
    for number in range(frames):
        column = number % (size - 4)
        video[number, :, 4:8, column : column + 4] = shade
    return video


def write_frames(folder: Path, video: torch.Tensor) -> None:
    folder.mkdir(parents=True)
    for number, frame in enumerate(video):
        Image.fromarray(frame.permute(1, 2, 0).numpy()).save(folder / f"{number}.png")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Eleven video files and a folder of frames, no folders for splits."""
    for n in range(1, 12):
        write_lossless(tmp_path / f"clip_{n}.mkv", moving_square(6 + n, shade=100 + n), fps=10)
    write_frames(tmp_path / "frames", moving_square(12))
    return tmp_path


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    for split, count in (("train", 3), ("val", 1), ("test", 2)):
        (tmp_path / split).mkdir()
        for n in range(count):
            write_lossless(tmp_path / split / f"clip_{n}.mkv", moving_square(8, shade=100 + n), fps=25)
    return tmp_path


def ids(dataset: VideoFolder, split: str) -> list[str]:
    return [source.source_id for source in dataset.sources(split)]


def test_all_holds_every_video_in_natural_order(plain: Path) -> None:
    sources = VideoFolder(None, plain).sources("all")
    assert [source.source_id for source in sources] == [*(f"clip_{n}" for n in range(1, 12)), "frames"]
    assert tuple(sources[1]) == ("clip_2", 8, 10.0, 16, 16)
    assert tuple(sources[-1]) == ("frames", 12, None, 16, 16)


def test_without_split_folders_every_video_is_in_one_split(plain: Path) -> None:
    dataset = VideoFolder(VideoFolderConfig(validation_percent=30, test_percent=30), plain)
    parts = [ids(dataset, split) for split in ("train", "validation", "test")]
    assert all(parts)
    assert sorted(source_id for part in parts for source_id in part) == sorted(ids(dataset, "all"))


def test_more_videos_move_none(plain: Path) -> None:
    config = VideoFolderConfig(validation_percent=30, test_percent=30)
    before = {split: ids(VideoFolder(config, plain), split) for split in ("train", "validation", "test")}
    write_lossless(plain / "new.mkv", moving_square(5), fps=10)
    for split, known in before.items():
        assert set(known) <= set(ids(VideoFolder(config, plain), split))


def test_the_percentages_are_met() -> None:
    places = [split_of(f"video-{n}", VideoFolderConfig()) for n in range(5000)]
    assert [places.count(split) / 50 for split in ("train", "validation", "test")] == pytest.approx([70, 10, 20], abs=2)


def test_folders_named_after_splits_are_the_splits(divided: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_lossless(divided / "stray.mkv", moving_square(5), fps=10)
    with caplog.at_level(logging.WARNING):
        dataset = VideoFolder(None, divided)
        assert ids(dataset, "train") == ["train/clip_0", "train/clip_1", "train/clip_2"]
    assert ids(dataset, "validation") == ["validation/clip_0"]
    assert ids(dataset, "all") == [*ids(dataset, "train"), *ids(dataset, "validation"), *ids(dataset, "test")]
    assert "passed over beside the splits' folders: stray.mkv" in caplog.text


def test_a_split_without_its_folder_is_unknown(divided: Path) -> None:
    (divided / "val" / "clip_0.mkv").unlink()
    (divided / "val").rmdir()
    with pytest.raises(UnknownName, match=r"(?s)Unknown split 'validation'.*Known: all, test, train\..*the splits are the folders in"):
        VideoFolder(None, divided).sources("validation")


def test_two_folders_for_one_split_are_refused(divided: Path) -> None:
    (divided / "validation").mkdir()
    with pytest.raises(DataError, match="holds both val and validation for one split"):
        VideoFolder(None, divided).sources("train")


def test_an_empty_split_says_what_to_do(tmp_path: Path) -> None:
    write_lossless(tmp_path / "one.mkv", moving_square(5), fps=10)
    dataset = VideoFolder(VideoFolderConfig(validation_percent=0), tmp_path)
    with pytest.raises(DataError, match=r"split 'validation' of .* is empty: none of its 1 videos .* use the split all"):
        dataset.sources("validation")


def test_archives_are_not_unpacked_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "videos.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="holds no clips: .* It holds 1 other files, videos.zip first"):
        VideoFolder(None, tmp_path).sources("all")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_folder_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        VideoFolder(None, tmp_path).sources("all")


def test_a_missing_root_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"needs a folder\. It is any folder .*--data video-folder=DIR, or VGBENCH_DATA"):
        VideoFolder(None, None)
    with pytest.raises(DataError, match=r"is not at .*nowhere: nothing is there\. .*--data video-folder=DIR"):
        VideoFolder(None, tmp_path / "nowhere")


@pytest.mark.parametrize("megabytes", [0, 256])
@pytest.mark.parametrize("source_id", ["clip_11", "frames"])
def test_a_window_is_a_slice_of_the_video(plain: Path, source_id: str, megabytes: int) -> None:
    dataset = VideoFolder(VideoFolderConfig(cache_megabytes=megabytes), plain)
    whole = moving_square(12) if source_id == "frames" else moving_square(17, shade=111)
    for start, length in ((0, 12), (3, 5), (11, 1), (0, 4)):
        assert torch.equal(dataset.read(source_id, start, length), whole[start : start + length])


def test_what_is_read_is_the_callers_own(plain: Path) -> None:
    dataset = VideoFolder(None, plain)
    dataset.read("clip_1", 0, 4).zero_()
    assert torch.equal(dataset.read("clip_1", 0, 4), moving_square(7, shade=101)[:4])


def test_unknown_sources_and_frames_are_refused(plain: Path) -> None:
    dataset = VideoFolder(None, plain)
    with pytest.raises(UnknownName, match=r"Unknown source 'clip_12'\. Did you mean clip_\d+\?\nKnown: clip_"):
        dataset.read("clip_12", 0, 1)
    with pytest.raises(DataError, match="Frames 5 to 8 of clip_1 were asked for, but it has frames 0 to 6"):
        dataset.read("clip_1", 5, 4)


def test_an_array_is_a_data_set_too(tmp_path: Path) -> None:
    clips = np.stack([moving_square(6, shade=90 + n).permute(0, 2, 3, 1).numpy() for n in range(3)])
    np.savez(tmp_path / "clips.npz", real=clips, other=clips[:1])
    dataset = VideoFolder(None, Path(f"{tmp_path}/clips.npz:real"))
    assert ids(dataset, "all") == ["000000", "000001", "000002"]
    assert torch.equal(dataset.read("000001", 2, 3), moving_square(6, shade=91)[2:5])
    assert len(dataset.fingerprint("all")) == 64


def test_the_fingerprint_follows_content_and_names_not_the_place(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    usual = VideoFolder(None, plain).fingerprint("all")
    moved = tmp_path_factory.mktemp("elsewhere") / "videos"
    plain.rename(moved)
    assert VideoFolder(None, moved).fingerprint("all") == usual

    picture = moved / "frames" / "7.png"
    times = picture.stat()
    pixels = np.asarray(Image.open(picture)).copy()
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(picture)
    assert picture.stat().st_size == pytest.approx(times.st_size, abs=64)
    changed = VideoFolder(None, moved).fingerprint("all")
    (moved / "clip_1.mkv").rename(moved / "renamed.mkv")
    assert len({usual, changed, VideoFolder(None, moved).fingerprint("all")}) == 3


def test_the_fingerprint_is_of_its_split_alone(divided: Path) -> None:
    before = VideoFolder(None, divided)
    usual = {split: before.fingerprint(split) for split in ("train", "test")}
    write_lossless(divided / "train" / "clip_9.mkv", moving_square(5), fps=10)
    after = VideoFolder(None, divided)
    assert after.fingerprint("test") == usual["test"]
    assert after.fingerprint("train") != usual["train"]


def test_a_damaged_video_is_named(plain: Path) -> None:
    (plain / "clip_3.mkv").write_bytes(b"")
    with pytest.raises(VideoError, match=r"clip_3\.mkv"):
        VideoFolder(None, plain).sources("all")


@pytest.mark.parametrize("options", [{"validation_percent": 101}, {"validation_percent": 50, "test_percent": 51}, {"cache_megabytes": -1}])
def test_options_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="is out of range; it goes from 0 to"):
        VideoFolderConfig(**options)


class CountedClip(VideoClip):
    """A real video file that counts how many times it is opened for its pixels."""

    def read(self, start: int = 0, length: int | None = None) -> torch.Tensor:
        reads = self.__dict__.setdefault("reads", [])
        reads.append((start, length))
        return super().read(start, length)

    def count(self) -> int:
        return len(self.__dict__.get("reads", ()))


@pytest.fixture
def clips(tmp_path: Path) -> list[CountedClip]:
    for n in range(3):
        write_lossless(tmp_path / f"{n}.mkv", moving_square(40, shade=100 + n), fps=10)
    return [CountedClip(str(n), tmp_path / f"{n}.mkv") for n in range(3)]


BYTES = 40 * 3 * 16 * 16


def test_many_windows_of_a_video_decode_it_once(clips: list[CountedClip]) -> None:
    decoded = DecodedVideos(2 * BYTES)
    for start in range(0, 32, 2):
        assert torch.equal(decoded.read(clips[0], start, 8), moving_square(40, shade=100)[start : start + 8])
    assert clips[0].count() == 1


def test_the_least_recently_used_video_goes_first(clips: list[CountedClip]) -> None:
    decoded = DecodedVideos(2 * BYTES)
    for n in (0, 1, 0, 2, 0, 1):
        decoded.read(clips[n], 0, 8)
        assert decoded.kept_bytes() <= 2 * BYTES
    assert [clip.count() for clip in clips] == [1, 2, 1]


def test_of_a_video_over_the_limit_as_much_is_kept_as_fits(clips: list[CountedClip]) -> None:
    decoded = DecodedVideos(BYTES // 2)
    for start in range(0, 40, 4):
        assert torch.equal(decoded.read(clips[1], start, 4), moving_square(40, shade=101)[start : start + 4])
        assert decoded.kept_bytes() <= BYTES // 2
    assert clips[1].count() == 2


def test_a_window_over_the_limit_is_read_all_the_same(clips: list[CountedClip]) -> None:
    decoded = DecodedVideos(BYTES // 8)
    assert torch.equal(decoded.read(clips[2], 5, 20), moving_square(40, shade=102)[5:25])
    assert decoded.kept_bytes() == 0


def test_threads_that_want_one_video_decode_it_once(clips: list[CountedClip]) -> None:
    decoded = DecodedVideos(4 * BYTES)
    with ThreadPoolExecutor(8) as pool:
        windows = list(pool.map(lambda n: decoded.read(clips[n % 3], n // 3, 8), range(60)))
    assert [clip.count() for clip in clips] == [1, 1, 1]
    for n, window in enumerate(windows):
        assert torch.equal(window, moving_square(40, shade=100 + n % 3)[n // 3 : n // 3 + 8])


@pytest.mark.skipif(not (DATA / "skippd").is_dir(), reason="needs ../shared/data/skippd beside the repository")
def test_real_gifs_are_read() -> None:
    dataset = VideoFolder(None, DATA / "skippd")
    sources = dataset.sources("all")
    assert len(sources) == 17
    assert {(source.height, source.width) for source in sources} == {(64, 64)}
    assert dataset.read(sources[0].source_id, 30, 16).shape == (16, 3, 64, 64)


def test_split_folders_are_known_in_any_case_and_by_their_usual_names(divided: Path) -> None:
    for before, after in (("train", "Training"), ("val", "VALID"), ("test", "Test")):
        (divided / before).rename(divided / after)
    dataset = VideoFolder(None, divided)
    assert [len(ids(dataset, split)) for split in ("train", "validation", "test")] == [3, 1, 2]
    assert all(name.startswith("train/") for name in ids(dataset, "train"))
    (divided / "TEST").mkdir()
    with pytest.raises(DataError, match="holds both TEST and Test for one split"):
        ids(VideoFolder(None, divided), "test")


@pytest.mark.parametrize(
    ("name", "split"),
    [("train_set", "train"), ("Test-Videos", "test"), ("my train data", "train"), ("validaton", "validation")],
)
def test_a_folder_named_nearly_like_a_split_is_refused(plain: Path, name: str, split: str) -> None:
    (plain / name).mkdir()
    write_lossless(plain / name / "a.mkv", moving_square(8), fps=25)
    with pytest.raises(DataError, match=f"{name} looks like the split {split}, but is not named so"):
        ids(VideoFolder(None, plain), "train")


@pytest.mark.parametrize("name", ["trains at dusk", "contest", "rain", "best", "raining", "values"])
def test_other_names_and_folders_of_frames_are_videos(plain: Path, name: str) -> None:
    (plain / name).mkdir()
    write_lossless(plain / name / "a.mkv", moving_square(8), fps=25)
    (plain / "tests").mkdir()
    Image.new("RGB", (16, 16)).save(plain / "tests" / "0.png")
    found = ids(VideoFolder(None, plain), "all")
    assert {f"{name}/a", "tests"} <= set(found)
