"""Rows of real clips stand in the table, marked and behind the others, and change nothing about them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from vgbench.leaderboard.headline import headline
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.report import csv as csv_format, markdown

RNG = np.random.default_rng(0)


@pytest.fixture
def with_reference(made_run):
    """A run of rows, those called real being of real clips."""

    def make(rows):
        run = made_run(rows)
        marked = [replace(row, is_reference=row.label.startswith("real")) for row in run.record.rows]
        run.record = replace(run.record, rows=tuple(marked))
        return run

    return make


def clips(mean, noise, frames=2):
    return [[{"psnr@frame": [mean + one] * frames}] for one in noise]


@pytest.fixture
def rows():
    noise = RNG.normal(0, 0.05, 12)
    return {"good": clips(24.125, noise), "same": clips(24.125, -noise), "bad": clips(20.0, noise)}


def test_they_are_behind_the_others_and_neither_best_nor_tied(with_reference, rows):
    real = {"real": [[{"psnr@frame": [100.0, 100.0]}]] * 12}
    table = build_leaderboard([with_reference(real | rows)])
    assert [(row.label, row.is_reference) for row in table.rows][-1] == ("real", True)
    assert {row.label: row.scores["psnr@frame"].tied_with_best for row in table.rows} == {
        **{"good": True, "same": True, "bad": False},
        "real": None,
    }
    without = build_leaderboard([with_reference(rows)])
    numbers = {record["generator"]: record for record in without.records()}
    for record in table.records():
        if record["generator"] != "real":
            assert record | {"run": None} == numbers[record["generator"]] | {"run": None}


def test_a_bad_one_is_behind_the_others_too(with_reference, rows):
    table = build_leaderboard([with_reference({"real:other": clips(9.0, [0.0] * 12)} | rows)])
    assert table.rows[-1].label == "real:other"
    assert table.rows[-1].scores["psnr@frame"].tied_with_best is None


def test_they_are_marked_in_every_format_and_never_bold(with_reference, rows, capsys):
    from rich.console import Console

    from vgbench.cli.terminal import print_leaderboard

    table = build_leaderboard([with_reference({"real": clips(100.0, [0.0] * 12)} | rows)])
    text = markdown.render(table)
    assert "| real (reference) | – | 100.00 [100.00, 100.00] |" in text, "decimals are those of the ranked rows"
    assert "| 24.1" in text
    assert "(reference): was shown the real clips" in text
    marks = {line["generator"]: line["is_reference"] for line in csv.DictReader(io.StringIO(csv_format.render(table)))}
    assert marks == {"real": "True", "good": "False", "same": "False", "bad": "False"}
    print_leaderboard(Console(width=80, force_terminal=True), table)
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if "real (reference)" in line]
    assert "\x1b[1m" not in line
    assert any("\x1b[1m" in line for line in lines if "good" in line)
    assert "(reference)" not in markdown.render(build_leaderboard([with_reference(rows)]))


def test_a_table_of_them_alone_has_no_best(with_reference):
    run = with_reference({"real": clips(100.0, [0.0] * 8), "real:other": clips(9.0, [0.0] * 8)})
    table = build_leaderboard([run])
    assert [row.scores["psnr@frame"].tied_with_best for row in table.rows] == [None, None]
    assert "| real (reference) | 100.0 " in markdown.render(table)
    assert headline(run) is None


def test_the_headline_is_of_a_ranked_row(with_reference, rows):
    assert headline(with_reference({"real": clips(100.0, [0.0] * 12)} | rows)).startswith(("good psnr@frame 24.1", "same psnr@frame 24.1"))


def test_what_equals_real_clips_in_every_bit_is_a_row_of_its_own(vgbench, tiny):
    assert vgbench("generate", "real", "--protocol", tiny, "--out", "stored").status == 0
    ran = vgbench("eval", "--protocol", tiny, "--generators", "real", "--generated", "mine=stored", "--metrics", "mse", "--json")
    assert [(row["generator"], row["is_reference"], row["aliases"]) for row in ran.json()["rows"]] == [
        ("mine", False, []),
        ("real", True, []),
    ]
