"""What is wrong with data, and what a reader of results should know of them: found, said, and quoted in evaluations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vgbench.data.inspection.findings
import vgbench.data.protocol_data
from vgbench.data.clips import Clip
from vgbench.data.inspection.findings import known_findings
from vgbench.data.inspection.prepare import prepare
from vgbench.data.inspection.preview import preview_clips
from vgbench.data.inspection.survey import clip_facts
from vgbench.data.inspection.verify import verify
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import DataError
from vgbench.evaluation.evaluate import evaluate
from vgbench.protocol import load_protocol

PROTOCOL = """
[data]
dataset = "video-folder"

[train]
split = "train"
length = 4
stride = 4

[validation]
split = "validation"
length = 4
stride = 4

[test]
split = "test"
length = 4
stride = 4

[video]
size = [32, 32]

[task]
frames = 4
score_from = 1
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VGBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_video(folder: Path, seed: int, frames: int = 4, *, still: bool = False, size: tuple[int, int] = (48, 48)) -> None:
    """Soft random colour patches that change from frame to frame, or do not."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (frames, 6, 6, 3), dtype=np.uint8)
    for number in range(frames):
        picture = Image.fromarray(patches[0 if still else number]).resize((size[1], size[0]), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:03d}.png")


@pytest.fixture
def data(folder: Path) -> dict[str, Path]:
    """Two videos in each of train, validation and test, and `protocol.toml`."""
    Path("protocol.toml").write_text(PROTOCOL)
    for index, split in enumerate(("train", "validation", "test")):
        for number in (0, 1):
            write_video(folder / "videos" / split / f"clip {number}", seed=10 * index + number)
    return {"video-folder": folder / "videos"}


def found(data: dict[str, Path]) -> list[str]:
    return verify(protocol="protocol.toml", data=data).findings


def test_clean_data_give_no_finding(data):
    assert found(data) == []


def test_a_clip_in_two_splits_is_found_whatever_its_name(data):
    shutil.copytree(data["video-folder"] / "train" / "clip 1", data["video-folder"] / "test" / "another name")
    (sentence,) = found(data)
    assert sentence == "1 clips of test are clips of train as well, to the bit: train/clip 1/000000 = test/another name/000000."


def test_a_clip_that_was_encoded_again_is_found_by_its_look(data):
    copied = data["video-folder"] / "test" / "again"
    copied.mkdir()
    for path in sorted((data["video-folder"] / "train" / "clip 0").iterdir()):
        Image.open(path).resize((40, 40), Image.Resampling.BILINEAR).save(copied / f"{path.stem}.jpg", quality=70)
    sentence, formats = found(data)
    assert formats == "The videos are stored in lossy formats (.jpg): real clips carry traces of compression."
    assert "1 clips of test look like a clip of train, their pixels 0.05 apart at most" in sentence
    assert "train/clip 0/000000 = test/again/000000" in sentence


def test_clips_whose_looks_agree_by_chance_are_not_called_alike(data, monkeypatch):
    monkeypatch.setattr(vgbench.data.inspection.findings, "NEAR_BITS", 192)
    assert found(data) == []


def test_flat_clips_do_not_look_alike(data):
    for split, level in (("train", 100), ("test", 101)):
        folder = data["video-folder"] / split / "flat"
        folder.mkdir()
        for number in range(4):
            Image.new("RGB", (48, 48), (level + 5 * number,) * 3).save(folder / f"{number}.png")
    assert found(data) == []


def test_damaged_and_short_videos_are_counted_and_named(data):
    broken = data["video-folder"] / "test" / "clip 1" / "002.png"
    broken.write_bytes(broken.read_bytes()[:100])
    write_video(data["video-folder"] / "train" / "short", seed=99, frames=3)
    sentences = found(data)
    assert "1 of 2 clips of test can be read; damaged: test/clip 1/000000." in sentences
    assert "1 of 3 videos of train are shorter than a window and give no clip: train/short." in sentences


def test_a_video_that_cannot_be_opened_costs_no_other(data):
    (data["video-folder"] / "train" / "broken.mp4").write_bytes(b"no video")
    verified = verify(protocol="protocol.toml", data=data)
    assert list(verified.surveys["train"].damaged) == ["train/broken"]
    assert len(verified.surveys["train"].clips) == 2
    assert verified.findings[0] == "2 of 2 clips of train can be read; damaged: train/broken."


def test_a_packed_copy_that_is_not_its_file_any_more_is_found(data):
    (done,) = prepare(protocol="protocol.toml", data=data, roles=["test"])
    with open(done.pack.path / "frames.u8", "r+b") as file:
        file.write(bytes(1000))
    damaged = verify(protocol="protocol.toml", data=data).surveys["test"].damaged
    assert list(damaged) == ["test/clip 0/000000"]
    assert "its packed copy holds other pixels than the file: delete" in damaged["test/clip 0/000000"]


def test_a_file_that_was_changed_behind_its_size_and_time_is_found_by_verifying(data, monkeypatch):
    monkeypatch.setattr(vgbench.data.protocol_data, "folder_signature", lambda root: "always the same")
    before = ProtocolData(load_protocol("protocol.toml"), data).protocol_id
    Image.new("RGB", (48, 48)).save(data["video-folder"] / "test" / "clip 0" / "000.png")
    assert ProtocolData(load_protocol("protocol.toml"), data).protocol_id == before
    verify(protocol="protocol.toml", data=data)
    assert ProtocolData(load_protocol("protocol.toml"), data).protocol_id != before


def test_still_doubled_and_enlarged_clips_are_said(data):
    write_video(data["video-folder"] / "test" / "still", seed=50, still=True)
    shutil.copytree(data["video-folder"] / "train" / "clip 0", data["video-folder"] / "train" / "twice")
    write_video(data["video-folder"] / "validation" / "small", seed=51, size=(20, 20))
    sentences = "\n".join(found(data))
    assert "In 1 of 3 clips of test next to nothing moves (mean |dx/dt| below 0.0005): test/still/000000." in sentences
    assert "1 clips of train occur twice in it: train/clip 0/000000 = train/twice/000000." in sentences
    assert "1 of 3 videos of validation are smaller than the protocol's size and are enlarged." in sentences


def test_one_split_for_two_roles_is_said(data):
    Path("protocol.toml").write_text(PROTOCOL.replace('split = "validation"', 'split = "test"'))
    assert found(data) == ["Validation and test are one split, 'test': what is chosen on it has seen the test."]


def test_findings_are_quoted_in_evaluations_under_the_protocol(data):
    shutil.copytree(data["video-folder"] / "train" / "clip 1", data["video-folder"] / "test" / "copied")
    sentences = found(data)
    run = evaluate(["copy-first"], protocol="protocol.toml", data=data, metrics=["mse"], device="cpu")
    assert sentences[0] in run.record.warnings
    limited = evaluate(["copy-first"], protocol="protocol.toml", data=data, metrics=["mse"], device="cpu", limit=1)
    assert sentences[0] not in limited.record.warnings  # another protocol, whose data were not looked at


def test_findings_do_not_outlive_the_data_they_describe(data):
    copied = data["video-folder"] / "test" / "copied"
    shutil.copytree(data["video-folder"] / "train" / "clip 1", copied)
    opened = ProtocolData(load_protocol("protocol.toml"), data)
    assert known_findings(opened) == []
    sentences = found(data)
    assert known_findings(ProtocolData(load_protocol("protocol.toml"), data)) == sentences
    shutil.rmtree(data["video-folder"] / "train" / "clip 1")
    assert known_findings(ProtocolData(load_protocol("protocol.toml"), data)) == [
        "The data have changed since they were looked at last: run vgbench data verify again."
    ]


def test_the_manifest_has_a_hash_of_each_clip(data, vgbench):
    arguments = ("data", "verify", "--protocol", "protocol.toml", "--data", f"video-folder={data['video-folder']}")
    ran = vgbench(*arguments, "--out", "manifest.json")
    assert ran.status == 0
    assert "test        test        2       0          2      2" in ran.out
    manifest = json.loads(Path("manifest.json").read_text())
    opened = ProtocolData(load_protocol("protocol.toml"), data)
    clip = opened.clips("test")[0]
    assert manifest["splits"]["test"]["clips"][clip.clip_id] == clip_facts(clip, opened.read(clip)).sha256
    assert manifest["protocol"]["id"] == opened.protocol_id
    assert vgbench(*arguments, "--out", "missing/manifest.json").status == 1
    broken = data["video-folder"] / "test" / "clip 1" / "002.png"
    broken.write_bytes(b"")
    ran = vgbench(*arguments)
    assert ran.status == 1
    assert "damaged: test/clip 1/000000: " in ran.out


def test_facts_of_a_clip_are_those_of_its_pixels():
    frames = np.zeros((3, 1, 16, 16), dtype=np.uint8)
    frames[1], frames[2] = 51, 255
    facts = clip_facts(Clip("a/000000", "a", 0, 3, "test"), torch.from_numpy(frames))
    assert facts.motion == pytest.approx(0.5)
    assert facts.drift == pytest.approx(1.0)


def test_a_preview_shows_the_clips_and_what_copying_scores(data, vgbench):
    preview = preview_clips(Path("out"), protocol="protocol.toml", data=data)
    with Image.open(preview.sheet) as sheet:
        assert sheet.size == (4 * 34 + 2, 2 * 34 + 2)
    run = evaluate(["copy-first"], protocol="protocol.toml", data=data, metrics=["psnr"], device="cpu")
    lines = [json.loads(line) for line in (run.path / "scores.jsonl").read_text().splitlines()]
    mean = np.mean([np.mean(line["scores"]["psnr@frame"]) for line in lines])
    assert preview.copy_first == pytest.approx(mean)
    ran = vgbench("data", "preview", "--protocol", "protocol.toml", "--data", f"video-folder={data['video-folder']}", "--role", "train")
    assert f"psnr@frame on these {preview.clips} clips" in ran.out
    assert Path("protocol-train.mp4").exists()


def test_a_prepared_protocol_is_checked_too(data, vgbench):
    shutil.copytree(data["video-folder"] / "train" / "clip 1", data["video-folder"] / "test" / "copied")
    arguments = ("data", "prepare", "--protocol", "protocol.toml", "--data", f"video-folder={data['video-folder']}")
    assert "- 1 clips of test are clips of train as well" in vgbench(*arguments).out
    shutil.rmtree(data["video-folder"] / "train")
    ran = vgbench(*arguments, "--roles", "test")
    assert (ran.status, ran.out.count("\n")) == (0, 1)


def test_a_minimum_of_motion_leaves_still_clips_out_under_another_id(data):
    write_video(data["video-folder"] / "test" / "still", seed=50, still=True)
    plain = ProtocolData(load_protocol("protocol.toml"), data)
    assert "test.min_motion" not in plain.protocol.compared()
    assert len(plain.clips("test")) == 3
    Path("moving.toml").write_text(PROTOCOL.replace('split = "test"\n', 'split = "test"\nmin_motion = 0.01\n'))
    moving = ProtocolData(load_protocol("moving.toml"), data)
    assert [clip.source_id for clip in moving.clips("test")] == ["test/clip 0", "test/clip 1"]
    assert moving.protocol_id != plain.protocol_id
    assert verify(protocol="moving.toml", data=data).findings == ["1 of 3 clips of test move less than min_motion, and are left out."]
    again = ProtocolData(load_protocol("moving.toml"), data)
    again.dataset.read = lambda *_: pytest.fail("a clip was read again")  # type: ignore[method-assign, assignment]
    assert len(again.clips("test")) == 2
    Path("moving.toml").write_text(PROTOCOL.replace('split = "test"\n', 'split = "test"\nmin_motion = 0.9\n'))
    with pytest.raises(DataError, match="No clip of split 'test' moves as much as min_motion = 0.9 asks"):
        ProtocolData(load_protocol("moving.toml"), data).clips("test")


def test_a_clip_that_was_learnt_by_heart_is_the_nearest_to_its_training_clip(data, vgbench):
    source = data["video-folder"] / "train" / "clip 1"
    for name, folder in (("learned", source), ("new", data["video-folder"] / "validation" / "clip 0")):
        (Path("made") / name).mkdir(parents=True)
        for path in folder.iterdir():
            Image.open(path).resize((32, 32), Image.Resampling.BILINEAR).save(Path("made") / name / path.name)
    common = ("data", "neighbours", "made", "--protocol", "protocol.toml", "--data", f"video-folder={data['video-folder']}")
    found = vgbench(*common, "--json").json()
    assert [one["clip"] for one in found["generated"]] == ["learned", "new"]
    assert found["generated"][0]["training_clip"] == "train/clip 1/000000"
    assert found["generated"][0]["psnr"] > 40 > found["generated"][1]["psnr"]
    assert len(found["real"]) == 2
    assert "learned" in vgbench(*common).out
    write_video(Path("wrong") / "size", seed=1)
    assert "is asked for" in vgbench(*common[:2], "wrong", *common[3:]).err
