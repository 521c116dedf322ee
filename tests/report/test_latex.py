"""A LaTeX table that compiles, whatever a label holds, and is bold where the test supports it."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.report.latex import escaped, render

HOSTILE = ["a&b_c%", r"\input{/etc/passwd}", "${x}^2~#", "naïve ćwir", "你好", "<b>|\"'`", "10×"]


@pytest.fixture
def table(made_run):
    noise = np.random.default_rng(0).normal(size=(3, 20)) * 0.1

    def rows(levels):
        named = zip(levels, noise, strict=True)
        return build_leaderboard([made_run({label: [[{"mse@mean": [level + one]}] for one in row] for (label, level), row in named})])

    return rows


def test_the_best_are_bold_where_another_row_is_told_apart(table):
    text = render(table([("one", 1.0), ("other", 1.0), ("far", 5.0)]))
    lines = {line.split(" & ")[0].strip(): line for line in text.splitlines() if " & " in line}
    assert [r"\textbf{" in lines[name] for name in ("one", "other", "far")] == [True, True, False]
    assert r"\texttt{mse@mean} $\downarrow$" in lines["generator"]
    assert "rank" in lines["generator"]
    assert "Bold type marks the best of a column" in text
    assert lines["far"].split(" & ")[1] == "3"
    assert re.search(r"\{\\scriptsize \[4\.\d+, 5\.\d+\]\}", lines["far"])


def test_where_no_row_is_told_apart_none_is_bold(table):
    assert r"\textbf" not in render(table([("one", 1.0), ("other", 1.0), ("third", 1.01)]))


def test_text_cannot_leave_its_cell():
    assert escaped(r"\input{x}&y") == r"\textbackslash{}input\{x\}\&y"
    assert escaped("a\n\\\\b\t%") == r"a \textbackslash{}\textbackslash{}b \%"
    assert escaped("你") == r"\texttt{U+4F60}"


@given(st.text())
def test_every_text_is_of_characters_that_pdflatex_knows_and_of_no_open_command(text):
    found = escaped(text)
    assert "\n" not in found
    assert all(one.isascii() or ord(one) < 0x180 for one in found)
    bare = re.sub(r"\\(?:[{}$&#%_]|textbackslash\{\}|[a-z]+\{\}|texttt\{U\+[0-9A-F]+\}|(?:[a-z]+))", "", found)
    assert not set("&#%_{}\\") & set(bare)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_compiles_it_whatever_labels_hold(made_run, tmp_path):
    def clips(place):
        return [[{"mse@mean": [1.0 + place + source], "psnr@frame": [20.0 + source]}] for source in range(8)]

    rows = {label: clips(place) for place, label in enumerate(HOSTILE)}
    document = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\begin{document}" + "\n"
    (tmp_path / "table.tex").write_text(document + render(build_leaderboard([made_run(rows)])) + r"\end{document}")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "table.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 5000


@settings(max_examples=5)
@given(st.sampled_from(HOSTILE))
def test_a_hostile_label_is_one_cell(label):
    assert " & " not in escaped(label)
