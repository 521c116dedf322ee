"""Published numbers in every format: beside the rows, and never among them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from vgbench.leaderboard.published import published_numbers
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.protocol import load_protocol
from vgbench.report import csv as csv_format, json as json_format, markdown
from vgbench.report.published import published_lines, published_metrics

MNIST, MDGAN = "moving-mnist-10to10-published", "sky-timelapse-128x32-first-window"


@pytest.fixture
def run_of(made_run):
    """A run under a protocol that is shipped, by some metric."""

    def make(name, metric="mse@sum", **changed):
        protocol = {"id": "1", "name": name, **load_protocol(name).compared(), **changed}
        rows = {label: [[{metric: [value + source, value]}] for source in range(8)] for label, value in (("good", 10.0), ("bad", 400.0))}
        return made_run(rows, protocol=protocol)

    return make


@pytest.fixture
def board(run_of):
    def make(*arguments, **changed):
        leaderboard = build_leaderboard([run_of(*arguments, **changed)])
        return replace(leaderboard, published=published_numbers(leaderboard.protocol))

    return make


def test_nothing_about_the_measured_rows_changes(board):
    with_them = board(MNIST)
    without = replace(with_them, published=())
    assert with_them.records() == without.records()
    assert json.loads(json_format.render(with_them))["rows"] == json.loads(json_format.render(without))["rows"]
    assert markdown.render(with_them).startswith(markdown.render(without).rstrip("\n"))
    assert [row.label for row in with_them.rows] == ["good", "bad"]


def test_json_has_them_in_a_field_of_their_own_and_only_if_asked(board):
    table = board(MNIST)
    found = json.loads(json_format.render(table))["published"]
    assert len(found) == len(table.published)
    assert found[1] == {
        "method": "ConvLSTM",
        "metric": "mse@sum",
        "value": 29.8,
        "epochs": 200,
        "source": found[1]["source"],
        "checked": True,
        "note": "",
        "n_clips": 10000,
    }
    assert "OpenSTL" in found[1]["source"]
    assert "published" not in json.loads(json_format.render(replace(table, published=())))


def test_csv_has_them_in_columns_of_their_own(board):
    table = board(MNIST)
    lines = list(csv.DictReader(io.StringIO(csv_format.render(table))))
    measured, published = lines[:2], lines[2:]
    assert {line["published_method"] for line in measured} == {""}
    plain = list(csv.DictReader(io.StringIO(csv_format.render(replace(table, published=())))))
    assert [{key: line[key] for key in plain[0]} for line in measured] == plain, "to the digit"
    assert len(published) == len(table.published)
    own = {"protocol", "protocol_id", *(key for key in published[0] if key.startswith("published_"))}
    assert all(not line[key] for line in published for key in line.keys() - own)
    assert (published[1]["published_value"], published[1]["published_epochs"]) == ("29.8", "200")
    assert published[0]["published_epochs"] == ""


def test_markdown_has_a_second_table_with_the_digits_that_are_printed(board):
    first, second = markdown.render(board(MNIST)).split("Published, not run here: no intervals, not ranked, and compared with no row.")
    assert "ConvLSTM" not in first
    assert "| method | mse@sum | mae@sum | ssim@openstl | psnr@frame | epochs | source |" in second
    assert "| ConvLSTM | 103.3 | – | – | – | not stated | \\[1\\] |" in second
    assert "| ConvLSTM | 29.80 | 90.64 | 0.9288 | 22.10 | 200 | \\[2\\] |" in second
    assert "| ConvLSTM | 22.41 | 73.07 | 0.9480 | 23.54 | 2,000 | \\[2\\] |" in second
    assert "≈" not in second
    assert "; copied from an earlier paper, epochs not stated; not checked against the source." in second


def test_the_tables_own_metrics_stand_first(board):
    assert published_metrics(board(MNIST, "ssim@openstl"))[0] == "ssim@openstl"


def test_where_no_column_is_shared_the_metrics_to_ask_for_are_named(board):
    (line,) = [line for line in published_lines(board(MNIST, "lpips@alex")) if "No column" in line]
    assert line.endswith("--metrics mse@sum,mae@sum,ssim@openstl,psnr@frame evaluates by those.")
    assert not [line for line in published_lines(board(MNIST)) if "No column" in line]


def test_where_the_definition_is_not_known_no_column_compares(board):
    lines = published_lines(board(MDGAN, "mse@mean"))
    assert lines[0] == "By which definitions of mse, psnr, ssim they were computed is not known, so no column compares with them."
    assert "recalled, unverified" in lines[-1]


def test_another_number_of_clips_is_said(board, made_run):
    assert published_lines(board(MNIST))[0] == "They are over 10,000 test clips, and the table is over 8."
    assert published_lines(board(MDGAN, "mse@mean", limit=8))[1] == "They are over all test clips, and the table is over 8."
    whole = board(MNIST)
    whole = replace(whole, published=[replace(number, clips=8) for number in whole.published])
    assert not [line for line in published_lines(whole) if line.startswith("They are over")]


@pytest.mark.parametrize("columns", [80, 120])
def test_the_terminal_shows_them_below_the_table(run_of, vgbench, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    run = run_of(MNIST)
    ran = vgbench("report", run.path, "--published")
    assert ran.status == 0
    first, second = ran.out.split("Published, not run here")
    assert "ConvLSTM" not in first
    rows = [line.split() for line in second.splitlines() if line.strip().startswith("ConvLSTM")]
    assert rows[1] == ["ConvLSTM", "29.80", "90.64", "0.9288", "22.10", "200", "[2]"]
    assert max(map(len, second.split("[1]")[0].splitlines())) <= columns
    assert "ConvLSTM" not in vgbench("report", run.path).out


@pytest.mark.parametrize("form", ["terminal", "markdown", "csv", "json"])
def test_asked_for_where_nothing_is_published_the_table_stands_and_the_status_says_so(made_run, vgbench, form):
    run = made_run({"good": [[{"mse@mean": [1.0]}]]})
    plain = vgbench("report", run.path, "--format", form)
    ran = vgbench("report", run.path, "--format", form, "--published")
    assert (plain.status, ran.status) == (0, 1)
    assert ran.out == plain.out
    assert "Error: Nothing that vgbench knows of is published for what protocol made compares." in ran.err
