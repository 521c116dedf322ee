"""Given clips of another size or other channels than what they are compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import ConfigError
from vgbench.evaluation.evaluate import evaluate
from vgbench.evaluation.folders import evaluate_folders
from vgbench.generation.resized import Resizing
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.metrics import mse
from vgbench.protocol import load_protocol
from vgbench.runs.scores import read_scores
from vgbench.video import resize, write_lossless


def clips(seed: int, height: int, width: int, n: int = 2, channels: int = 3) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (n, 20, channels, height, width), dtype=np.uint8))


def store(folder: str, videos: Tensor) -> str:
    Path(folder).mkdir()
    for number, video in enumerate(videos):
        write_lossless(Path(folder) / f"{number}.mkv", video, 10)
    return folder


@pytest.fixture
def sides(folder):
    return store("made", clips(0, 24, 40)), store("real", clips(1, 16, 16))


@pytest.mark.parametrize("resample", ["bilinear", "bicubic", "area", "nearest"])
@pytest.mark.parametrize("fit", ["squash", "center-crop"])
def test_generated_clips_are_brought_to_the_references_size(sides, vgbench, resample, fit):
    refused = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse")
    assert "pairs differ in length, size or channels" in refused.err
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", "--resample", resample, "--fit", fit, "--json")
    assert ran.status == 0
    made, real = clips(0, 24, 40), clips(1, 16, 16)
    brought = torch.stack([resize(video, (16, 16), resample=resample, fit=fit) for video in made])
    assert ran.json()["rows"][0]["value"] == pytest.approx(mse(brought, real).mean().item(), rel=1e-12)
    protocol = ran.json()["protocol"]
    assert (protocol["resample"], protocol["fit"], protocol["size"]) == (resample, fit, [16, 16])


def test_the_filter_the_fit_and_the_size_are_in_the_id(sides):
    ways = [Resizing("bilinear"), Resizing("bicubic"), Resizing("bilinear", "center-crop"), Resizing("bilinear", size=(12, 16))]
    ids = [evaluate_folders(*sides, metrics=["mse"], resizing=way).record.protocol["id"] for way in ways]
    assert len(set(ids)) == 4


def test_both_sides_are_brought_to_a_size_that_is_named(sides, vgbench):
    way = ["--resample", "area", "--size", "8x12"]
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", *way, "--json")
    made, real = (torch.stack([resize(video, (8, 12), resample="area") for video in side]) for side in (clips(0, 24, 40), clips(1, 16, 16)))
    assert ran.json()["rows"][0]["value"] == pytest.approx(mse(made, real).mean().item(), rel=1e-12)


def test_long_clips_are_resized_in_chunks_to_the_same_bits(sides):
    runs = [evaluate_folders(*sides, metrics=["mse"], resizing=Resizing("bicubic"), max_memory=memory) for memory in (1 << 30, 20000)]
    first, second = ([line.scores for line in read_scores(run.path)] for run in runs)
    assert first == second
    assert runs[0].record.protocol["id"] == runs[1].record.protocol["id"]


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["--fit", "squash"], "--fit goes with --resample FILTER", 2),
        (["--size", "8x8"], "--size goes with --resample FILTER", 2),
        (["--resample", "area", "--size", "8"], "'8': write HEIGHTxWIDTH, such as 64x64", 2),
        (["--resample", "bilinaer"], "Unknown resample filter 'bilinaer'. Did you mean bilinear?", 1),
        (["--resample", "area", "--fit", "crop"], "Unknown fit 'crop'", 1),
    ],
)
def test_what_does_not_go_together_is_refused(sides, vgbench, arguments, message, status):
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", *arguments)
    assert (ran.status, message in ran.err) == (status, True)
    assert not Path("runs").exists()


def test_a_size_below_one_pixel_is_refused():
    with pytest.raises(ConfigError, match="both at least 1"):
        Resizing("area", size=(0, 4))


def stored_under(protocol: Path, folder: str, height: int, width: int, channels: int) -> dict[str, Tensor]:
    """A clip of that size for each test clip."""
    made = {}
    for number, clip in enumerate(ProtocolData(load_protocol(protocol)).clips("test")):
        made[clip.clip_id] = clips(number, height, width, 1, channels)[0, :8]
        path = Path(folder) / f"{clip.clip_id}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_lossless(path, made[clip.clip_id], 10)
    return made


def test_under_a_protocol_they_are_brought_to_its_size_which_is_said_and_recorded(tiny, vgbench):
    made = stored_under(tiny, "made", 48, 64, 3)
    refused = vgbench("eval", "--protocol", tiny, "--generators", "copy-first", "--generated", "ours=made", "--metrics", "mse")
    assert "10 of 10 clips in made are not of that. --resample FILTER brings them to its size." in refused.err
    way = ["--resample", "bicubic", "--fit", "center-crop"]
    ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-first", "--generated", "ours=made", "--metrics", "mse", *way, "--json")
    assert ran.status == 0
    assert "ours: clips of 48×64 are resized: center-crop to 32×32, bicubic." in ran.json()["warnings"]
    data = ProtocolData(load_protocol(tiny))
    errors = [
        mse(resize(made[clip.clip_id], (32, 32), resample="bicubic", fit="center-crop"), data.read(clip))[1:].mean().item()
        for clip in data.clips("test")
    ]
    (value,) = [row["value"] for row in ran.json()["rows"] if row["generator"] == "ours"]
    assert value == pytest.approx(np.mean(errors), rel=1e-12)


def test_grey_clips_are_repeated_and_coloured_ones_become_grey_where_the_protocol_says_so(tiny):
    grey = Path("grey.toml")
    grey.write_text(tiny.read_text().replace("[video]", '[video]\nchannels = 1\ngrey = "bt601"'))
    made = stored_under(tiny, "made", 32, 32, 1)
    repeated = {clip_id: video.expand(-1, 3, -1, -1) for clip_id, video in made.items()}
    for clip_id, video in repeated.items():
        path = Path("coloured") / f"{clip_id}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_lossless(path, video.contiguous(), 10)
    for protocol in (tiny, grey):
        run = evaluate(["copy-first"], given={"grey": "made", "coloured": "coloured"}, protocol=protocol, metrics=["mse"])
        assert {row.label: list(row.aliases) for row in build_leaderboard([run]).rows} == {"copy-first": [], "grey": ["coloured"]}
