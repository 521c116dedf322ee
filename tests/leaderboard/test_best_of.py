"""The best of N samples of each clip, beside the mean over samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from vgbench import evaluate
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.report import markdown


def samples(metric: str, *values: list[float]) -> list[dict[str, list[float]]]:
    """A clip whose samples have these values at their frames."""
    return [{metric: frames} for frames in values]


def values_of(board, column: str) -> dict[str, float]:
    return {row.label: row.scores[column].value for row in board.rows if column in row.scores}


@pytest.mark.parametrize(("metric", "best"), [("mse@mean", (1 + 4) / 2), ("psnr@frame", (3 + 6) / 2), ("motion-ratio", (1 + 4) / 2)])
def test_the_best_sample_of_each_clip_counts_by_its_own_mean_over_frames(made_run, metric, best):
    a = [[samples(metric, [3, 3], [0, 2], [1, 3])], [samples(metric, [4, 4], [5, 5], [0, 12])]]
    board = build_leaderboard([made_run({"a": a})])
    assert [spec.id for spec in board.metrics] == [metric, f"{metric}:best-of-3"]
    assert values_of(board, metric)["a"] == pytest.approx((3 + 1 + 2 + 4 + 5 + 6) / 6)
    score = board.rows[0].scores[f"{metric}:best-of-3"]
    assert score.value == pytest.approx(best)
    assert (score.n_clips, score.n_frames, score.n_sources) == (2, 4, 2)
    assert len(score.per_frame) == 2


def test_the_curve_is_that_of_the_best_samples(made_run):
    board = build_leaderboard([made_run({"a": [[samples("mse@mean", [1, 3], [5, 0]), samples("mse@mean", [9, 9], [2, 4])]]})])
    assert board.rows[0].scores["mse@mean:best-of-2"].per_frame == pytest.approx(((1 + 2) / 2, (3 + 4) / 2))


def test_rows_of_a_column_have_the_same_number_of_samples(made_run):
    a = [[samples("mse@mean", [5.0], [4.0])], [samples("mse@mean", [5.0], [4.0])]]
    b = [[samples("mse@mean", [5.0], [4.5], [0.0])], [samples("mse@mean", [5.0], [6.0], [0.0])]]
    c = [[samples("mse@mean", [3.0])], [samples("mse@mean", [3.0])]]
    board = build_leaderboard([made_run({"a": a, "b": b, "c": c})])
    assert values_of(board, "mse@mean:best-of-2") == {"a": 4.0, "b": 4.75}
    text = markdown.render(board)
    assert "best-of-2 takes the best of each clip's first 2 by that metric" in text
    assert not any("without the metric" in warning for warning in board.warnings)


def test_a_sample_that_is_not_finite_is_never_the_best_unless_all_are(made_run):
    a = [[samples("mse@mean", [math.nan], [4.0])], [samples("mse@mean", [2.0], [math.nan])]]
    b = [[samples("mse@mean", [math.nan], [math.nan])], [samples("mse@mean", [2.0], [3.0])]]
    board = build_leaderboard([made_run({"a": a, "b": b})])
    values = values_of(board, "mse@mean:best-of-2")
    assert values["a"] == 3.0
    assert math.isnan(values["b"])
    assert {row.label: row.scores["mse@mean:best-of-2"].non_finite for row in board.rows} == {"a": 0, "b": 1}


def test_without_several_samples_there_is_no_such_column(made_run):
    board = build_leaderboard([made_run({"a": [[samples("mse@mean", [1.0])]]})])
    assert [spec.id for spec in board.metrics] == ["mse@mean"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), n_samples=st.integers(2, 5), n_clips=st.integers(1, 6))
def test_best_of_n_against_numpy_and_never_worse_than_the_mean(made_run, seed, n_samples, n_clips):
    errors = np.random.default_rng(seed).uniform(0, 1, (n_clips, n_samples, 3))
    run = made_run({"a": [[samples("mse@mean", *clip.tolist())] for clip in errors]})
    board = build_leaderboard([run])
    best = values_of(board, f"mse@mean:best-of-{n_samples}")["a"]
    assert best == pytest.approx(errors.mean(axis=2).min(axis=1).mean())
    assert best <= values_of(board, "mse@mean")["a"] + 1e-12


def test_a_deterministic_generator_stands_beside_one_that_was_sampled(tiny):
    tiny.write_text(tiny.read_text() + "samples = 3\n")
    run = evaluate(["copy-first", "noise"], protocol=tiny, metrics=["mse"])
    board = build_leaderboard([run])
    means, best = values_of(board, "mse@mean"), values_of(board, "mse@mean:best-of-3")
    assert best["copy-first"] == means["copy-first"]
    assert best["noise"] < means["noise"]
    assert board.rows[0].scores["mse@mean:best-of-3"].tied_with_best is None  # five sources
