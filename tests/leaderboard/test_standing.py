"""Ranks as ranges, the smallest difference, and the frames at which a row is beyond copying."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vgbench.leaderboard.horizon import as_ranges
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.report import json as as_json, markdown


def clips(level, noise, sources=20):
    """One clip a source: values of two frames about a level, the same for both."""
    return [[{"mse@mean": [level + one] * 2}] for one in noise[:sources]]


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(size=(4, 20)) * 0.1


def test_rows_that_stand_apart_have_one_rank_and_equal_ones_share_theirs(made_run, noise):
    rows = {"far": clips(9.0, noise[0]), "one": clips(1.0, noise[1]), "other": clips(1.0, noise[2]), "near": clips(3.0, noise[3])}
    table = build_leaderboard([made_run(rows)])
    ranks = {row.label: (row.scores["mse@mean"].rank_best, row.scores["mse@mean"].rank_worst) for row in table.rows}
    assert ranks == {"one": (1, 2), "other": (1, 2), "near": (3, 3), "far": (4, 4)}
    text = markdown.render(table)
    assert "| generator | rank | mse@mean" in text
    assert "| near | 3 | 3." in text
    assert "1–2" in text
    assert "Ranks are by mse@mean: those that the paired comparisons do not exclude, of all rows at once (95 %)." in text


def test_the_smallest_difference_is_that_of_the_two_best(made_run, noise):
    rows = {"wild": clips(9.0, 30 * noise[0]), "one": clips(1.0, noise[1]), "other": clips(1.2, noise[2])}
    table = build_leaderboard([made_run(rows)])
    error = (noise[1] - noise[2]).std(ddof=1) / 20**0.5
    found = table.smallest_differences["mse@mean"]
    assert 2.0 * error < found - 0.84 * error < 3.5 * error  # the largest of three t over 20 sources, at 95 %
    assert as_json.as_object(table)["smallest_differences"] == {"mse@mean": found}
    assert "The smallest difference between the two best that these clips would show, four times in five: mse@mean " in markdown.render(
        table
    )


def test_without_a_test_there_is_no_rank_and_no_word_of_it(made_run, noise):
    few = build_leaderboard([made_run({"one": clips(1.0, noise[0], 5), "other": clips(2.0, noise[1], 5)})])
    alone = build_leaderboard([made_run({"one": clips(1.0, noise[0])})])
    for table in (few, alone):
        assert {row.scores["mse@mean"].rank_best for row in table.rows} == {None}
        assert table.smallest_differences == {}
        assert "rank" not in markdown.render(table).lower()


def with_generators(run, generators):
    """The same run, its rows made by generators of these names."""
    rows = [replace(row, generator=generators.get(row.label, row.generator)) for row in run.record.rows]
    run.record = replace(run.record, rows=tuple(rows))
    return run


def test_a_row_is_beyond_copying_at_the_frames_where_its_mean_is_better_than_every_copy(made_run):
    curves = {"first": [1.0, 4.0, 9.0], "last": [2.0, 3.0, 8.0], "model": [1.5, 2.0, 7.0], "worse": [9.0, 9.0, 8.5]}
    run = made_run({label: [[{"mse@mean": curve}]] * 8 for label, curve in curves.items()})
    run = with_generators(run, {"first": "baselines/copy-first", "last": "baselines/copy-last"})
    table = build_leaderboard([run])
    first = table.first_frame()
    found = {row.label: row.scores["mse@mean"].beyond_copying for row in table.rows}
    assert found == {"first": None, "last": None, "model": (first + 1, first + 2), "worse": ()}
    line = f"Better than copying by mse@mean, on average, at frames: model {first + 1}–{first + 2}; worse none."
    assert line in markdown.render(table).replace("\\", "")


def test_without_a_row_that_copies_nothing_is_said_of_it(made_run):
    table = build_leaderboard([made_run({"model": [[{"mse@mean": [1.0, 2.0]}]] * 8, "other": [[{"mse@mean": [2.0, 2.0]}]] * 8})])
    assert {row.scores["mse@mean"].beyond_copying for row in table.rows} == {None}
    assert "copying" not in markdown.render(table)


def test_numbers_in_a_row_are_written_as_a_range():
    assert as_ranges([1, 2, 3, 5, 7, 8]) == "1–3, 5, 7–8"
    assert as_ranges([]) == ""
