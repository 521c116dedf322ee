"""Comparisons of the first frames of clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vgbench.errors import ConfigError, PairingError
from vgbench.evaluation.folders import evaluate_folders
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.runs.scores import read_scores
from vgbench.video import write_lossless

RNG = np.random.default_rng(0)


@pytest.fixture
def sides(folder):
    """Generated clips of 9 frames, real ones of 12; and both as tensors."""
    made, real = (torch.from_numpy(RNG.integers(0, 256, (3, frames, 3, 16, 24), dtype=np.uint8)) for frames in (9, 12))
    for name, clips in (("made", made), ("real", real)):
        for number, clip in enumerate(clips):
            write_lossless_in(folder / name, f"{number}.mkv", clip)
    return made, real


def write_lossless_in(place: Path, name: str, clip: torch.Tensor) -> None:
    place.mkdir(exist_ok=True)
    write_lossless(place / name, clip, 25)


@pytest.mark.parametrize("max_memory", [2**31, 60_000], ids=["whole", "in chunks"])
def test_the_first_frames_of_both_sides_are_compared(sides, max_memory):
    made, real = sides
    run = evaluate_folders("made", "real", metrics=["mse"], frames=7, score_from=2, max_memory=max_memory)
    expected = ((made[:, 2:7].double() - real[:, 2:7].double()) / 255).square().mean((2, 3, 4))
    found = {line.clip_id: line.scores["mse@mean"] for line in read_scores(run.path)}
    for number, values in enumerate(expected):
        assert found[str(number)] == pytest.approx(values.tolist(), rel=1e-12)
    assert run.record.protocol["frames"] == 7
    (row,) = build_leaderboard([run]).rows
    assert row.n_frames == 15


def test_other_lengths_have_other_ids_and_are_refused_beside_each_other(sides):
    runs = [evaluate_folders("made", "real", metrics=["mse"], frames=frames) for frames in (5, 6)]
    assert runs[0].record.protocol["id"] != runs[1].record.protocol["id"]
    with pytest.raises(Exception, match="cannot share a table"):
        build_leaderboard(runs)


def test_clips_of_different_lengths_need_it_and_too_short_ones_are_named(sides):
    with pytest.raises(PairingError, match="9 frames of 16×24 with 3 channels against 12 frames"):
        evaluate_folders("made", "real", metrics=["mse"])
    with pytest.raises(PairingError, match="0 has 9 frames, fewer than the 10 that --frames asks for"):
        evaluate_folders("made", "real", metrics=["mse"], frames=10)
    with pytest.raises(ConfigError):
        evaluate_folders("made", "real", metrics=["mse"], frames=0)


def test_the_command_line_takes_it_for_given_references_alone(sides, vgbench):
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--frames", 4, "--metrics", "mse", "--json")
    assert ran.json()["rows"][0]["n_frames"] == 12
    assert "--frames goes with --generated and --reference" in vgbench("eval", "--frames", 4).err
