"""What a leaderboard makes of stored scores, from runs whose every number is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from vgbench import evaluate
from vgbench.errors import ProtocolError, RunError
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.report import csv, markdown
from vgbench.runs.run import open_run

RNG = np.random.default_rng(0)


def clips(means: list[float], metric: str = "mse@mean", frames: int = 2) -> list[list[dict[str, list[float]]]]:
    """One source for each mean, with one clip whose frames scatter around it."""
    return [[{metric: [mean - 0.01, mean + 0.01][:frames]}] for mean in means]


def test_a_value_is_the_mean_over_clips_of_the_mean_over_frames(made_run):
    rows = {"a": [[{"mse@mean": [1, 3]}, {"mse@mean": [5, 7]}], [{"mse@mean": [0, 3]}]]}
    (row,) = build_leaderboard([made_run(rows)]).rows
    score = row.scores["mse@mean"]
    assert score.value == pytest.approx((2 + 6 + 1.5) / 3)
    assert score.per_frame == pytest.approx(((1 + 5 + 0) / 3, (3 + 7 + 3) / 3))
    assert (score.n_clips, score.n_sources, score.n_frames) == (3, 2, 6)
    assert (row.perfect_frames, row.seconds_per_clip, row.parameters) == (2, 0.5, 7)
    assert score.tied_with_best is None


@pytest.mark.parametrize(("metric", "order"), [("mse@mean", ["low", "middle", "high"]), ("psnr@frame", ["high", "middle", "low"])])
def test_the_best_row_stands_first(made_run, metric, order):
    rows = {name: clips([mean] * 3, metric) for name, mean in (("middle", 2.0), ("high", 3.0), ("low", 1.0))}
    assert [row.label for row in build_leaderboard([made_run(rows)]).rows] == order


def test_a_ratio_is_best_near_one_on_either_side(made_run):
    rows = {name: clips([value] * 3, "motion-ratio", frames=1) for name, value in (("half", 0.51), ("twice", 1.5), ("near", 1.2))}
    assert [row.label for row in build_leaderboard([made_run(rows)]).rows] == ["near", "twice", "half"]


def test_a_clear_difference_is_told_from_the_best_and_equal_rows_are_not(made_run):
    noise = RNG.normal(0, 0.05, 30)
    rows = {"best": clips(1 + noise), "same": clips(1 + noise), "far": clips(2 + noise)}
    table = build_leaderboard([made_run(rows)])
    assert {row.label: row.scores["mse@mean"].tied_with_best for row in table.rows} == {"best": True, "same": True, "far": False}
    for row in table.rows:
        score = row.scores["mse@mean"]
        assert score.ci_low < score.value < score.ci_high
    assert not table.warnings


def test_nan_stays_nan_is_counted_and_said(made_run):
    rows = {"a": [[{"mse@mean": [1.0, math.nan]}], [{"mse@mean": [1.0, 2.0]}]], "b": clips([1.0, 2.0])}
    table = build_leaderboard([made_run(rows)])
    assert [row.label for row in table.rows] == ["b", "a"]
    score = table.rows[1].scores["mse@mean"]
    assert math.isnan(score.value)
    assert (score.non_finite, score.ci_low) == (1, None)
    assert any("a: 1 values of mse@mean are NaN or infinite" in text for text in table.warnings)


def test_rows_of_one_label_are_told_apart_by_their_runs(made_run):
    runs = [made_run({"a": clips([1.0, 2.0])}), made_run({"a": clips([2.0, 3.0])})]
    assert [row.label for row in build_leaderboard(runs).rows] == [f"a@{run.name}" for run in runs]


def test_a_column_that_a_run_lacks_stays_empty_and_is_said(made_run):
    both = {"a": [[{"psnr@frame": [20.0], "mse@mean": [1.0]}]]}
    runs = [made_run(both), made_run({"b": clips([0.5])}), made_run({"c": clips([0.7], "mae@mean")})]
    board = build_leaderboard(runs)
    assert [spec.id for spec in board.metrics] == ["psnr@frame", "mse@mean", "mae@mean"]
    assert {row.label: list(row.scores) for row in board.rows} == {"a": ["psnr@frame", "mse@mean"], "b": ["mse@mean"], "c": ["mae@mean"]}
    assert board.rows[0].label == "a"  # rows without the first column stand last
    (line,) = [text for text in board.warnings if text.startswith("–")]
    assert line == (
        "– stands where a row was evaluated without the metric: a without mae@mean; b without psnr@frame, mae@mean; "
        "c without psnr@frame, mse@mean."
    )
    shown = markdown.render(board)
    assert "| b | – | 0.500 | – | 7 | 0.5 |" in shown
    assert {(record["generator"], record["metric"]) for record in board.records()} == {
        *(("a", "psnr@frame"), ("a", "mse@mean"), ("b", "mse@mean"), ("c", "mae@mean"))
    }
    assert len(csv.render(board).splitlines()) == 5


def with_pixels(run, digests):
    """The run, its lines with hashes of their frames: label → a text that stands for its clips."""
    path = run.path / "scores.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    texts = [json.dumps(line | {"pixels": f"{digests[line['generator']]} {line['clip_id']}"}) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts))
    return open_run(run.path)


def test_the_same_clips_are_one_row_whatever_their_names(made_run):
    means = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    rows = {"first": clips(means), "last": clips(means), "other": clips(means)}
    run = with_pixels(made_run(rows), {"first": "x", "last": "x", "other": "y"})
    more = with_pixels(made_run({"again": clips(means, "mae@mean")}), {"again": "x"})
    board = build_leaderboard([run, more])
    first, other = board.rows
    assert (first.label, first.aliases, list(first.scores)) == ("first", ["again", "last"], ["mse@mean", "mae@mean"])
    assert (other.label, other.aliases) == ("other", [])  # equal numbers alone do not make two generators one
    assert first.scores["mse@mean"].p_against_best == 1
    assert "first is also again, last: the very same clips." in markdown.render(board)


def test_rows_of_older_runs_are_one_where_generator_and_numbers_agree(made_run):
    means = [0.4, 0.5, 0.6]
    runs = [made_run({"a": clips(means)}), made_run({"a": clips(means)}), made_run({"a": clips([0.4, 0.5, 0.61])})]
    assert len(build_leaderboard(runs[:2]).rows) == 1
    assert sorted(row.label for row in build_leaderboard(runs).rows) == sorted(f"a@{run.name}" for run in (runs[0], runs[2]))
    renamed = made_run({"b": clips(means)})
    assert len(build_leaderboard([runs[0], renamed]).rows) == 2  # another generator, as far as the runs say


def test_what_cannot_be_compared_is_refused_with_the_key_that_differs(made_run):
    mine = made_run({"a": clips([1.0])})
    other = made_run({"a": clips([1.0])}, protocol={"id": "2", "name": "made", "task.score_from": 0})
    with pytest.raises(ProtocolError, match=r"protocol 1 against 2\.\n  task.score_from: 1 against 0"):
        build_leaderboard([mine, other])
    weights = [made_run({"a": clips([1.0])}, weights={"mse@mean": {"net": sha}}) for sha in ("1", "2")]
    with pytest.raises(ProtocolError, match="cannot share a column mse@mean: its weights are"):
        build_leaderboard(weights)


def test_unfinished_and_damaged_runs_are_refused(made_run):
    run = made_run({"a": clips([1.0])})
    with pytest.raises(RunError, match="There is no evaluation run to report"):
        build_leaderboard([])
    unfinished = open_run(run.path)
    for asked, way_out in (((), f"finish it with the same options and --resume {run.path}"), (None, "run its command again")):
        unfinished.record = replace(unfinished.record, status="interrupted", asked=asked)
        with pytest.raises(RunError, match=f"is interrupted, not done; {way_out}"):
            build_leaderboard([unfinished])
    lacking = open_run(run.path)
    lacking.record = replace(lacking.record, metrics=("mse@mean", "psnr@frame"))
    with pytest.raises(RunError, match="a line of a has no psnr@frame"):
        build_leaderboard([lacking])


def test_rows_of_other_clips_and_clips_scored_twice_are_refused(made_run):
    with pytest.raises(ProtocolError, match="were not scored on the same clips: 1 were scored for one of them alone, such as s2/0"):
        build_leaderboard([made_run({"a": clips([1.0, 2.0])}), made_run({"b": clips([1.0, 2.0, 3.0])})])
    run = made_run({"a": clips([1.0, 2.0])})
    lines = (run.path / "scores.jsonl").read_text().splitlines()
    (run.path / "scores.jsonl").write_text("\n".join([lines[0], lines[0]]) + "\n")
    with pytest.raises(RunError, match="a has more than one line for sample 0 of clip s0/0"):
        build_leaderboard([run])


def test_rows_that_take_a_clip_from_different_videos_share_no_table(made_run):
    """They would be compared as pairs of sources that are none."""
    runs = [made_run({label: clips([1.0, 2.0])}) for label in "ab"]
    scores = runs[1].path / "scores.jsonl"
    scores.write_text(scores.read_text().replace('"source": "s1"', '"source": "s0"'))
    with pytest.raises(ProtocolError, match=r"do not agree on the source video of s1/0: s0 and s1\."):
        build_leaderboard(runs)


@pytest.mark.parametrize("sample", [-1, 1 << 40, 10**400])
def test_a_sample_beyond_reason_is_refused_with_its_line(made_run, sample):
    run = made_run({"a": clips([1.0, 2.0])})
    path = run.path / "scores.jsonl"
    path.write_text(path.read_text().replace('"sample": 0', f'"sample": {sample}', 1))
    with pytest.raises(RunError, match="scores.jsonl, line 1, is no score: sample is "):
        build_leaderboard([run])


def test_two_rows_of_one_label_in_a_run_are_refused(made_run):
    run = made_run({"a": clips([1.0])})
    run.record = replace(run.record, rows=(*run.record.rows, *run.record.rows))
    with pytest.raises(RunError, match="two of its rows have one label"):
        build_leaderboard([run])


def test_a_protocol_id_is_computed_again_and_not_believed(tiny):
    run = evaluate(["copy-first"], protocol=str(tiny), metrics=["mse"], device="cpu")
    assert build_leaderboard([run]).protocol["id"] == run.record.protocol["id"]
    run.record = replace(run.record, protocol={**run.record.protocol, "task.score_from": 0})
    with pytest.raises(ProtocolError, match="but what it records of it has the id"):
        build_leaderboard([run])


def test_runs_of_other_devices_or_numbers_of_threads_are_said_to_differ(made_run):
    runs = [made_run({"a": clips([1.0])}, device="cpu"), made_run({"b": clips([1.0])}, device="cuda:0"), made_run({"c": clips([1.0])})]
    for run, threads in zip(runs, (1, 2, None), strict=True):
        run.record = replace(run.record, machine={"threads": threads})
    said = [text for text in build_leaderboard(runs).warnings if "last bits" in text]
    assert [text.partition(", which")[0] for text in said] == [
        "The runs differ in device (cpu, cuda:0)",
        "The runs differ in number of torch threads (1, 2)",
    ]
    assert not any("last bits" in text for text in build_leaderboard(runs[:1]).warnings)


def test_an_evaluation_records_the_number_of_threads(tiny):
    run = evaluate(["copy-first"], protocol=str(tiny), metrics=["mse"], device="cpu")
    assert run.record.machine["threads"] == torch.get_num_threads()
