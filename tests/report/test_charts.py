"""Charts hold the table's numbers, and say what cannot be drawn."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("vl_convert", reason="vl-convert is not installed")

from vgbench.runs.log import Logbook


def drawn(path: Path) -> list[dict]:
    """The data behind an HTML chart: every point of every panel."""
    text = path.read_text()
    place = re.search(r'"datasets":\s*', text).end()
    datasets, _ = json.JSONDecoder().raw_decode(text, place)
    return [point for points in datasets.values() for point in points]


@pytest.fixture
def evaluated(vgbench, tiny):
    assert vgbench("eval", "--protocol", tiny, "--generators", "copy-first,noise", "--metrics", "mse,motion-ratio").status == 0
    return vgbench


def test_curves_are_the_means_at_each_frame(evaluated, folder):
    table = evaluated("report", "--json", "--per-frame").json()
    assert evaluated("plot", "curves", "-o", "curves.html", "--metrics", "mse").status == 0
    points = drawn(folder / "curves.html")
    for row in table["rows"]:
        if row["metric"] == "mse@mean":
            found = [(point["frame"], point["value"]) for point in points if point["row"] == row["generator"]]
            assert found == list(enumerate(row["per_frame"], start=row["first_frame"]))


def test_bars_have_the_values_and_their_intervals(evaluated, folder):
    table = evaluated("report", "--json").json()
    assert evaluated("plot", "bars", "-o", "bars.html", "--rows", "noise").status == 0
    points = {(point["value"], point["low"], point["high"]) for point in drawn(folder / "bars.html")}
    assert points == {(row["value"], row["ci_low"], row["ci_high"]) for row in table["rows"] if row["generator"] == "noise"}


def test_a_scatter_has_every_clip_and_counts_who_is_better(evaluated, folder):
    ran = evaluated("plot", "scatter", "copy-first", "noise", "-o", "scatter.html")
    assert ran.status == 0
    points = [point for point in drawn(folder / "scatter.html") if "clip" in point]
    assert len(points) == 10
    assert all(point["better"] == "copy-first" and point["first"] < point["second"] for point in points)
    assert "better: copy-first on 10, noise on 0" in (folder / "scatter.html").read_text()
    lines = [json.loads(line) for line in next(folder.glob("runs/*/scores.jsonl")).read_text().splitlines()]
    expected = {line["clip_id"]: sum(values := line["scores"]["mse@mean"]) / len(values) for line in lines if line["generator"] == "noise"}
    assert {point["clip"]: point["second"] for point in points} == pytest.approx(expected)


def test_a_training_is_drawn_term_by_term(vgbench, tiny, folder):
    assert vgbench("train", "mdgan", "--protocol", tiny, "--preset", "tiny", "--steps", 4, "--seed", 0).status == 0
    assert vgbench("plot", "training", "latest", "-o", "training.html", "--terms", "content,rank").status == 0
    points = drawn(folder / "training.html")
    assert {(point["term"], point["stage"]) for point in points} == {("content", "base"), ("content", "refine"), ("rank", "refine")}
    ran = vgbench("plot", "training", "latest", "-o", "training.html", "--terms", "contnt")
    assert ran.status == 1
    assert "Unknown term 'contnt'" in ran.err
    assert "Did you mean content?" in ran.err


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_each_kind_of_file_is_what_its_suffix_says(evaluated, folder, suffix):
    assert evaluated("plot", "bars", "-o", f"bars.{suffix}").status == 0
    beginning = {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}[suffix]
    assert (folder / f"bars.{suffix}").read_bytes().startswith(beginning)


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["curves", "-o", "a.jpg"], 1, "a.jpg: a plot is one of .png, .svg, .pdf, .html."),
        (["curves", "-o", "a.png", "--metrics", "psnr"], 1, "Unknown metric of the table 'psnr@frame'"),
        (["bars", "-o", "a.png", "--rows", "nois"], 1, "Unknown row of the table 'nois'. Did you mean noise?"),
        (
            ["curves", "-o", "a.png", "--metrics", "motion-ratio"],
            1,
            "a clip of 7 frames has 1 values",
        ),
        (["scatter", "copy-first", "linear", "-o", "a.png"], 1, "Unknown row of the table 'linear'"),
        (["scatter", "copy-first", "noise", "-o", "a.png", "--metric", "psnr"], 1, "was not evaluated with psnr@frame"),
        (["scatter", "copy-first", "noise", "-o", "a.png", "--metric", "fvd"], 1, "fvd@i3d compares sets of clips"),
        (["bars", "-o", "missing/a.png"], 1, "missing/a.png cannot be written: No such file or directory."),
        (["bars"], 2, "Missing option '--out'"),
    ],
)
def test_what_cannot_be_drawn_is_said(evaluated, folder, arguments, status, sentence):
    ran = evaluated("plot", *arguments)
    assert (ran.status, sentence in ran.err) == (status, True), ran.err
    assert not list(folder.glob("a.*"))


def test_an_empty_log_is_said(vgbench, tiny, folder):
    assert vgbench("train", "mdgan", "--protocol", tiny, "--preset", "tiny", "--steps", 2, "--seed", 0).status == 0
    (run,) = (folder / "runs").iterdir()
    (run / "log.jsonl").write_text("")
    ran = vgbench("plot", "training", "latest", "-o", "a.png")
    assert (ran.status, "its log has no number to draw" in ran.err) == (1, True)
    with Logbook(run) as book:
        book.write({"step": 1, "losses": {"content": float("nan")}})
    assert vgbench("plot", "training", "latest", "-o", "a.png").status == 1


def test_listing_the_commands_draws_nothing():
    code = "import sys; from vgbench.__main__ import main; main(['plot', '--help']); assert 'altair' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
