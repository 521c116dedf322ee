"""The marks of a column: whatever its metric's direction and pooling, equal rows keep theirs and worse ones lose it."""

from __future__ import annotations

import numpy as np
import pytest

from vgbench.leaderboard.ties import Evidence, goodness_by_source
from vgbench.metrics.pixel.psnr import decibels
from vgbench.specs import MetricSpec
from vgbench.stats.bootstrap import Sample, influences

RNG = np.random.default_rng(0)


def evidence_of(values: np.ndarray, of_mean=None) -> Evidence:
    sample = Sample(values, np.arange(len(values)), of_mean)
    return Evidence(sample.value, sample.centre, influences(sample))


def spec_of(better: str) -> MetricSpec:
    return MetricSpec(name="x", summary="", target="", kind="paired", better=better)


@pytest.mark.parametrize(("better", "sign"), [("higher", 1), ("lower", -1)])
def test_a_mean_is_compared_by_its_sources_as_they_are(better, sign):
    scores = RNG.normal(size=(3, 8))
    assert goodness_by_source([evidence_of(row) for row in scores], spec_of(better)) == pytest.approx(sign * scores)


def test_what_falls_with_its_mean_is_compared_by_the_mean_turned_round():
    errors = RNG.random(size=(2, 8)) / 100
    rows = [evidence_of(row, lambda mean: decibels(mean, data_range=1)) for row in errors]
    assert goodness_by_source(rows, spec_of("higher")) == pytest.approx(-errors)


def test_ratios_as_far_from_1_are_equal_and_their_sources_follow_the_curve():
    ratios = RNG.random(size=8) + 0.2
    below, above = evidence_of(ratios / ratios.mean() * 0.8), evidence_of(ratios / ratios.mean() * 1.25)
    scores = goodness_by_source([below, above], spec_of("toward-1"))
    assert scores.mean(axis=1) == pytest.approx([0.8, 0.8])
    assert scores[0] - 0.8 == pytest.approx(-(scores[1] - 0.8)), "what brings one nearer takes the other away"
