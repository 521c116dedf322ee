"""Readers of published data sets, on made folders in their layouts."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vgbench import DataError, UnknownName, VideoError
from vgbench.video.encode import write_lossless
from vgbench_datasets.bair import Bair
from vgbench_datasets.beach import Beach
from vgbench_datasets.clip_files import hash_place
from vgbench_datasets.configs import BeachConfig, HeldOutConfig, MovingMnistConfig, Ucf101Config, VideoFolderConfig
from vgbench_datasets.kth import Kth
from vgbench_datasets.moving_mnist import PUBLISHED, MovingMnist
from vgbench_datasets.skippd import Skippd
from vgbench_datasets.ucf101 import Ucf101

DATA = Path(__file__).parents[3] / "shared" / "data"


def write_clip(path: Path, level: int, frames: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lossless(path, torch.full((frames, 3, 16, 24), level, dtype=torch.uint8), 25.0)


def ids(dataset: object, *splits: str) -> dict[str, list[str]]:
    return {split: [source.source_id for source in dataset.sources(split)] for split in splits}  # type: ignore[attr-defined]


# ---- kth ----


def test_kth_is_split_by_person(tmp_path: Path) -> None:
    for person in (1, 14, 15, 16, 17, 25):
        write_clip(tmp_path / "walking" / f"person{person:02d}_walking_d1_uncomp.mkv", person)
    found = ids(Kth(None, tmp_path), "train", "validation", "test")
    people = {split: [int(name.split("person")[1][:2]) for name in names] for split, names in found.items()}
    assert people == {"train": [1, 14], "validation": [15, 16], "test": [17, 25]}
    assert int(Kth(None, tmp_path).read("walking/person17_walking_d1_uncomp", 0, 3)[0, 0, 0, 0]) == 17


@pytest.mark.parametrize(
    ("name", "words"), [("clouds.mkv", "does not say which person acts"), ("person26_boxing_d1.mkv", "is of person 26")]
)
def test_a_video_that_is_not_kths_is_named(tmp_path: Path, name: str, words: str) -> None:
    write_clip(tmp_path / name, 1)
    with pytest.raises(DataError, match=words):
        Kth(None, tmp_path).sources("train")


def test_kth_without_the_persons_of_a_split_says_so(tmp_path: Path) -> None:
    write_clip(tmp_path / "person01_boxing_d1_uncomp.mkv", 1)
    with pytest.raises(DataError, match="The split 'test' of .* is empty: it holds no video of the persons that are test"):
        Kth(None, tmp_path).sources("test")


# ---- ucf101 ----


@pytest.fixture
def ucf(tmp_path: Path) -> Path:
    names = [f"Archery/v_Archery_g{group:02d}_c{clip:02d}" for group in range(1, 26) for clip in (1, 2)]
    for number, name in enumerate(names):
        write_clip(tmp_path / "UCF-101" / f"{name}.mkv", number)
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "trainlist01.txt").write_text("".join(f"{name}.avi 1\n" for name in names if "_g0" not in name))
    (lists / "testlist01.txt").write_text("".join(f"{name}.avi\n" for name in names if "_g0" in name))
    return tmp_path


def test_ucf101_follows_its_authors_lists_and_holds_groups_out(ucf: Path) -> None:
    found = ids(Ucf101(Ucf101Config(validation_percent=40), ucf), "train", "validation", "test")
    assert all("_g0" in name for name in found["test"])
    assert len(found["test"]) == 18
    assert len(found["train"]) + len(found["validation"]) == 32
    assert found["validation"]
    groups = {split: {name[:-4] for name in names} for split, names in found.items()}
    assert not groups["train"] & groups["validation"]
    assert len(ids(Ucf101(Ucf101Config(validation_percent=0), ucf), "train")["train"]) == 32


def test_a_list_that_is_missing_or_names_what_is_not_there_says_so(ucf: Path) -> None:
    with pytest.raises(DataError, match=r"trainlist02.txt cannot be read"):
        Ucf101(Ucf101Config(fold=2), ucf).sources("train")
    (ucf / "ucfTrainTestlist/testlist01.txt").write_text("Archery/v_Archery_g99_c01.avi\n")
    with pytest.raises(DataError, match=r"names 1 videos that .*UCF-101 lacks, Archery/v_Archery_g99_c01 first"):
        Ucf101(None, ucf).sources("test")


# ---- bair ----


def test_bair_takes_folders_of_frames_and_holds_trajectories_out(tmp_path: Path) -> None:
    for split, count in (("train", 30), ("test", 2)):
        for number in range(count):
            folder = tmp_path / split / "traj_0_to_255" / str(number)
            folder.mkdir(parents=True)
            for frame in range(3):
                Image.new("RGB", (8, 8), (number, frame, 0)).save(folder / f"{frame}.png")
    found = ids(Bair(HeldOutConfig(validation_percent=20), tmp_path), "train", "validation", "test")
    assert {len(found["test"]), len(found["train"]) + len(found["validation"])} == {2, 30}
    assert all(hash_place(name) < 20 for name in found["validation"])
    assert not any(hash_place(name) < 20 for name in found["train"])
    pixel = Bair(None, tmp_path).read("test/traj_0_to_255/1", 2, 1)[0, :, 0, 0]
    assert pixel.tolist() == [1, 2, 0]


# ---- skippd ----


@pytest.mark.skipif(not (DATA / "skippd").is_dir(), reason="../shared/data/skippd is not there")
def test_skippd_days_are_in_one_split_each() -> None:
    dataset = Skippd(VideoFolderConfig(), DATA / "skippd")
    found = ids(dataset, "train", "validation", "test", "all")
    assert sorted(found["train"] + found["validation"] + found["test"]) == sorted(found["all"])
    assert len(found["all"]) == 17
    assert tuple(dataset.read(found["test"][0], 3, 16).shape) == (16, 3, 64, 64)


# ---- beach ----


def write_strip(path: Path, levels: list[int], side: int = 16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.concatenate([np.full((side, side, 3), level, dtype=np.uint8) for level in levels])
    Image.fromarray(pixels).save(path, quality=95)


def test_a_strip_is_cut_into_its_square_frames(tmp_path: Path) -> None:
    write_strip(tmp_path / "video" / "0001.jpg", [0, 40, 80, 120])
    dataset = Beach(BeachConfig(validation_percent=0, test_percent=0), tmp_path)
    (source,) = dataset.sources("train")
    assert tuple(source) == ("video/0001", 4, None, 16, 16)
    window = dataset.read("video/0001", 1, 2)
    assert tuple(window.shape) == (2, 3, 16, 16)
    assert window.float().mean(dim=(1, 2, 3)).tolist() == pytest.approx([40, 80], abs=1)


def test_strips_of_one_video_are_in_one_split(tmp_path: Path) -> None:
    for video in range(40):
        for strip in (1, 2):
            write_strip(tmp_path / f"video{video}" / f"{strip:04d}.jpg", [video, video])
    found = ids(Beach(None, tmp_path), "train", "validation", "test")
    videos = {split: {name.split("/")[0] for name in names} for split, names in found.items()}
    assert sum(len(names) for names in videos.values()) == len(set.union(*videos.values())) == 40
    assert all(len(found[split]) == 2 * len(videos[split]) for split in found)


def test_a_strip_that_is_none_or_damaged_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (16, 40)).save(tmp_path / "odd.jpg")
    with pytest.raises(VideoError, match=r"odd.jpg is 16×40: no whole number of square frames"):
        Beach(BeachConfig(validation_percent=0, test_percent=0), tmp_path).sources("train")
    (tmp_path / "odd.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(VideoError, match=r"odd.jpg cannot be decoded"):
        Beach(BeachConfig(validation_percent=0, test_percent=0), tmp_path).sources("train")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no strip"):
        Beach(None, tmp_path / "empty").sources("train")


# ---- moving-mnist ----


def write_digits(path: Path, count: int, level: int) -> None:
    pixels = np.full((count, 28, 28), level, dtype=np.uint8)
    pixels[:, 0, 0] = np.arange(count) % 256
    content = struct.pack(">4I", 0x803, count, 28, 28) + pixels.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


SMALL = MovingMnistConfig(digits_of="test", train_sources=3, validation_sources=2, test_sources=2)


def test_moving_mnist_is_a_function_of_seed_split_and_number(tmp_path: Path) -> None:
    write_digits(tmp_path / "t10k-images-idx3-ubyte.gz", 10_000, 200)
    one, other = MovingMnist(SMALL, tmp_path), MovingMnist(MovingMnistConfig(digits_of="test", train_sources=9), tmp_path)
    first = one.read("train-00002", 0, 20)
    assert (first.dtype, tuple(first.shape)) == (torch.uint8, (20, 1, 64, 64))
    assert torch.equal(first, other.read("train-00002", 0, 20))
    assert torch.equal(first[5:9], one.read("train-00002", 5, 4))
    assert not torch.equal(first, one.read("train-00001", 0, 20))
    assert not torch.equal(first, MovingMnist(MovingMnistConfig(digits_of="test", seed=1), tmp_path).read("train-00002", 0, 20))
    assert one.fingerprint("test") != one.fingerprint("train")
    assert one.fingerprint("train") != other.fingerprint("train")


def test_digits_move_a_tenth_of_the_way_and_stay_inside(tmp_path: Path) -> None:
    write_digits(tmp_path / "t10k-images-idx3-ubyte", 10_000, 200)
    dataset = MovingMnist(MovingMnistConfig(digits=1), tmp_path)
    for number in range(20):
        video = dataset.read(f"test-{number:05d}", 0, 20)[:, 0]
        places = [tuple(int(axis.min()) for axis in torch.where(frame == 200)) for frame in video]
        assert all((frame == 200).sum() == 28 * 28 - 1 for frame in video)
        steps = np.hypot(*np.diff(places, axis=0).T)
        assert steps.max() <= 3.6 + 1.5  # a tenth of 36 pixels, each end rounded down
        assert steps.max() > 1.5


def test_no_digit_is_in_two_splits(tmp_path: Path) -> None:
    write_digits(tmp_path / "t10k-images-idx3-ubyte", 10_000, 1)
    dataset = MovingMnist(SMALL, tmp_path)
    assert [len(dataset.digits(split)) for split in ("train", "validation", "test")] == [8000, 1000, 1000]
    with pytest.raises(DataError, match="The split 'train' of moving-mnist is made from train-images-idx3-ubyte, which is not in"):
        MovingMnist(None, tmp_path).sources("train")
    write_digits(tmp_path / "train-images-idx3-ubyte", 60_000, 2)
    dataset = MovingMnist(None, tmp_path)
    pools = {split: dataset.digits(split) for split in ("train", "validation", "test")}
    assert [len(pool) for pool in pools.values()] == [55_000, 5_000, 10_000]
    assert [int(pool[0, 5, 5]) for pool in pools.values()] == [2, 2, 1]


def test_the_published_file_is_read_as_it_is(tmp_path: Path) -> None:
    sequences = np.random.default_rng(0).integers(0, 256, (20, 5, 64, 64), dtype=np.uint8)
    np.save(tmp_path / PUBLISHED, sequences)
    dataset = MovingMnist(None, tmp_path)
    assert [tuple(source) for source in dataset.sources("published-test")][4] == ("published-test-00004", 20, None, 64, 64)
    assert np.array_equal(dataset.read("published-test-00003", 10, 10)[:, 0].numpy(), sequences[10:, 3])
    with pytest.raises(DataError, match="is made from t10k-images-idx3-ubyte, which is not in"):
        dataset.sources("test")


def test_files_that_are_missing_or_damaged_say_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds neither digits nor mnist_test_seq.npy"):
        MovingMnist(None, tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"\0" * 100))
    with pytest.raises(DataError, match="no whole file of MNIST pictures"):
        MovingMnist(None, tmp_path).sources("test")
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="cannot be read"):
        MovingMnist(None, tmp_path).sources("test")
    np.save(tmp_path / PUBLISHED, np.zeros((3, 3)))
    with pytest.raises(DataError, match=r"holds float64 \(3, 3\)"):
        MovingMnist(None, tmp_path).sources("published-test")
    with pytest.raises(UnknownName, match="Unknown split 'valid'"):
        MovingMnist(None, tmp_path).sources("valid")


@pytest.mark.skipif(not (DATA / "mnist").is_dir(), reason="../shared/data/mnist is not there")
def test_real_digits_move() -> None:
    dataset = MovingMnist(None, DATA / "mnist")
    video = dataset.read("test-00000", 0, 20).float()
    assert 5 < float(video.mean()) < 40
    assert float((video[1:] - video[:-1]).abs().mean()) > 2
