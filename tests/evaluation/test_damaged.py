"""Clips that cannot be read are left out of all rows, where that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from vgbench.generation.generate import generate
from vgbench.runs.scores import read_scores

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
    assert "No clip is left: 10 are damaged." in ran.err
