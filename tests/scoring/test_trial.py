"""How long measuring takes is said before the work, where it is minutes."""

from __future__ import annotations

import time

import pytest
import torch

from vgbench.scoring.trial import forecast, timed

PLUGIN = """
import time
import torch
from vgbench import FeatureExtractor, FrechetDistance, KernelDistance, MetricSpec, PairedMetric, hookimpl


class Slow(FeatureExtractor):
    def features(self, clips):
        time.sleep(0.2 * len(clips))
        return clips.float().mean(dim=(1, 3, 4))

    def key(self):
        return "slow"


def slow():
    return FrechetDistance(Slow(), unbiased=False)


def kernel():
    return KernelDistance(Slow())


class Compiling(PairedMetric):
    span = 1
    compiled = False

    def measure(self, clips, references):
        if not Compiling.compiled:
            Compiling.compiled = True
            time.sleep(1)
        return (clips.double() - references.double()).mean(dim=(2, 3, 4))


@hookimpl
def vgbench_metrics():
    card = {"formula": "-", "range": "-", "colour": "-", "pooling": "-", "source": "-", "same as": "-", "beware": "-"}
    for name, target, kind in (("slow", "slow", "set"), ("slow-kernel", "kernel", "set"), ("compiling", "Compiling", "paired")):
        yield MetricSpec(name=name, summary="-", target=f"{__name__}:{target}", kind=kind, better="lower", card=card)
"""


@pytest.mark.parametrize(
    ("seconds", "counts", "text"),
    [
        ({"fvd": 0.5, "mse": 0.001}, {"fvd": 90, "mse": 60}, None),
        ({"fvd": 0.5, "mse": 0.001}, {"fvd": 1280, "mse": 1024}, "about 11 minutes, by the first clip: fvd 0.5 s for each of 1,280."),
        (
            {"a": 1.0, "b": 4.0},
            {"a": 3600, "b": 3600},
            "about 5.0 hours, by the first clip: b 4 s for each of 3,600, a 1 s for each of 3,600.",
        ),
        ({}, {}, None),
    ],
)
def test_the_time_for_all_is_that_for_one_and_slow_metrics_are_named(seconds, counts, text):
    found = forecast(seconds, counts)
    assert found is None if text is None else found == f"Measuring takes {text}"


def test_what_is_done_only_once_does_not_count():
    calls = []

    def work():
        calls.append(1)
        if len(calls) == 1:
            time.sleep(0.3)

    assert timed(work, torch.device("cpu")) < 0.3
    assert len(calls) == 2


def test_a_slow_distance_is_told_of_and_not_once_its_features_are_known(vgbench, tiny, install_plugin, monkeypatch):
    install_plugin("slow", PLUGIN)
    monkeypatch.setattr("vgbench.scoring.trial.LONG", 2.0)
    evaluation = ("eval", "--protocol", tiny, "--generators", "copy-first", "--metrics", "slow,slow-kernel,compiling")
    ran = vgbench(*evaluation)
    assert ran.status == 0
    (line,) = [line for line in ran.err.splitlines() if "Measuring takes about" in line]
    assert "slow 0.2 s for each of 20." in line
    assert "compiling" not in line
    assert "slow-kernel" not in line  # it shares the features
    assert "Measuring takes" not in vgbench(*evaluation).err
