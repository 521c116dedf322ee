"""Set metrics from the command line: features kept, shared and reused, and a table that says how sure it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vgbench.evaluation.evaluate import evaluate
from vgbench.evaluation.folders import evaluate_folders
from vgbench.generation.generate import generate
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.runs.features import REAL, FeatureWriter, Owner, read_features
from vgbench.runs.run import EvalRun, locate_run
from vgbench.scoring.feature_cache import FeatureCache
from vgbench.video import write_lossless

PLUGIN = """
from pathlib import Path

import torch
from vgbench import FeatureExtractor, FrechetDistance, KernelDistance, MetricSpec, hookimpl

VERSION = "1"


class Moments(FeatureExtractor):
    def features(self, clips):
        with open("calls.txt", "a") as file:
            file.write("x" * len(clips))
        flat = clips.float().flatten(2)
        return torch.cat([flat.mean(2)[:, :3], flat.std(2)[:, :3]], dim=1)

    def key(self):
        return f"moments {VERSION}"


class Broken(Moments):
    def features(self, clips):
        return torch.full((len(clips), 4), float("nan"))

    def key(self):
        return ""


def frechet():
    return FrechetDistance(Moments(), unbiased=False)


def kernel():
    return KernelDistance(Moments())


def broken():
    return FrechetDistance(Broken(), unbiased=False)


@hookimpl
def vgbench_metrics():
    for name in ("frechet", "kernel", "broken"):
        yield MetricSpec(name=f"moments-{name}", summary="For tests.", target=f"{__name__}:{name}", kind="set", better="lower", perfect=0)
"""
ROWS = "copy-first,noise"


@pytest.fixture(autouse=True)
def moments(install_plugin, tmp_path, monkeypatch):
    monkeypatch.setenv("VGBENCH_CACHE", str(tmp_path / "cache"))
    install_plugin("moments", PLUGIN)


def calls() -> int:
    """Clips whose features were computed, since last asked."""
    path = Path("calls.txt")
    count = len(path.read_text()) if path.exists() else 0
    path.unlink(missing_ok=True)
    return count


def test_a_table_shows_set_metrics_beside_the_others_with_interval_curve_and_floor(vgbench, tiny):
    ran = vgbench("eval", "--protocol", tiny, "--generators", ROWS, "--metrics", "mse,moments-frechet,moments-kernel", "--json")
    assert ran.status == 0
    rows = {(row["generator"], row["metric"]): row for row in ran.json()["rows"]}
    near, far = rows["copy-first", "moments-frechet"], rows["noise", "moments-frechet"]
    assert near["value"] < far["value"]
    assert far["ci_low"] < far["value"] < far["ci_high"]
    assert far["curve"][-1] == [10, far["value"]]
    assert far["curve_spread"][-1] is None
    assert len(far["curve_spread"]) == len(far["curve"])
    assert far["jackknife_groups"] == 5
    assert far["floor_spread"] > 0
    assert far["floor"][0] == 5
    assert near["floor"] == far["floor"]
    assert any("moments-frechet over 10 clips is mostly bias" in warning for warning in ran.json()["warnings"])
    text = vgbench("report")
    assert "moments-frechet at fewer clips" in text.out
    assert "jackknife over source videos" in text.out
    assert "Real against real" in vgbench("report", "--format", "markdown").out
    assert vgbench("report", "--format", "csv").status == 0


def test_two_metrics_share_features_and_a_second_run_computes_none(vgbench, tiny):
    arguments = ("eval", "--protocol", tiny, "--generators", ROWS, "--metrics", "moments-frechet,moments-kernel", "--json")
    first = vgbench(*arguments)
    assert calls() == 10 + 2 * 10
    second = vgbench(*arguments)
    assert calls() == 0
    assert [row["value"] for row in first.json()["rows"]] == [row["value"] for row in second.json()["rows"]]


def test_a_run_that_was_killed_goes_on_to_the_same_numbers(tiny):
    metrics = ["mse", "moments-frechet"]
    whole = evaluate(["copy-first", "noise"], protocol=str(tiny), metrics=metrics, batch_size=3)
    cut = evaluate(["copy-first", "noise"], protocol=str(tiny), metrics=metrics, batch_size=3)
    record = json.loads((cut.path / "run.json").read_text())
    (cut.path / "run.json").write_text(json.dumps(record | {"status": "running"}))
    lines = (cut.path / "scores.jsonl").read_bytes().splitlines(keepends=True)
    (cut.path / "scores.jsonl").write_bytes(b"".join(lines[:9]) + lines[9][:20])
    (names,) = (cut.path / "features").glob("*.jsonl")
    (array,) = (cut.path / "features").glob("*.npy")
    names.write_bytes(b"".join(names.read_bytes().splitlines(keepends=True)[:13]) + b'{"gen')
    array.write_bytes(array.read_bytes()[:-50])
    finished = evaluate(["copy-first", "noise"], protocol=str(tiny), metrics=metrics, batch_size=3, resume=str(cut.path), fresh=True)

    def numbers(run) -> list:
        return [(row["generator"], row["metric"], row["value"], row["ci_low"]) for row in build_leaderboard([run]).records()]

    assert numbers(finished) == numbers(whole)


def test_two_sets_of_different_sizes_need_no_partners(vgbench, folder):
    rng = np.random.default_rng(0)
    np.save("made.npy", rng.integers(0, 200, (9, 4, 12, 12, 3), dtype=np.uint8))
    np.save("real.npy", rng.integers(0, 256, (14, 6, 12, 16, 3), dtype=np.uint8))
    ran = vgbench("eval", "--generated", "made.npy", "--reference", "real.npy", "--metrics", "moments-frechet,moments-kernel", "--json")
    assert ran.status == 0
    assert [(row["n_clips"], row["n_real"]) for row in ran.json()["rows"]] == [(9, 14)] * 2
    assert vgbench("eval", "--generated", "made.npy", "--reference", "real.npy", "--metrics", "mse,moments-frechet").status == 1


def test_features_that_are_not_finite_cost_the_column_and_are_named_once(vgbench, tiny):
    ran = vgbench("eval", "--protocol", tiny, "--generators", ROWS, "--metrics", "mse,moments-broken", "--json")
    assert ran.status == 1
    assert ran.err.count("Error: moments-broken has no column: metric moments-broken (plugin moments (vgbench-moments 1.5)): ") == 1
    assert "the features of 1 of 1 clips are NaN or infinite" in ran.err
    assert {row["metric"] for row in ran.json()["rows"]} == {"mse@mean"}


def test_one_clip_is_too_few(vgbench, tiny):
    ran = vgbench("eval", "--protocol", tiny, "--generators", ROWS, "--metrics", "moments-frechet", "--limit", 1)
    assert ran.status == 1
    assert "needs at least 2 clips on each side" in ran.err


def test_runs_whose_features_come_from_other_networks_share_no_table(tiny, monkeypatch, vgbench):
    import vgbench_moments_module

    runs = [evaluate(["copy-first"], protocol=str(tiny), metrics=["moments-frechet"])]
    monkeypatch.setattr(vgbench_moments_module, "VERSION", "2")
    runs.append(evaluate(["noise"], protocol=str(tiny), metrics=["moments-frechet"]))
    ran = vgbench("report", *(run.path for run in runs))
    assert ran.status == 1
    assert "cannot share a column moments-frechet: its features are moments 1 against moments 2" in ran.err


def test_a_damaged_array_of_features_is_refused(tiny, vgbench):
    evaluate(["copy-first"], protocol=str(tiny), metrics=["moments-frechet"])
    (array,) = (locate_run("latest", Path("runs"), EvalRun).path / "features").glob("*.npy")
    array.write_bytes(b"nothing")
    ran = vgbench("report")
    assert (ran.status, f"{array} is not what the evaluation wrote" in ran.err) == (1, True)


def test_a_feature_array_is_a_plain_numpy_file_with_named_rows(tmp_path):
    with_rows = {"a": np.ones((1, 3), np.float32), "b": np.full((2, 3), 2, np.float32)}
    writer = FeatureWriter(tmp_path, "some key")
    for clip_id, vectors in with_rows.items():
        writer.write(Owner(REAL, clip_id, "video", 0), vectors)
        writer.write(Owner("mine", clip_id, "video", 0), -vectors)
    writer.close()
    assert np.load(tmp_path / "features/some-key.npy").tolist() == [[1] * 3, [-1] * 3, [2] * 3, [2] * 3, [-2] * 3, [-2] * 3]
    found = read_features(tmp_path, "some key", ["mine"])
    assert found["mine"].vectors.tolist() == [[-1] * 3, [-2] * 3, [-2] * 3]
    assert (found[REAL].n_clips, found[REAL].sources) == (2, ["video"] * 3)


def test_a_cache_that_cannot_be_used_costs_nothing_but_time(tmp_path):
    (tmp_path / "features.sqlite").write_bytes(b"no database" * 100)
    cache = FeatureCache(tmp_path / "features.sqlite")
    assert cache.get("key", b"clip") is None
    cache.put("key", b"clip", np.ones((1, 2)))
    assert "Features are not kept between runs" in cache.problem


def test_stored_clips_have_the_distance_and_interval_that_they_had_in_memory(tiny):
    tiny.write_text(tiny.read_text().replace("score_from = 1", "score_from = 1\nsamples = 2"))
    in_memory = evaluate(["noise"], protocol=str(tiny), metrics=["moments-frechet"])
    generate("noise", Path("made"), protocol=str(tiny), reference_out=Path("real"))
    found = [build_leaderboard([run]).rows[0].scores for run in (in_memory, evaluate_folders("made", "real", metrics=["moments-frechet"]))]
    with_pairs = build_leaderboard([evaluate_folders("made", "real", metrics=["mse", "moments-frechet"])]).rows[0].scores
    for scores in (found[1], with_pairs):
        assert scores["moments-frechet"] == found[0]["moments-frechet"]


@pytest.mark.parametrize("metrics", ["moments-frechet", "psnr,moments-frechet"])
@pytest.mark.parametrize("workers", [0, 5])
def test_the_memory_that_a_distance_takes_is_said_before_any_work(folder, vgbench, metrics, workers):
    rng = np.random.default_rng(0)
    for name in ("made/a", "made/b", "real/a", "real/b"):
        (folder / name).parent.mkdir(exist_ok=True)
        write_lossless(folder / f"{name}.mkv", torch.from_numpy(rng.integers(0, 256, (23, 3, 24, 20), dtype=np.uint8)), 25)
    needed = 2 * (2 if "psnr" in metrics else 1) * 23 * 24 * 20 * 3  # two copies of a clip, or of a pair
    given = ("eval", "--generated", "made", "--reference", "real", "--metrics", metrics, "--workers", workers, "--max-memory")
    ran = vgbench(*given, needed - 1)
    assert ran.status == 1
    assert "at whole clips, and a" in ran.err
    assert not Path("runs").exists()
    assert vgbench(*given, needed).status == 0


def test_sets_that_differ_in_more_than_content_are_said_to(folder):
    rng = np.random.default_rng(0)
    for side, frames, height, fps in (
        ("made", (9, 9), 24, 25),
        ("real", (9, 12), 24, 25),
        ("slow", (9, 9), 24, 8),
        ("low", (9, 9), 12, 25),
    ):
        Path(side).mkdir()
        for number, count in enumerate(frames):
            video = torch.from_numpy(rng.integers(0, 256, (count, 3, height, 20), dtype=np.uint8))
            write_lossless(Path(side, f"{number}.mkv"), video, fps)
    differing = "The two sets differ in {}, which a distance between them measures as well: {} generated, {} real."
    for other, expected in (
        ("real", [differing.format("length", "9 frames", "12 frames, 9 frames")]),
        ("slow", [differing.format("frame rate", "25/s", "8/s")]),
        ("low", [differing.format("size", "20×24", "20×12")]),
        ("made", []),
    ):
        run = evaluate_folders("made", other, metrics=["moments-frechet"])
        assert [text for text in run.record.warnings if "differ" in text] == expected


def test_other_real_clips_show_what_a_distance_is_where_every_clip_is_real(tiny, vgbench):
    ran = vgbench("eval", "--protocol", tiny, "--generators", "real,real:other,noise", "--metrics", "moments-frechet", "--json")
    assert ran.status == 0
    values = {row["generator"]: row["value"] for row in ran.json()["rows"]}
    assert values["real"] == pytest.approx(0, abs=1e-6)
    assert 0 < values["real:other"] < values["noise"]
    assert {row["tied_with_best"] for row in ran.json()["rows"] if row["is_reference"]} == {None}
