"""vgbench diff names what two rows do not have in common, and else the clips."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def scored(vgbench, tiny):
    """Evaluates, and gives the run's name."""

    def run(*options):
        ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-first,noise", "--metrics", "mse,psnr", "--json", *options)
        return Path(ran.json()["run"]).name

    return run


def test_two_equal_evaluations_have_every_clip_the_same(vgbench, scored):
    one, other = scored(), scored("--fresh")
    ran = vgbench("diff", f"{one}:noise", f"{other}:noise")
    assert (ran.status, ran.err) == (0, "")
    assert "mse@mean: " in ran.out
    assert ran.out.count("every clip the same") == 2
    assert "first against second" not in ran.out


def test_another_limit_batch_and_metric_are_named(vgbench, scored):
    one, other = scored(), scored("--limit", 4, "--batch-size", 3, "--metrics", "mse,psnr@video")
    found = vgbench("diff", f"{one}:noise", f"{other}:noise", "--json").json()
    assert found["causes"]["protocol"] == ["limit: None against 4"]
    assert "batch size: 8 against 3" in found["causes"]["machine"]
    assert set(found["causes"]) == {"protocol", "machine"}
    assert found["only"] == [
        f"Only noise of {one} has psnr@frame.",
        f"Only noise of {other} has psnr@video.",
        "psnr@frame and psnr@video are two definitions under one name: their numbers do not compare.",
        f"6 clips were scored for noise of {one} alone.",
    ]
    (mse,) = found["metrics"]
    assert (mse["metric"], mse["n_clips"], mse["differing"]) == ("mse@mean", 4, 0)


def test_two_rows_of_one_run_differ_in_their_generator_and_in_clips(vgbench, scored):
    run = scored()
    ran = vgbench("diff", f"{run}:copy-first", f"{run}:noise")
    assert ran.status == 1
    assert "generator: 'baselines/copy-first' against 'baselines/noise'" in ran.out
    assert "10 of 10 clips differ" in ran.out
    assert ran.out.count("mse@mean of ") == 5
    table = vgbench("report", run, "--json").json()
    values = [row["value"] for row in table["rows"] if row["metric"] == "mse@mean"]
    assert f"mse@mean: {min(values):.6g} against {max(values):.6g}" in ran.out


def test_a_training_with_another_seed_is_named_with_its_seed(vgbench, tiny):
    runs = []
    for seed in (1, 2):
        assert vgbench("train", "mdgan", "--protocol", tiny, "--preset", "tiny", "--steps", 2, "--seed", seed).status == 0
        runs.append(Path(vgbench("eval", "--protocol", tiny, "--generators", "mdgan", "--metrics", "mse", "--json").json()["run"]).name)
    found = vgbench("diff", *runs, "--json").json()
    assert found["same"] is False
    assert "training.seed: 1 against 2" in found["causes"]["generator"]
    assert any(line.startswith("weights.run: ") for line in found["causes"]["generator"])
    assert len(found["metrics"][0]["clips"]) == 5


def test_a_file_that_was_changed_since_is_named(vgbench, scored):
    one, other = scored(), scored()
    path = Path("runs") / other / "scores.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1].replace('"mse@mean": [0.', '"mse@mean": [0.9')]) + "\n")
    ran = vgbench("diff", f"{one}:noise", f"{other}:noise")
    assert ran.status == 1
    assert "files, first against second:" in ran.out
    assert "scores.jsonl" in ran.out
    assert "1 of 10 clips differ" in ran.out


UNSEEDED = """
import time, torch
from vgbench import Generator, GeneratorSpec, hookimpl

class Unseeded(Generator):
    def generate(self, request):
        level = (time.time_ns() % 1000) / 1000
        return torch.full((len(request.context), request.frames, *request.context.shape[2:]), level)

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="unseeded", summary="U.", target=f"{__name__}:Unseeded")]
"""


def test_where_nothing_that_is_recorded_explains_it_the_clips_are_named(install_plugin, vgbench, tiny):
    install_plugin("unseeded", UNSEEDED)
    given = ["--protocol", tiny, "--generators", "unseeded", "--metrics", "mse", "--json", "--fresh"]
    one, other = (Path(vgbench("eval", *given).json()["run"]).name for _ in range(2))
    ran = vgbench("diff", one, other)
    assert ran.status == 1
    assert "Nothing that the runs record differs. The clips that are furthest apart:" in ran.out


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ("{run}", "{run}", "has the rows copy-first, noise; say which, as {run}:copy-first."),
        ("{run}:nois", "{run}:noise", "Unknown row of {run} 'nois'. Did you mean noise?"),
        ("absent", "{run}:noise", "absent"),
    ],
)
def test_what_cannot_be_compared_is_said(vgbench, scored, first, second, sentence):
    run = scored()
    ran = vgbench("diff", first.format(run=run), second.format(run=run))
    assert (ran.status, sentence.format(run=run) in ran.err) == (1, True), ran.err


def test_rows_without_a_metric_in_common_are_refused(vgbench, tiny):
    runs = []
    for metric in ("mse", "psnr"):
        ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-first", "--metrics", metric, "--json")
        runs.append(Path(ran.json()["run"]).name)
    ran = vgbench("diff", *runs)
    assert (ran.status, "they have no metric in common" in ran.err) == (1, True)
