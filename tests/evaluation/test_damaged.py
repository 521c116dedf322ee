"""Clips that cannot be read are left out of all rows, where that is asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from vgbench.generation.generate import generate
from vgbench.runs.scores import read_scores
from vgbench.video.encode import write_pictures

GIVEN = ("--generated", "copy-first", "--generated", "noise", "--reference", "real", "--metrics", "mse")


@pytest.fixture
def stored(tiny):
    """Clips of two generators, the second with two samples, and the real ones."""
    many = Path("many.toml")
    many.write_text(Path(tiny).read_text().replace("[task]", "[task]\nsamples = 2"))
    generate("copy-first", Path("copy-first"), protocol=many, reference_out=Path("real"))
    generate("noise", Path("noise"), protocol=many)


def damage(*paths: str) -> None:
    for path in map(Path, paths):
        path.write_bytes(path.read_bytes()[:-300])


@pytest.mark.usefixtures("stored")
def test_what_is_damaged_anywhere_is_left_out_everywhere(vgbench):
    whole = vgbench("eval", *GIVEN, "--json")
    assert whole.status == 0
    damage("noise/sample-1/test-0001/000000.mkv", "real/test-0003/000008.mkv", "copy-first/test-0003/000008.mkv")
    refused = vgbench("eval", *GIVEN)
    assert refused.status == 1
    assert "is truncated or damaged" in refused.err or "000000" in refused.err
    ran = vgbench("eval", *GIVEN, "--skip-damaged", "--json")
    assert ran.status == 0
    rows = sorted((row["generator"], row["metric"].partition(":")[2], row["n_clips"]) for row in ran.json()["rows"])
    assert rows == [("copy-first", "", 8), ("noise", "", 16), ("noise", "best-of-2", 8)]
    (warning,) = [text for text in ran.json()["warnings"] if "damaged" in text]
    assert warning.startswith("2 clips are damaged, and left out on both sides.\n  ")
    assert "sample-1/test-0001/000000: " in warning
    lines = {(line.generator, line.clip_id, line.sample): line.scores for line in read_scores(Path(ran.json()["run"]))}
    assert not {clip for _, clip, _ in lines} & {"test-0001/000000", "test-0003/000008"}
    before = {(line.generator, line.clip_id, line.sample): line.scores for line in read_scores(Path(whole.json()["run"]))}
    assert all(before[key] == scores for key, scores in lines.items())


@pytest.mark.usefixtures("stored")
def test_without_damage_nothing_changes_and_nothing_is_said(vgbench):
    plain, skipping = (vgbench("eval", *GIVEN, *options, "--json").json() for options in ((), ("--skip-damaged",)))
    assert plain["warnings"] == skipping["warnings"]
    assert plain["protocol"] == skipping["protocol"]
    assert [row["value"] for row in plain["rows"]] == [row["value"] for row in skipping["rows"]]


@pytest.mark.usefixtures("stored")
def test_where_nothing_is_left_that_is_an_error(vgbench):
    damage(*map(str, Path("real").rglob("*.mkv")))
    ran = vgbench("eval", *GIVEN, "--skip-damaged")
    assert ran.status == 1
    assert "No clip is left.\n10 clips are damaged, and left out on both sides." in ran.err


@pytest.fixture
def pictures(folder):
    """Five references of four frames, and a generated clip of each under another name, as pictures."""
    rng = np.random.default_rng(0)
    for side in ("made", "real"):
        for number in range(5):
            name = f"{'x' if side == 'made' else 'c'}{number}"
            write_pictures(folder / side / name, torch.from_numpy(rng.integers(0, 256, (4, 3, 16, 16), dtype=np.uint8)))
    (folder / "list.csv").write_text("generated,reference\n" + "".join(f"x{number},c{number}\n" for number in range(5)))


def scored(vgbench, *options: str) -> set[str]:
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", *options, "--json")
    assert ran.status == 0, ran.err
    return {line.clip_id for line in read_scores(Path(ran.json()["run"]))}


@pytest.mark.usefixtures("pictures")
@pytest.mark.parametrize("pair", ["list.csv", "order"])
def test_partners_are_found_before_damage_leaves_any_out(vgbench, pair):
    damage("made/x3/0002.png")
    assert scored(vgbench, "--pair", pair, "--skip-damaged") == {"c0", "c1", "c2", "c4"}


@pytest.mark.usefixtures("pictures")
def test_a_damaged_clip_without_a_partner_costs_no_other_of_its_name(vgbench, folder):
    for side in ("made", "real"):  # a reference called z, and a generated clip z, which comes last and has no partner
        (folder / side).joinpath("x4" if side == "made" else "c4").rename(folder / side / ("y" if side == "made" else "z"))
    shutil.copytree(folder / "made" / "x0", folder / "made" / "z")
    damage("made/z/0001.png")
    assert scored(vgbench, "--pair", "order", "--allow-missing", "--skip-damaged") == {"c0", "c1", "c2", "c3", "z"}


@pytest.mark.usefixtures("pictures")
def test_damage_behind_the_frames_that_are_compared_does_not_count(vgbench):
    damage("made/x3/0003.png")
    assert len(scored(vgbench, "--pair", "order", "--frames", "3", "--skip-damaged")) == 5
