"""What an evaluation kept is not computed again, and only what it kept: a row's, a metric's or a weight's change is noticed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from vgbench.evaluation.evaluate import evaluate
from vgbench.files import cache_folder
from vgbench.generation.generate import generate
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.plugins.observers import Observer
from vgbench.runs.checkpoints import load_checkpoint, save_checkpoint
from vgbench.runs.run import EvalRun
from vgbench.runs.scores import read_scores
from vgbench.training.train import train

PLUGIN = """
from pathlib import Path
import torch
from vgbench import FeatureExtractor, FrechetDistance, Generator, GeneratorSpec, MetricSpec, PairedMetric, hookimpl


def count(what, n):
    with open(what, "a") as file:
        file.write("x" * n)


class Grey(Generator):
    def generate(self, request):
        b, t, c, h, w = request.context.shape
        count("made", b)
        return torch.stack([torch.full((request.frames, c, h, w), (seed % 97) / 97) for seed in request.seeds])


class Learner(Grey):
    def generate(self, request):
        return 1 - super().generate(request)

    def fit(self, clips):
        for batch in clips:
            count("fitted", len(batch.clips))


class Brightness(PairedMetric):
    span = 1

    def measure(self, clips, references):
        count("measured", len(clips))
        return (clips.double() - references.double()).mean(dim=(2, 3, 4))


class Means(FeatureExtractor):
    def features(self, clips):
        count("extracted", len(clips))
        return clips.float().mean(dim=(1, 3, 4))

    def key(self):
        return "means 1"


def means():
    return FrechetDistance(Means(), unbiased=False)


def joined():
    distance = means()
    distance.joins_context = True
    return distance


@hookimpl
def vgbench_generators():
    return [
        GeneratorSpec(name="grey", summary="-", target=f"{__name__}:Grey", deterministic=False),
        GeneratorSpec(name="learner", summary="-", target=f"{__name__}:Learner"),
    ]


@hookimpl
def vgbench_metrics():
    card = {"formula": "-", "range": "-", "colour": "-", "pooling": "-", "source": "-", "same as": "-", "beware": "-"}
    return [
        MetricSpec(name="brightness", summary="-", target=f"{__name__}:Brightness", kind="paired", better="lower", card=card),
        MetricSpec(name="means", summary="-", target=f"{__name__}:means", kind="set", better="lower", card=card),
        MetricSpec(name="joined", summary="-", target=f"{__name__}:joined", kind="set", better="lower", card=card),
    ]
"""


def counts() -> dict[str, int]:
    """How often something was computed since last asked; looking at the one clip that is tried beforehand counts as well."""
    found = {}
    for what in ("made", "fitted", "measured", "extracted"):
        path = Path(what)
        found[what] = len(path.read_text()) if path.exists() else 0
        path.unlink(missing_ok=True)
    return found


def numbers(run: EvalRun) -> list[dict[str, object]]:
    return [record | {"run": None} for record in build_leaderboard([run]).records()]


def lines(run: EvalRun) -> list[object]:
    return [line._asdict() for line in read_scores(run.path)]


@pytest.fixture
def counting(install_plugin, tiny):
    install_plugin("counting", PLUGIN)
    return str(tiny)


def test_the_same_evaluation_again_makes_and_measures_nothing_and_is_as_whole(counting):
    names, metrics = ["grey", "learner", "copy-first"], ["brightness", "mse", "means"]
    first = evaluate(names, protocol=counting, metrics=metrics, batch_size=4)
    assert counts() == {"made": 20, "fitted": 12, "measured": 31, "extracted": 40}
    second = evaluate(names, protocol=counting, metrics=metrics, batch_size=4)
    assert counts() == {"made": 0, "fitted": 0, "measured": 1, "extracted": 0}  # the one clip on which metrics are tried
    assert lines(second) == lines(first)
    assert numbers(second) == numbers(first)
    assert second.record.rows == first.record.rows
    for file in sorted(first.path.glob("features/*")):
        assert (second.path / "features" / file.name).read_bytes() == file.read_bytes()
    note = (
        "60 of 60 scores were kept by earlier evaluations. The clips of grey, learner, copy-first were not made again: s/clip is what it "
        "took then. --fresh computes all anew."
    )
    assert note in second.record.warnings
    assert not any("kept" in text for text in first.record.warnings)


def test_a_new_metric_is_measured_alone_and_a_new_row_too(counting):
    evaluate(["grey"], protocol=counting, metrics=["mse"])
    counts()
    more = evaluate(["grey"], protocol=counting, metrics=["mse", "brightness"])
    assert counts() == {"made": 10, "fitted": 0, "measured": 11, "extracted": 0}
    assert any("10 of 20 scores were kept by earlier evaluations. --fresh" in text for text in more.record.warnings)
    both = evaluate(["grey", "learner"], protocol=counting, metrics=["mse", "brightness"])
    assert counts() == {"made": 10, "fitted": 12, "measured": 11, "extracted": 0}
    assert any("The clips of grey were not made again" in text for text in both.record.warnings)
    assert lines(both)[:8] == lines(more)[:8]


def test_afresh_means_that_all_is_computed(counting):
    first = evaluate(["grey", "copy-first", "copy-last"], protocol=counting, metrics=["brightness", "means"])
    computed = counts()
    again = evaluate(["grey", "copy-first", "copy-last"], protocol=counting, metrics=["brightness", "means"], fresh=True)
    assert counts()["made"] == computed["made"] == 10
    assert numbers(again) != []
    assert [line | {"seconds": None} for line in lines(again)] == [line | {"seconds": None} for line in lines(first)]
    assert not any("kept" in text for text in [*first.record.warnings, *again.record.warnings])


def test_features_of_clips_with_their_context_are_known_by_those(counting):
    evaluate(["grey"], protocol=counting, metrics=["mse", "means"])
    counts()
    first = evaluate(["grey"], protocol=counting, metrics=["mse", "joined"])
    assert counts()["made"] == 10
    second = evaluate(["grey"], protocol=counting, metrics=["mse", "joined"])
    assert counts()["made"] == 0
    assert numbers(second) == numbers(first)
    evaluate(["grey"], protocol=counting, metrics=["mse", "means"])
    assert counts()["made"] == 0


def test_lost_features_are_computed_again_from_clips_made_again(counting):
    first = evaluate(["grey"], protocol=counting, metrics=["mse", "means"])
    for path in cache_folder().glob("features.sqlite*"):
        path.unlink()
    counts()
    second = evaluate(["grey"], protocol=counting, metrics=["mse", "means"])
    assert counts()["made"] == 10
    assert numbers(second)[0]["value"] == numbers(first)[0]["value"]


@pytest.mark.parametrize("change", ["batch size", "protocol", "samples"])
def test_what_could_change_a_clip_makes_it_anew(counting, change):
    evaluate(["grey"], protocol=counting, metrics=["mse"], batch_size=4)
    counts()
    if change == "protocol":
        Path(counting).write_text(Path(counting).read_text().replace("score_from = 1", "score_from = 1\nseed = 5"))
    if change == "samples":
        Path(counting).write_text(Path(counting).read_text().replace("score_from = 1", "score_from = 1\nsamples = 2"))
    evaluate(["grey"], protocol=counting, metrics=["mse"], batch_size=5 if change == "batch size" else 4)
    assert counts()["made"] == (20 if change == "samples" else 10)


def test_weights_count_by_their_content_and_not_by_their_file(tiny):
    first, second = (train("mdgan", protocol=str(tiny), preset="tiny", steps=2, seed=seed, device="cpu") for seed in (0, 1))
    path = next(first.path.glob("checkpoints/*.pt"))
    one = evaluate([f"mdgan@{first.path}"], protocol=str(tiny), metrics=["mse"])
    other = evaluate([f"mdgan@{second.path}"], protocol=str(tiny), metrics=["mse"])
    assert not any("kept" in text for text in other.record.warnings)
    checkpoint = load_checkpoint(path)
    save_checkpoint(Path("checkpoints/same.pt"), checkpoint)
    copied = evaluate([f"copied=mdgan@{Path('checkpoints/same.pt')}"], protocol=str(tiny), metrics=["mse"])
    assert any("The clips of copied were not made again" in text for text in copied.record.warnings)
    assert [line["scores"] for line in lines(copied)] == [line["scores"] for line in lines(one)]
    name, weight = next((name, value) for name, value in checkpoint.generator_state["base"].items() if value.is_floating_point())
    checkpoint.generator_state["base"][name] = weight + 1e-6
    save_checkpoint(Path("checkpoints/moved.pt"), checkpoint)
    moved = evaluate([f"moved=mdgan@{Path('checkpoints/moved.pt')}"], protocol=str(tiny), metrics=["mse"])
    assert not any("were not made again" in text for text in moved.record.warnings)


def test_given_clips_are_known_by_their_pixels_and_not_by_their_names(counting):
    generate("grey", Path("out"), protocol=counting)
    evaluate(given={"ours": "out"}, generators=["copy-first"], protocol=counting, metrics=["brightness"])
    counts()
    again = evaluate(given={"ours": "out"}, generators=["copy-first"], protocol=counting, metrics=["brightness"])
    assert counts()["measured"] == 1
    assert any("20 of 20 scores were kept" in text for text in again.record.warnings)
    Path("out").rename("kept")
    generate("learner", Path("out"), protocol=counting)
    counts()
    other = evaluate(given={"ours": "out"}, generators=["copy-first"], protocol=counting, metrics=["brightness"])
    assert counts()["measured"] == 1 + (lines(other) != lines(again)) * 10


def test_a_damaged_entry_is_said_and_computed_again(counting):
    first = evaluate(["grey"], protocol=counting, metrics=["brightness"])
    with closing(sqlite3.connect(cache_folder() / "scores.sqlite")) as connection:
        (pixels,) = connection.execute("select pixels from scores limit 1").fetchone()
        connection.execute("update scores set numbers = zeroblob(56) where pixels = ?", (pixels,))
        connection.commit()
    counts()
    second = evaluate(["grey"], protocol=counting, metrics=["brightness"])
    assert counts()["measured"] == 1 + 8  # the batch it is of, and the one clip that is tried
    assert [line["scores"] for line in lines(second)] == [line["scores"] for line in lines(first)]
    assert any("1 entries of scores.sqlite in the cache are damaged" in text for text in second.record.warnings)


def test_a_store_that_cannot_be_used_is_said_and_costs_nothing_but_time(counting):
    cache_folder().mkdir(parents=True, exist_ok=True)
    (cache_folder() / "scores.sqlite").write_bytes(b"no database" * 100)
    run = evaluate(["grey"], protocol=counting, metrics=["mse"])
    assert run.record.status == "done"
    assert any("Scores are not kept between runs: " in text for text in run.record.warnings)


class Impatient(Observer):
    """Interrupts after some clips."""

    def advanced(self, task: str, done: int, total: int) -> None:
        if task == "clips" and done == 4:
            raise KeyboardInterrupt


def test_what_an_interrupted_evaluation_computed_is_kept(counting):
    with pytest.raises(KeyboardInterrupt):
        evaluate(["grey"], protocol=counting, metrics=["brightness"], batch_size=2, observer=Impatient())
    assert counts()["made"] == 4
    whole = evaluate(["grey"], protocol=counting, metrics=["brightness"], batch_size=2)
    assert counts()["made"] == 6
    assert len(lines(whole)) == 10


def test_a_row_that_fails_keeps_no_other_from_the_store(counting, install_plugin):
    evaluate(["grey"], protocol=counting, metrics=["mse"])
    counts()
    install_plugin(
        "broken",
        "from vgbench import Generator, GeneratorSpec, hookimpl\n\n"
        "class Broken(Generator):\n    def generate(self, request):\n        raise ValueError('no clips today')\n\n"
        "@hookimpl\ndef vgbench_generators():\n"
        "    return [GeneratorSpec(name='broken', summary='-', target=f'{__name__}:Broken')]\n",
    )
    run = evaluate(["grey", "broken"], protocol=counting, metrics=["mse"])
    assert counts()["made"] == 0
    assert "no clips today" in run.record.failures["broken"]
    assert len(lines(run)) == 10


def test_the_command_takes_from_the_store_and_computes_afresh(vgbench, tiny):
    asked = ("eval", "--protocol", tiny, "--generators", "noise", "--metrics", "mse", "--json")
    first = vgbench(*asked).json()
    kept = vgbench(*asked)
    assert kept.json()["rows"][0]["seconds_per_clip"] == first["rows"][0]["seconds_per_clip"]
    assert "10 of 10 scores were kept by earlier evaluations." in kept.err
    fresh = vgbench(*asked, "--fresh")
    assert "kept" not in fresh.err
    assert np.isclose(fresh.json()["rows"][0]["value"], first["rows"][0]["value"])
    refused = vgbench("eval", "--generated", "a", "--reference", "b", "--fresh")
    assert (refused.status, "--fresh does not go with --reference" in refused.err) == (2, True)
