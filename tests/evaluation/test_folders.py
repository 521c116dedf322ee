"""Clips that any program made: three forms, the same bits; what cannot be paired is refused and listed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vgbench.errors import DataError, PairingError, VideoError
from vgbench.evaluation.folders import evaluate_folders
from vgbench.metrics.pixel.cards import error_specs
from vgbench.metrics.similarity.cards import ssim_specs
from vgbench.runs.scores import read_scores
from vgbench.video.encode import write_lossless

PARITY = Path(__file__).parents[2].parent / "shared" / "data" / "parity"
IDS = [spec.id for spec in [*error_specs(), *ssim_specs()]]


def made_clips(seed: int, n: int = 3, frames: int = 4, size: int = 16) -> Tensor:
    """(N, T, C, H, W)."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (n, frames, 3, size, size), dtype=np.uint8))


def store(form: str, clips: Tensor, path: Path) -> Path:
    """The clips as videos, folders of pictures or an array, under the same names."""
    if form == "npy":
        np.save(path.with_suffix(".npy"), clips.permute(0, 1, 3, 4, 2).numpy())
        return path.with_suffix(".npy")
    for index, clip in enumerate(clips):
        if form == "mkv":
            path.mkdir(exist_ok=True)
            write_lossless(path / f"{index:06d}.mkv", clip, 25)
        else:
            (path / f"{index:06d}").mkdir(parents=True)
            for number, frame in enumerate(clip.permute(0, 2, 3, 1).numpy()):
                Image.fromarray(frame).save(path / f"{index:06d}" / f"{number}.png")
    return path


def values_of(run) -> list[dict[str, list[float]]]:
    return [dict(line.scores) for line in read_scores(run.path)]


def test_videos_pictures_and_arrays_give_the_same_bits_and_the_same_id(folder):
    runs = []
    for form in ("npy", "png", "mkv"):
        generated, reference = (store(form, made_clips(seed), folder / f"{name}-{form}") for seed, name in ((0, "made"), (1, "real")))
        runs.append(evaluate_folders(generated, reference, metrics=IDS))
    assert values_of(runs[0]) == values_of(runs[1]) == values_of(runs[2])
    assert len({run.record["protocol"]["id"] for run in runs}) == 1


@pytest.mark.skipif(not PARITY.is_dir(), reason="the parity pixels are not beside this checkout")
@pytest.mark.parametrize("form", ["npz", "png", "mkv"])
def test_the_published_numbers_come_out_of_the_command_line(vgbench, folder, form):
    if form == "npz":
        generated, reference = f"{PARITY / 'rgb64.npz'}:pred", f"{PARITY / 'rgb64.npz'}:gt"
    else:
        arrays = np.load(PARITY / "rgb64.npz")
        tensors = {name: torch.from_numpy(arrays[name]).permute(0, 1, 4, 2, 3) for name in ("pred", "gt")}
        generated, reference = (store(form, tensors[name], folder / name) for name in ("pred", "gt"))
    ran = vgbench("eval", "--generated", generated, "--reference", reference, "--metrics", ",".join(IDS), "--json")
    assert ran.status == 0
    expected = json.loads((PARITY / "rgb64.expected.json").read_text())
    rows = {row["metric"]: row for row in ran.json()["rows"]}
    assert set(rows) == set(expected)
    for metric_id, row in rows.items():
        assert row["value"] == pytest.approx(expected[metric_id], rel=3e-5 if metric_id in ("ssim@piq", "ssim@torchmetrics") else 1e-5)
        assert row["ci_low"] < row["value"] < row["ci_high"]
        assert (row["n_clips"], row["n_frames"]) == (8, 128)


def test_a_clip_without_a_partner_is_listed_or_counted(folder, vgbench):
    generated, reference = store("mkv", made_clips(0), folder / "made"), store("mkv", made_clips(1), folder / "real")
    (generated / "000001.mkv").unlink()
    (generated / "extra.mkv").write_bytes((generated / "000000.mkv").read_bytes())
    with pytest.raises(PairingError) as caught:
        evaluate_folders(generated, reference)
    assert str(caught.value).splitlines() == [
        "  000001: no generated clip in made",
        "  extra: no reference in real",
        "Add the missing clips, or score the 2 pairs there are with --allow-missing.",
    ]
    ran = vgbench("eval", "--generated", generated, "--reference", reference, "--metrics", "mse", "--allow-missing", "--json")
    assert ran.status == 0
    assert ran.json()["rows"][0]["n_clips"] == 2
    assert ran.json()["warnings"][0].startswith("2 clips have no partner and are not scored.")


def test_nothing_to_pair_is_an_error_even_when_clips_may_be_missing(folder):
    generated = store("mkv", made_clips(0, n=2), folder / "made")
    reference = folder / "real"
    shutil.copytree(generated, reference)
    for path in list(reference.iterdir()):
        path.rename(reference / f"other-{path.name}")
    with pytest.raises(PairingError, match="has a partner in"):
        evaluate_folders(generated, reference, allow_missing=True)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (made_clips(1, frames=5), "000000: 4 frames of 16×16 with 3 channels against 5 frames of 16×16 with 3 channels"),
        (made_clips(1, size=18), "000000: 4 frames of 16×16 with 3 channels against 4 frames of 18×18 with 3 channels"),
        (made_clips(1)[:, :, :1], "000000: 4 frames of 16×16 with 3 channels against 4 frames of 16×16 with 1 channels"),
    ],
)
def test_pairs_that_differ_in_length_or_size_are_listed(folder, other, message):
    generated, reference = store("npy", made_clips(0), folder / "made"), store("npy", other, folder / "real")
    with pytest.raises(PairingError) as caught:
        evaluate_folders(generated, reference)
    assert "3 of 3 pairs differ in length or size." in str(caught.value)
    assert message in str(caught.value)


def test_arrays_of_different_numbers_of_clips_are_refused(folder):
    generated, reference = store("npy", made_clips(0), folder / "made"), store("npy", made_clips(1, n=5), folder / "real")
    with pytest.raises(PairingError, match="000003: no generated clip in made"):
        evaluate_folders(generated, reference)


def test_score_from_leaves_frames_out_and_changes_the_id(folder):
    generated, reference = store("npy", made_clips(0), folder / "made"), store("npy", made_clips(1), folder / "real")
    whole, later = (evaluate_folders(generated, reference, metrics=["mse"], score_from=first) for first in (0, 1))
    assert [values["mse@mean"][1:] for values in values_of(whole)] == [values["mse@mean"] for values in values_of(later)]
    assert whole.record["protocol"]["id"] != later.record["protocol"]["id"]
    with pytest.raises(PairingError, match="--score-from 4 leaves no frame of a clip with 4 frames"):
        evaluate_folders(generated, reference, score_from=4)


def test_single_files_are_a_pair_whatever_their_names(folder):
    write_lossless(folder / "mine.mkv", made_clips(0)[0], 25)
    write_lossless(folder / "real.mkv", made_clips(1)[0], 25)
    assert len(values_of(evaluate_folders("mine.mkv", "real.mkv", metrics=["mse"]))) == 1


def test_an_empty_folder_and_a_file_that_is_no_video_are_named(folder):
    real = store("mkv", made_clips(1), folder / "real")
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="empty"):
        evaluate_folders("empty", real)
    shutil.copytree(real, folder / "made")
    (folder / "made" / "000001.mkv").write_text("no video")
    with pytest.raises(VideoError, match="000001.mkv"):
        evaluate_folders("made", real)
    with pytest.raises(DataError, match="nowhere"):
        evaluate_folders("nowhere", real)


def test_a_truncated_clip_is_named(folder):
    real = store("mkv", made_clips(1, frames=30, size=64), folder / "real")
    shutil.copytree(real, folder / "made")
    path = folder / "made" / "000002.mkv"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError, match="000002.mkv"):
        evaluate_folders("made", real)


def test_clips_of_different_lengths_are_each_pooled_over_their_own_frames(folder, vgbench):
    for name, seed in (("made", 0), ("real", 1)):
        (folder / name).mkdir()
        write_lossless(folder / name / "long.mkv", made_clips(seed, frames=6)[0], 25)
        write_lossless(folder / name / "short.mkv", made_clips(seed, frames=3)[1], 25)
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", "--json", "--per-frame")
    (row,) = ran.json()["rows"]
    assert (row["generator"], row["n_clips"], row["n_frames"], row["per_frame"]) == ("made", 2, 9, None)


def test_options_of_the_other_form_are_refused(vgbench):
    assert vgbench("eval", "--generated", "a").status == 2
    for arguments in (["--generators", "copy-first"], ["--protocol", "synthetic-sky-64x16"], ["--batch-size", "2"]):
        ran = vgbench("eval", "--generated", "a", "--reference", "b", *arguments)
        assert ran.status == 2
        assert f"{arguments[0]} does not go with --generated." in ran.err
    assert "--score-from goes with --generated" in vgbench("eval", "--score-from", 1).err
    assert "does not go with --metrics" in vgbench("eval", "--as", "openstl", "--metrics", "mse").err


def write_long_clips(folder: Path, frames: int = 23) -> tuple[Path, Path]:
    """Two folders with a moving video and an array's worth of the same frames as pictures."""
    rng = np.random.default_rng(0)
    for name in ("made", "real"):
        video = torch.from_numpy(rng.integers(0, 256, (frames, 3, 24, 20), dtype=np.uint8))
        write_lossless(folder / name / "long.mkv", video, 8)
        (folder / name / "pictures").mkdir()
        for number, frame in enumerate(video.flip(0).permute(0, 2, 3, 1).numpy()):
            Image.fromarray(frame).save(folder / name / "pictures" / f"{number:03d}.png")
    return folder / "made", folder / "real"


@pytest.mark.parametrize("score_from", [0, 9])
def test_chunks_of_frames_give_the_same_bits_and_id_as_whole_clips(folder, score_from):
    for name in ("made", "real"):
        (folder / name).mkdir()
    made, real = write_long_clips(folder)
    metrics = ["mse", "psnr@video", "ssim", "flow-epe"]
    runs = [evaluate_folders(made, real, metrics=metrics, score_from=score_from, max_memory=memory) for memory in (1 << 30, 30_000, 1)]
    lines = [[line._replace(seconds=None) for line in read_scores(run.path)] for run in runs]
    assert lines[0] == lines[1] == lines[2]
    assert len({run.record["protocol"]["id"] for run in runs}) == 1


def test_a_metric_of_whole_clips_says_what_memory_it_takes(folder, vgbench):
    for name in ("made", "real"):
        (folder / name).mkdir()
    made, real = write_long_clips(folder)
    ran = vgbench("eval", "--generated", made, "--reference", real, "--metrics", "mse,motion-ratio", "--max-memory", "100K")
    assert ran.status == 1
    assert "motion-ratio looks at whole clips" in ran.err
    assert "--max-memory is 100.0 KiB" in ran.err
    assert not Path("runs").exists()
    assert vgbench("eval", "--generated", made, "--reference", real, "--max-memory", "lots").status == 2
