"""What `generate` stores is scored as it was in memory: the same frames, sources and samples."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vgbench import DataError, PairingError, build_leaderboard, evaluate, evaluate_folders, generate
from vgbench.leaderboard.table import TableRow


def row_of(run) -> TableRow:
    (row,) = build_leaderboard([run]).rows
    return row


@pytest.fixture
def three_samples(tiny):
    tiny.write_text(tiny.read_text().replace("score_from = 1", "score_from = 1\nsamples = 3"))
    return str(tiny)


@pytest.mark.parametrize("generator", ["copy-first", "noise"])
def test_stored_clips_make_the_table_that_an_evaluation_makes(three_samples, generator):
    metrics = ["psnr", "mse", "motion-ratio"]
    in_memory = evaluate([generator], protocol=three_samples, metrics=metrics)
    generate(generator, Path("made"), protocol=three_samples, reference_out=Path("real"))
    stored = evaluate_folders("made", "real", metrics=metrics)
    mine, theirs = row_of(in_memory), row_of(stored)
    assert theirs.scores == mine.scores
    assert (theirs.n_frames, theirs.scores["psnr@frame"].n_sources) == (mine.n_frames, 5)
    assert stored.record.protocol["made_under"]["id"] == in_memory.record.protocol["id"]


def test_an_arrangement_by_hand_still_counts_every_clip_by_itself(tiny):
    generate("copy-first", Path("made"), protocol=str(tiny), reference_out=Path("real"))
    for folder in ("made", "real"):
        Path(folder, "manifest.json").unlink()
    by_hand = row_of(evaluate_folders("made", "real", metrics=["mse"], score_from=1)).scores["mse@mean"]
    in_memory = row_of(evaluate(["copy-first"], protocol=str(tiny), metrics=["mse"])).scores["mse@mean"]
    assert (by_hand.value, by_hand.n_sources, in_memory.n_sources) == (in_memory.value, 10, 5)


def test_a_frame_that_is_named_wins_over_the_manifest(vgbench, tiny):
    assert vgbench("generate", "copy-first", "--protocol", tiny, "--out", "made", "--reference-out", "real").status == 0
    given = ("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", "--json")
    counts = [vgbench(*given, *option).json()["rows"][0]["n_frames"] for option in ((), ("--score-from", 3), ("--score-from", 0))]
    assert counts == [70, 50, 80]


def test_a_missing_sample_is_named(three_samples):
    generate("noise", Path("made"), protocol=three_samples, reference_out=Path("real"))
    lost = sorted(Path("made/sample-2").rglob("*.mkv"))[0]
    lost.unlink()
    name = lost.relative_to("made/sample-2").with_suffix("")
    with pytest.raises(PairingError, match=f"{name}, sample 2: no generated clip in made"):
        evaluate_folders("made", "real", metrics=["mse"])
    run = evaluate_folders("made", "real", metrics=["mse"], allow_missing=True)
    assert row_of(run).scores["mse@mean"].n_clips == 29


def test_a_manifest_that_does_not_fit_is_said(tiny):
    generate("copy-first", Path("made"), protocol=str(tiny), reference_out=Path("real"))
    generate("copy-first", Path("few"), protocol=str(tiny), reference_out=Path("few-real"), limit=2)
    with pytest.raises(PairingError, match="made and few-real were written under different protocols: limit: None against 2"):
        evaluate_folders("made", "few-real", metrics=["mse"])
    shutil.copytree("made/test-0000", "made/test-9999")
    with pytest.raises(PairingError, match=r"test-9999/\d+ is not among the clips that manifest.json lists"):
        evaluate_folders("made", "real", metrics=["mse"])
    shutil.rmtree("made/test-9999")
    for text, message in (("{", "is damaged"), ('{"format": 9}', "has format 9; this vgbench reads 1"), ("[" * 200_000, "is damaged")):
        Path("made/manifest.json").write_text(text)
        with pytest.raises(DataError, match=message):
            evaluate_folders("made", "real", metrics=["mse"])
