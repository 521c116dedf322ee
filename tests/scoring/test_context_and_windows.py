"""Distances between sets of clips with the frames given in front, and of all windows of long clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import MetricError
from vgbench.evaluation.evaluate import evaluate
from vgbench.evaluation.folders import evaluate_folders
from vgbench.generation.generate import generate
from vgbench.interfaces import FeatureExtractor
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.metrics.sets.extractors import SlidingWindows
from vgbench.metrics.sets.frechet import frechet_distance
from vgbench.protocol import Task, load_protocol

PLUGIN = """
import torch
from vgbench import FeatureExtractor, FrechetDistance, MetricSpec, hookimpl


class Levels(FeatureExtractor):
    def features(self, clips):
        frames = clips.float().mean(dim=(2, 3, 4))
        return torch.stack([frames.mean(1), frames[:, 0], frames[:, -1], torch.full_like(frames[:, 0], frames.shape[1])], dim=1)

    def key(self):
        return "levels 1"


def plain():
    return FrechetDistance(Levels(), unbiased=False)


def joined():
    return FrechetDistance(Levels(), unbiased=False, joins_context=True)


@hookimpl
def vgbench_metrics():
    card = {"formula": "-", "range": "-", "colour": "-", "pooling": "-", "source": "-", "same as": "-", "beware": "-"}
    return [
        MetricSpec(name=f"levels-{name}", summary="-", target=f"{__name__}:{name}", kind="set", better="lower", card=card)
        for name in ("plain", "joined")
    ]
"""


def levels(clips: list[torch.Tensor]) -> np.ndarray:
    frames = [clip.float().mean(dim=(1, 2, 3)) for clip in clips]
    return np.array([[one.mean(), one[0], one[-1], len(one)] for one in frames], dtype=np.float64)


def values_of(run) -> dict[tuple[str, str], float]:
    return {(row.label, metric): score.value for row in build_leaderboard([run]).rows for metric, score in row.scores.items()}


@pytest.fixture(autouse=True)
def plugin(install_plugin):
    install_plugin("levels", PLUGIN)


@pytest.mark.parametrize("task", [Task(context=1, frames=6), Task(context=3, frames=6), Task(context=3, frames=6, target_start=3)])
def test_what_is_joined_is_the_context_and_what_was_generated_after_it(task):
    clips = torch.arange(9).view(1, 9, 1, 1, 1)
    generated = 100 + torch.arange(task.target_start, task.target_start + 6).view(1, 6, 1, 1, 1)
    expected = [*range(task.context), *range(100 + task.context, 100 + task.target_start + 6)]
    assert task.joined(clips, generated).flatten().tolist() == expected
    assert task.joined(clips, task.target(clips)).flatten().tolist() == list(range(len(expected)))


@pytest.mark.parametrize("start", ["", "context = 3\ntarget_start = 3\n"])
def test_under_a_protocol_both_kinds_of_features_are_of_the_right_frames(tiny, start):
    frames = 5 if start else 8
    tiny.write_text(tiny.read_text().replace("frames = 8\nscore_from = 1\n", f"frames = {frames}\nscore_from = 1\n{start}"))
    run = evaluate(["copy-first", "linear"] if start else ["copy-first"], protocol=tiny, metrics=["levels-plain", "levels-joined", "mse"])
    protocol = load_protocol(tiny)
    data, task = ProtocolData(protocol), protocol.task
    real = [data.read(clip) for clip in data.clips("test")]
    made = [clip[:1].expand(frames, -1, -1, -1) for clip in real]
    context = task.context
    first = context - task.target_start
    joined = [torch.cat([clip[:context], copy[first:]]) for clip, copy in zip(real, made, strict=True)]
    values = values_of(run)
    counted = [clip[task.target_start + 1 : task.target_start + frames] for clip in real]
    plain = frechet_distance(levels(counted), levels([copy[1:] for copy in made]))
    assert values["copy-first", "levels-plain"] == pytest.approx(plain, rel=1e-6)
    assert values["copy-first", "levels-joined"] == pytest.approx(frechet_distance(levels(real), levels(joined)), rel=1e-6)


def test_stored_clips_beside_references_give_the_same_with_score_from(tiny):
    in_memory = evaluate(["copy-first"], protocol=tiny, metrics=["levels-plain", "levels-joined", "mse"])
    generate("copy-first", Path("made"), protocol=tiny, reference_out=Path("real"))
    stored = evaluate_folders("made", "real", metrics=["levels-plain", "levels-joined", "mse"])
    assert list(values_of(stored).values()) == pytest.approx(list(values_of(in_memory).values()), rel=1e-12)


@pytest.mark.parametrize("metrics", [["levels-joined"], ["mse", "levels-joined"]])
def test_without_frames_that_are_given_it_is_refused_and_the_others_stay(tiny, vgbench, metrics):
    generate("copy-first", Path("made"), protocol=tiny, reference_out=Path("real"))
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", ",".join(metrics), "--score-from", "0", "--json")
    assert ran.status == 1
    assert "levels-joined joins the frames given in front of those generated, and of these clips none are known to be given" in ran.err
    if "mse" in metrics:
        assert [row["metric"] for row in ran.json()["rows"]] == ["mse@mean"]


class Sums(FeatureExtractor):
    def features(self, clips):
        return torch.stack([clips.double().sum(dim=(1, 2, 3, 4)), clips[:, 0].double().sum(dim=(1, 2, 3))], dim=1)

    def key(self):
        return "sums"


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(4, 20), st.integers(1, 4), st.integers(1, 6), st.integers(0, 1000))
def test_every_window_that_fits_has_its_features_a_clips_next_to_each_other(n, frames, length, stride, seed):
    clips = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (n, frames, 1, 3, 3), dtype=np.uint8))
    windows = [clip[start : start + length] for clip in clips for start in range(0, frames - length + 1, stride)]
    expected = [[float(window.double().sum()), float(window[0].double().sum())] for window in windows]
    assert SlidingWindows(Sums(), length=length, stride=stride).features(clips).tolist() == expected


def test_a_clip_shorter_than_a_window_is_refused():
    with pytest.raises(MetricError, match="a window of 16 frames needs clips of at least 16 frames that count; these have 9"):
        SlidingWindows(Sums(), length=16, stride=8).features(torch.zeros(1, 9, 1, 3, 3, dtype=torch.uint8))


def test_joined_alone_is_scored_in_pairs_too(tiny, vgbench):
    generate("copy-first", Path("made"), protocol=tiny, reference_out=Path("real"))
    runs = [evaluate_folders("made", "real", metrics=metrics) for metrics in (["levels-joined"], ["mse", "levels-joined"])]
    assert values_of(runs[0])["made", "levels-joined"] == values_of(runs[1])["made", "levels-joined"]
    assert vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "levels-joined", "--pair", "order").status == 0
