"""An interrupted evaluation of given clips is finished to the same bits, and what is scored is not scored again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from vgbench.errors import RunError
from vgbench.evaluation.evaluate import evaluate
from vgbench.evaluation.folders import evaluate_folders
from vgbench.generation.generate import generate
from vgbench.generation.resized import Resizing
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.plugins.observers import Observer
from vgbench.runs.run import EvalRun, locate_run
from vgbench.runs.scores import read_scores
from vgbench.video import write_lossless

PLUGIN = """
from pathlib import Path
import torch
from vgbench import FeatureExtractor, FrechetDistance, MetricSpec, PairedMetric, hookimpl


class Brightness(PairedMetric):
    span = 1

    def measure(self, clips, references):
        with open("measured.txt", "a") as file:
            file.write("x" * len(clips))
        return (clips.double() - references.double()).mean(dim=(2, 3, 4))


class Means(FeatureExtractor):
    def features(self, clips):
        with open("extracted.txt", "a") as file:
            file.write("x" * len(clips))
        return clips.float().mean(dim=(1, 3, 4))

    def key(self):
        return ""


def means():
    return FrechetDistance(Means(), unbiased=False)


@hookimpl
def vgbench_metrics():
    card = {"formula": "-", "range": "-", "colour": "-", "pooling": "-", "source": "-", "same as": "-", "beware": "-"}
    return [
        MetricSpec(name="brightness", summary="-", target=f"{__name__}:Brightness", kind="paired", better="lower", card=card),
        MetricSpec(name="means", summary="-", target=f"{__name__}:means", kind="set", better="lower", card=card),
    ]
"""


class Impatient(Observer):
    """Interrupts after some clips."""

    def __init__(self, after: int) -> None:
        self._after = after

    def advanced(self, task: str, done: int, total: int) -> None:
        if done == self._after:
            raise KeyboardInterrupt


def count(name: str) -> int:
    """How often something was computed since last asked."""
    path = Path(name)
    total = len(path.read_text()) if path.exists() else 0
    path.unlink(missing_ok=True)
    return total


@pytest.fixture(autouse=True)
def clips(folder, install_plugin):
    install_plugin("bright", PLUGIN)
    for seed, name in enumerate(("made", "real")):
        (folder / name).mkdir()
        for number, video in enumerate(np.random.default_rng(seed).integers(0, 256, (6, 4, 3, 16, 16), dtype=np.uint8)):
            write_lossless(folder / name / f"{number}.mkv", torch.from_numpy(video), 10)


@pytest.mark.parametrize("metrics", [["brightness"], ["brightness", "means"], ["means"]])
@pytest.mark.parametrize("max_memory", [1 << 30, 1 << 14])
def test_it_is_finished_to_the_same_bits_without_doing_anything_twice(metrics, max_memory):
    if "means" in metrics and max_memory < 1 << 20:
        max_memory = 1 << 18
    whole = evaluate_folders("made", "real", metrics=metrics, max_memory=max_memory)
    measured, extracted = count("measured.txt"), count("extracted.txt")
    with pytest.raises(KeyboardInterrupt):
        evaluate_folders("made", "real", metrics=metrics, max_memory=max_memory, observer=Impatient(4))
    interrupted = locate_run("latest", Path("runs"), EvalRun)
    assert interrupted.record.status == "interrupted"
    resumed = evaluate_folders("made", "real", metrics=metrics, max_memory=max_memory, resume="latest")
    assert resumed.path == interrupted.path
    assert resumed.record.protocol["id"] == whole.record.protocol["id"]
    assert list(read_scores(resumed.path)) == list(read_scores(whole.path))
    values = [{spec: score.value for spec, score in build_leaderboard([run]).rows[0].scores.items()} for run in (whole, resumed)]
    assert values[0] == values[1]
    # The first clip is looked at once more, to see that the metrics can take it.
    assert count("measured.txt") - measured <= max(1, measured // 6)
    assert count("extracted.txt") - extracted <= 1


def test_files_that_changed_or_other_options_are_refused(vgbench):
    with pytest.raises(KeyboardInterrupt):
        evaluate_folders("made", "real", metrics=["mse"], observer=Impatient(2))
    with pytest.raises(RunError, match=r"cannot be resumed with these options: metrics: .*mse@mean.* against .*psnr@frame"):
        evaluate_folders("made", "real", metrics=["psnr"], resume="latest")
    with pytest.raises(RunError, match="cannot be resumed with these options: frames: None against 3"):
        evaluate_folders("made", "real", metrics=["mse"], frames=3, resume="latest")
    shutil.copy("made/5.mkv", "made/2.mkv")
    os.utime("made/2.mkv", (1, 1))
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", "--resume", "latest")
    assert ran.status == 1
    assert "cannot be resumed with these options: made has changed since." in ran.err


def test_a_report_says_how_to_finish_it_and_the_command_does(vgbench):
    with pytest.raises(KeyboardInterrupt):
        evaluate_folders({"ours": "made"}, "real", metrics=["mse"], observer=Impatient(2))
    run = locate_run("latest", Path("runs"), EvalRun)
    ran = vgbench("report", run.path)
    assert f"is interrupted, not done; finish it with the same options and --resume {run.path}" in ran.err
    ran = vgbench("eval", "--generated", "ours=made", "--reference", "real", "--metrics", "mse", "--resume", run.path, "--json")
    assert ran.status == 0
    assert ran.json()["rows"][0]["n_clips"] == 6
    assert vgbench("report", run.path).status == 0


def interrupted(*arguments: object, **options: object) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate_folders(*arguments, metrics=["mse"], observer=Impatient(2), **options)


def test_one_that_resizes_is_resumed(vgbench):
    for options in ({"resizing": Resizing("area")}, {"resizing": Resizing("area", size=(8, 8))}):
        interrupted("made", "real", **options)
        assert evaluate_folders("made", "real", metrics=["mse"], resume="latest", **options).record.status == "done"


def test_a_list_that_changed_and_another_layout_are_refused(folder):
    lines = [f"{number},{number}" for number in range(6)]
    (folder / "list.csv").write_text("\n".join(["generated,reference", *lines]))
    interrupted("made", "real", pair="list.csv")
    (folder / "list.csv").write_text("\n".join(["generated,reference", *lines[:-1]]))
    with pytest.raises(RunError, match="list.csv has changed since"):
        evaluate_folders("made", "real", metrics=["mse"], pair="list.csv", resume="latest")
    for name in ("a.npy", "b.npy"):
        np.save(folder / name, np.random.default_rng(len(name)).integers(0, 256, (6, 6, 6, 6), dtype=np.uint8))
    interrupted("a.npy", "b.npy", layout="NTHW", runs="others")
    with pytest.raises(RunError, match="layout: 'NTHW' against 'NHWT'"):
        evaluate_folders("a.npy", "b.npy", metrics=["mse"], layout="NHWT", runs="others", resume="latest")
    with pytest.raises(RunError, match=r"a.npy, b.npy was asked for, not b.npy, b.npy"):
        evaluate_folders("b.npy", "b.npy", metrics=["mse"], layout="NTHW", runs="others", resume="latest")


def test_given_clips_under_a_protocol_that_changed_are_refused(tiny):
    for name in ("copy-first", "noise"):
        generate(name, Path(name), protocol=tiny)
        (Path(name) / "manifest.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        evaluate(["noise"], given={"ours": "copy-first"}, protocol=tiny, metrics=["mse"], observer=Impatient(8))
    shutil.rmtree("copy-first")
    shutil.copytree("noise", "copy-first")
    with pytest.raises(RunError, match="ours has changed since"):
        evaluate(["noise"], given={"ours": "copy-first"}, protocol=tiny, metrics=["mse"], resume="latest")
