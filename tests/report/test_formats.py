"""Every format writes the same leaderboard, and what a label holds cannot break it."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.report import cells, csv as csv_format, json as json_format, markdown


@pytest.fixture
def leaderboard(made_run):
    def row(shift: float) -> list[list[dict[str, list[float]]]]:
        return [[{"psnr@frame": [20.0 + shift + source, 22.0 + source], "mse@mean": [0.1, math.nan]}] for source in range(3)]

    return build_leaderboard([made_run({"a|b <i>": row(0), "plain": row(1)})])


def test_csv_has_one_line_a_row_and_metric_with_all_digits(leaderboard):
    lines = list(csv.DictReader(io.StringIO(csv_format.render(leaderboard))))
    assert [(line["generator"], line["metric"]) for line in lines] == [
        *(("plain", "psnr@frame"), ("plain", "mse@mean")),
        *(("a|b <i>", "psnr@frame"), ("a|b <i>", "mse@mean")),
    ]
    assert float(lines[0]["value"]) == pytest.approx(22.5, abs=1e-12)
    assert lines[1]["value"] == ""  # NaN
    assert {line["protocol_id"] for line in lines} == {"1"}


def test_json_names_no_number_that_is_not_finite(leaderboard):
    found = json.loads(json_format.render(leaderboard, per_frame=True), parse_constant=pytest.fail)
    first, second = found["rows"][:2]
    assert first["per_frame"] == pytest.approx([22.0, 23.0])
    assert second["value"] is None
    assert second["non_finite"] == 3
    assert found["protocol"]["id"] == "1"
    assert found["run"] == found["runs"][0]


def test_markdown_keeps_its_table_whatever_a_label_holds(leaderboard):
    text = markdown.render(leaderboard)
    header, rule, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert header == "| generator | psnr@frame, dB ↑ | mse@mean ↓ | parameters | s/clip |"
    assert rule.count("---") == 5
    assert len(rows) == 2
    assert rows[0].startswith("| plain | 22.50 |"), "no interval from three sources"
    assert "| not finite |" in rows[0]
    assert rows[1].startswith("| a\\|b &lt;i> |")
    assert "Protocol made, id 1. 3 clips, 6 frames scored, 3 source videos." in text
    assert "Frames before frame 1 are given" in text
    assert "- Only 3 source videos" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (0.001234, "0.0012"), (0.5, "0.5"), (12.34, "12"), (99.99, "100"), (123.4, "123")]
)
def test_durations_have_two_digits(seconds, text):
    assert cells.duration(seconds) == text


@pytest.mark.parametrize(("value", "places", "text"), [(None, 2, "–"), (math.inf, 2, "not finite"), (1.005, 1, "1.0"), (-0.5, 3, "-0.500")])
def test_numbers_have_the_decimals_of_their_column(value, places, text):
    assert cells.number(value, places) == text


LABEL = "=1+1 [red]*b*[/red] `c` [d](http://e)"


def test_a_label_is_text_in_every_format(made_run, capsys):
    from rich.console import Console

    from vgbench.cli.terminal import print_leaderboard

    board = build_leaderboard([made_run({LABEL: [[{"mse@mean": [1.0]}]]})])
    (line,) = csv.DictReader(io.StringIO(csv_format.render(board)))
    assert line["generator"] == f"'{LABEL}"
    assert "| =1+1 \\[red\\]\\*b\\*\\[/red\\] \\`c\\` \\[d\\](http://e) |" in markdown.render(board)
    assert json.loads(json_format.render(board))["rows"][0]["generator"] == LABEL
    print_leaderboard(Console(width=200), board, per_frame=False)
    assert LABEL in capsys.readouterr().out
