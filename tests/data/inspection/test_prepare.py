"""Packed splits: the same bits as the files, whole or not there, whatever happens while they are made."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vgbench.data.packs
from vgbench.data.fingerprints import folder_signature
from vgbench.data.inspection.prepare import prepare
from vgbench.data.packs import DONE, INDEX, PackWriter, find_packs
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import DataError
from vgbench.evaluation.evaluate import evaluate
from vgbench.plugins.observers import Observer
from vgbench.protocol import load_protocol

FOLDER_PROTOCOL = """
[data]
dataset = "video-folder"
config = { validation_percent = 0, test_percent = 50 }

[train]
split = "train"
length = 8
stride = 8

[test]
split = "all"
length = 8
stride = 4

[video]
size = [32, 32]

[task]
frames = 8
score_from = 1
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv("VGBENCH_CACHE", str(path))
    return path


@pytest.fixture
def videos(folder: Path) -> Path:
    """Six folders of frames of 48×64, and the protocol `folder.toml` for them."""
    (folder / "folder.toml").write_text(FOLDER_PROTOCOL)
    rng = np.random.default_rng(0)
    for number in range(6):
        path = folder / "videos" / f"video {number} ü"
        path.mkdir(parents=True)
        for frame in range(10 + 3 * number):
            Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(path / f"{frame:03d}.png")
    return folder / "videos"


def roots(videos: Path) -> dict[str, Path]:
    return {"video-folder": videos}


def packed(videos: Path, **options: object) -> list[object]:
    return list(prepare(protocol="folder.toml", data=roots(videos), **options))  # type: ignore[arg-type]


def test_a_packed_split_has_the_bits_of_its_files(videos, cache):
    protocol = load_protocol("folder.toml")
    before = ProtocolData(protocol, roots(videos))
    expected = {clip.clip_id: before.read(clip) for clip in before.clips("test")}
    (train, whole) = prepare(protocol=protocol, data=roots(videos), workers=3)
    assert (train.split, whole.split) == ("train", "all")
    assert whole.pack.n_frames == sum(10 + 3 * number for number in range(6))
    after = ProtocolData(protocol, roots(videos))
    assert after.protocol_id == before.protocol_id
    assert after.pack("all") is not None
    after.dataset.read = lambda *_: pytest.fail("a file was read")  # type: ignore[method-assign, assignment]
    for clip in after.clips("test"):
        assert torch.equal(after.read(clip), expected[clip.clip_id])


def test_a_clip_is_read_from_its_splits_pack_whatever_was_asked_before(videos, cache):
    protocol = load_protocol("folder.toml")
    clips = ProtocolData(protocol, roots(videos)).clips("test")
    prepare(protocol=protocol, data=roots(videos))
    fresh = ProtocolData(protocol, roots(videos))
    fresh.dataset.read = lambda *_: pytest.fail("a file was read")  # type: ignore[method-assign, assignment]
    with ThreadPoolExecutor(4) as pool:
        assert {clip.split for clip in clips} == {"all"}
        assert all(frames.shape[0] == clip.length for frames, clip in zip(pool.map(fresh.read, clips), clips, strict=True))


def test_a_clip_is_not_read_from_another_splits_pack(videos, cache):
    protocol = load_protocol("folder.toml")
    (train,) = prepare(protocol=protocol, data=roots(videos), roles=["train"])
    fresh = ProtocolData(protocol, roots(videos))
    read = fresh.dataset.read
    from_files = []
    fresh.dataset.read = lambda *arguments: from_files.append(arguments[0]) or read(*arguments)  # type: ignore[method-assign, func-returns-value]
    clip = fresh.clips("train")[0]
    assert clip.source_id in train.pack.places
    fresh.read(clip)
    assert from_files == []
    fresh.read(clip._replace(split="all"))
    assert from_files == [clip.source_id]


def test_an_evaluation_is_the_same_with_a_pack(tiny, cache):
    direct = evaluate(["copy-first", "noise"], protocol=str(tiny), metrics=["mse", "ssim"])
    prepare(protocol=str(tiny))
    assert len(find_packs(cache / "packed")) == 3
    again = evaluate(["copy-first", "noise"], protocol=str(tiny), metrics=["mse", "ssim"])
    assert again.record.protocol == direct.record.protocol
    lines = [[json.loads(line) for line in (run.path / "scores.jsonl").read_text().splitlines()] for run in (direct, again)]
    for one, other in zip(*lines, strict=True):
        assert one["scores"] == other["scores"]


def test_what_is_packed_is_left_as_it_is_and_what_changed_is_packed_anew(videos, cache):
    first = packed(videos)
    again = packed(videos)
    assert [done.was_there for done in again] == [True, True]
    assert [done.pack.path for done in again] == [done.pack.path for done in first]
    changed = sorted(videos.rglob("*.png"))[0]
    Image.new("RGB", (64, 48)).save(changed)
    assert [done.was_there for done in packed(videos, roles=["test"])] == [False]


def test_another_size_filter_or_fit_is_another_pack(videos, cache):
    text = Path("folder.toml").read_text()
    names = set()
    for line in ("size = [32, 32]", "size = [32, 48]", 'size = [32, 32]\nfit = "center-crop"', 'size = [32, 32]\nresample = "area"'):
        Path("folder.toml").write_text(text.replace("size = [32, 32]", line))
        names |= {done.pack.path.name for done in packed(videos, roles=["test"])}
    assert len(names) == 4


class Stopping(Observer):
    """Stops a packing after some frames, as an exception of the outside does."""

    def advanced(self, task: str, done: int, total: int) -> None:
        if done >= 40:
            raise KeyboardInterrupt


def test_a_stopped_packing_leaves_nothing_that_is_read_and_is_resumed(videos, cache, monkeypatch):
    monkeypatch.setattr(vgbench.data.packs, "SYNC_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        packed(videos, roles=["test"], workers=1, observer=Stopping())
    assert find_packs(cache / "packed") == []
    assert ProtocolData(load_protocol("folder.toml"), roots(videos)).pack("all") is None
    (part,) = (cache / "packed").glob("*.part")
    done = [json.loads(line)[0] for line in (part / DONE).read_text().splitlines()[1:]]
    assert 0 < len(done) < 6
    with open(part / DONE, "a") as file:
        file.write('["torn')
    read: list[str] = []
    original = ProtocolData.read_frames

    def counted(self: ProtocolData, source_id: str, start: int, length: int) -> torch.Tensor:
        read.append(source_id)
        return original(self, source_id, start, length)

    with monkeypatch.context() as context:
        context.setattr(ProtocolData, "read_frames", counted)
        packed(videos, roles=["test"])
    assert not set(read) & set(done)
    assert_complete(videos, cache)


def assert_complete(videos: Path, cache: Path) -> None:
    os.environ["VGBENCH_CACHE"] = str(cache)
    data = ProtocolData(load_protocol("folder.toml"), roots(videos))
    pack = data.pack("all")
    assert pack is not None
    for source in data.dataset.sources("all"):
        frames = pack.read(source.source_id, 0, source.frames)
        assert frames is not None
        assert torch.equal(frames, data.read_frames(source.source_id, 0, source.frames))


def lines_done(cache: Path) -> int:
    """-1 before the packing begins."""
    found = [path.read_bytes().count(b"\n") for path in (cache / "packed").glob(f"*.part/{DONE}")]
    return max(found, default=-1)


@pytest.mark.slow
def test_a_killed_packing_is_resumed(videos, cache):
    command = [sys.executable, "-m", "vgbench", "data", "prepare", "--protocol", "folder.toml", "--data", f"video-folder={videos}"]
    for least in (0, 1, 3):  # lines of what is done: none, the layout, and two videos more
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and lines_done(cache) < least:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert_complete(videos, cache)


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from vgbench.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_disk_without_room_is_said_before_anything_is_decoded(videos, cache):
    assert resource.RLIMIT_FSIZE is not None
    command = [sys.executable, "-c", FULL, "data", "prepare", "--protocol", "folder.toml", "--data", f"video-folder={videos}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be written: File too large. It takes 0 MiB. Free some space" in done.stderr
    assert find_packs(cache / "packed") == []
    (part,) = (cache / "packed").glob("*.part")
    assert (part / "frames.u8").stat().st_blocks == 0  # what was taken is given back
    packed(videos)
    assert_complete(videos, cache)


def test_what_was_packed_under_another_layout_does_not_count(videos, cache):
    data = ProtocolData(load_protocol("folder.toml"), roots(videos))
    part = cache / "packed" / f"{data.pack_key('all').name()}.part"
    part.mkdir(parents=True)
    (part / DONE).write_text("\n".join(json.dumps([source.source_id, ""]) for source in data.dataset.sources("all")) + "\n")
    packed(videos, roles=["test"])
    assert_complete(videos, cache)


def test_two_packings_of_one_split_do_not_meet(videos, cache):
    data = ProtocolData(load_protocol("folder.toml"), roots(videos))
    writer = PackWriter(cache / "packed", data.pack_key("all"), data.dataset.sources("all"))
    with writer.building():
        with pytest.raises(DataError, match="is being built by another process; wait for it, or stop it first"):
            packed(videos, roles=["test"])
        for source in data.dataset.sources("all"):
            writer.write(source.source_id, 0, data.read_frames(source.source_id, 0, source.frames))
            writer.finished(source.source_id)
    assert_complete(videos, cache)


def test_a_video_that_cannot_be_decoded_is_noted_and_is_the_same_error_later(videos, cache):
    broken = videos / "video 3 ü" / "004.png"
    broken.write_bytes(broken.read_bytes()[:200])
    notes: list[str] = []
    observer = Observer()
    observer.note = notes.append  # type: ignore[method-assign]
    (done,) = packed(videos, roles=["test"], observer=observer)
    assert list(done.pack.damaged) == ["video 3 ü"]
    assert "004.png cannot be decoded" in notes[0]
    data = ProtocolData(load_protocol("folder.toml"), roots(videos))
    clips = {clip.clip_id: clip for clip in data.clips("test")}
    assert len(data.read(clips["video 3 ü/000008"])) == 8  # a window that the damage does not touch
    with pytest.raises(DataError, match=r"004.png cannot be decoded"):
        data.read(clips["video 3 ü/000000"])


def test_a_pack_of_another_version_or_a_damaged_one_is_refused_with_what_to_do(videos, cache):
    (done,) = packed(videos, roles=["test"])
    index = done.pack.path / INDEX
    whole = index.read_text()
    for text in (whole.replace('"format": 1', '"format": 0'), whole[:40], "{}"):
        index.write_text(text)
        with pytest.raises(DataError, match="Delete it, and run vgbench data prepare again"):
            ProtocolData(load_protocol("folder.toml"), roots(videos)).clips("test")
    index.write_text(whole)
    with open(done.pack.path / "frames.u8", "r+b") as file:
        file.truncate(100)
    with pytest.raises(DataError, match="is damaged, or was packed by another version"):
        packed(videos, roles=["test"])


def test_a_folders_signature_is_that_of_names_sizes_and_times(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "ü 1.png").write_bytes(b"123")
    (tmp_path / "loop").symlink_to(tmp_path)
    first = folder_signature(tmp_path)
    assert folder_signature(tmp_path) == first
    os.utime(tmp_path / "a" / "ü 1.png", ns=(0, 5))
    second = folder_signature(tmp_path)
    (tmp_path / "a" / "ü 1.png").rename(tmp_path / "a" / "ü 2.png")
    third = folder_signature(tmp_path)
    assert len({first, second, third}) == 3
    assert folder_signature(tmp_path / "missing") is None
    (tmp_path / ".hidden").symlink_to(tmp_path / ".hidden")
    assert folder_signature(tmp_path) == third


@pytest.mark.parametrize("place", ["/dev/null", "/proc/self"])
def test_a_cache_that_cannot_be_written_costs_nothing_but_time(videos, monkeypatch, place):
    monkeypatch.setenv("VGBENCH_CACHE", place)
    data = ProtocolData(load_protocol("folder.toml"), roots(videos))
    assert data.protocol_id
    assert len(data.read(data.clips("test")[0])) == 8


def test_a_name_that_is_no_text_can_be_packed(videos, cache):
    os.rename(videos / "video 2 ü", os.fsencode(videos) + b"/caf\xe9")
    packed(videos, roles=["test"])
    assert_complete(videos, cache)


def test_a_known_fingerprint_spares_reading_the_files_until_one_changes(videos, cache):
    protocol = load_protocol("folder.toml")
    first = ProtocolData(protocol, roots(videos)).fingerprint
    data = ProtocolData(protocol, roots(videos))
    data.dataset.fingerprint = lambda split: pytest.fail("the files were read again")  # type: ignore[method-assign, assignment]
    assert data.fingerprint == first
    Image.new("RGB", (64, 48)).save(sorted(videos.rglob("*.png"))[0])
    assert ProtocolData(protocol, roots(videos)).fingerprint != first


def test_the_command_packs_and_lists(tiny, vgbench, cache):
    ran = vgbench("data", "prepare", "--protocol", tiny, "--roles", "train,test")
    assert ran.status == 0
    assert [line.split(":")[0] for line in ran.out.splitlines()] == ["train", "test"]
    listed = vgbench("data", "list", "--json").json()
    assert {pack["split"] for pack in listed["packs"]} == {"train", "test"}
    assert "packed: synthetic-sky-test-32x32" in vgbench("data", "list").out
    assert "Unknown role 'tests'. Did you mean test?" in vgbench("data", "prepare", "--protocol", tiny, "--roles", "tests").err
