"""The commands, as a user types them."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest


@pytest.fixture
def scored(vgbench, tiny):
    ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-first,noise,train-mean", "--metrics", "mse,psnr,ssim", "--json")
    assert ran.status == 0
    return ran.json()


def test_json_has_what_leaderboards_rely_on(scored):
    assert {"protocol", "rows", "warnings", "run"} <= set(scored)
    assert {"id", "name"} <= set(scored["protocol"])
    assert len(scored["protocol"]["id"]) == 16
    row = scored["rows"][0]
    assert {"generator", "metric", "value", "ci_low", "ci_high", "n_clips", "n_frames", "better"} <= set(row)
    assert {row["metric"] for row in scored["rows"]} == {"mse@mean", "psnr@frame", "ssim@wang"}
    assert {(row["n_clips"], row["n_frames"]) for row in scored["rows"]} == {(10, 70)}
    assert all(row["ci_low"] < row["value"] < row["ci_high"] for row in scored["rows"])
    assert Path(scored["run"], "scores.jsonl").is_file()


def test_rows_are_ranked_by_the_first_metric(scored):
    values = [row["value"] for row in scored["rows"] if row["metric"] == "mse@mean"]
    assert values == sorted(values)
    assert scored["rows"][-1]["generator"] == "noise"


def test_results_go_to_stdout_and_notes_to_stderr(vgbench, tiny):
    ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-first,linear", "--metrics", "psnr")
    assert "linear is left out" in ran.err
    assert "linear" not in ran.out
    assert "psnr@frame" in ran.out
    assert "Only 5 source videos: where scores are skewed, 95 % intervals over fewer than 20" in ran.err


def test_every_format_reports_the_same_numbers(vgbench, scored):
    records = {(row["generator"], row["metric"]): row["value"] for row in scored["rows"]}
    assert json.loads(vgbench("report", "--format", "json").out)["rows"] == scored["rows"]
    table = list(csv.DictReader(io.StringIO(vgbench("report", "--format", "csv").out)))
    assert {(row["generator"], row["metric"]): float(row["value"]) for row in table} == records
    assert {row["protocol_id"] for row in table} == {scored["protocol"]["id"]}
    markdown = vgbench("report", "--format", "markdown").out
    terminal = vgbench("report").out
    for (generator, metric), value in records.items():
        if metric == "psnr@frame":
            assert f"{value:.2f}" in markdown
            assert f"{value:.2f}" in terminal
        assert generator in markdown
    assert scored["protocol"]["id"] in markdown


def test_a_report_goes_to_a_file(vgbench, scored):
    ran = vgbench("report", Path(scored["run"]).name, "--format", "markdown", "--out", "table.md")
    assert ran.status == 0
    assert Path("table.md").read_text().startswith("| generator | mse@mean ↓ | psnr@frame, dB ↑ | ssim@wang ↑ | parameters | s/clip |")
    for name, format_name in (("by-suffix.md", "markdown"), ("by-suffix.csv", "csv"), ("by-suffix.json", "json")):
        assert vgbench("report", Path(scored["run"]).name, "--out", name).status == 0
        assert Path(name).read_text() == vgbench("report", Path(scored["run"]).name, "--format", format_name).out
    ran = vgbench("report", "--out", "x.txt")
    advice = "no format writes '.txt' files; name one with --format, or use .md (markdown), .csv (csv), .tex (latex), .html (html), .json"
    assert ran.status == 2
    assert advice in " ".join(ran.err.split())
    assert vgbench("report", "--format", "csv", "--per-frame").status == 2


def test_runs_of_one_protocol_share_a_table_and_others_are_refused(vgbench, tiny, scored):
    again = vgbench("eval", "--protocol", tiny, "--generators", "copy-last", "--metrics", "mse,psnr", "--json").json()
    merged = vgbench("report", scored["run"], again["run"], "--format", "json").json()
    # With one context frame, copying the first and the last are one: a row whose columns come from both runs.
    assert {row["generator"] for row in merged["rows"]} == {"copy-first", "noise", "train-mean"}
    assert {row["generator"]: row["aliases"] for row in merged["rows"]}["copy-first"] == ["copy-last"]
    of_both = [row["metric"] for row in merged["rows"] if row["generator"] == "copy-first"]
    assert {"mse@mean", "psnr@frame"} <= set(of_both)
    assert len(of_both) == len(set(of_both))
    limited = vgbench("eval", "--protocol", tiny, "--generators", "copy-last", "--metrics", "mse", "--limit", 3, "--json").json()
    ran = vgbench("report", scored["run"], limited["run"])
    assert ran.status == 1
    assert "cannot share a table" in ran.err
    assert "limit: None against 3" in ran.err


def test_per_frame_gives_a_curve(vgbench, tiny):
    ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-first", "--metrics", "mse", "--json", "--per-frame")
    (row,) = ran.json()["rows"]
    assert len(row["per_frame"]) == 7
    assert sum(row["per_frame"]) / 7 == pytest.approx(row["value"])
    shown = vgbench("report", "--per-frame").out
    assert "mse@mean as measured at each frame" in shown
    assert shown.count("0.0") >= 7


def test_the_default_evaluation_of_an_empty_folder_prints_the_baselines(vgbench):
    ran = vgbench("eval", "--metrics", "mse,psnr,ssim", "--limit", 3, "--generators", "copy-first,copy-last,noise")
    assert ran.status == 0
    assert "synthetic-sky-64x16" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("eval --metrics psnrr", "Unknown metric 'psnrr'. Did you mean psnr"),
        ("eval --metrics PSNR", "Unknown metric 'PSNR'. Did you mean psnr?"),
        ("eval --metrics SSIM@Wang", "Unknown metric 'SSIM@Wang'. Did you mean ssim@wang?"),
        ("train MDGAN", "Unknown generator 'MDGAN'. Did you mean mdgan?"),
        ("train mdgan --set LR=1", "Did you mean lr?"),
        ("eval --generators copylast", "Unknown generator 'copylast'. Did you mean copy-last?"),
        ("eval --protocol synthetic-sky", "Unknown protocol 'synthetic-sky'."),
        ("eval --protocol mine.toml", "mine.toml cannot be read: No such file or directory."),
        ("eval --as opnstl", "Unknown peer 'opnstl'. Did you mean openstl?"),
        ("eval --data sky=/x", "Unknown data set 'sky'."),
        ("train mdgann", "Unknown generator 'mdgann'. Did you mean mdgan?"),
        ("train mdgan --preset smal", "Unknown preset of mdgan 'smal'. Did you mean small?"),
        ("train mdgan --set widht=3", "Did you mean width?"),
        ("train mdgan --resume latest", "There is no train run in runs."),
        ("train mdgan --protocol sky-timelapse-64x16", "--data sky-timelapse=DIR"),
        ("report", "There is no eval run in runs."),
        ("report x", "There is no run 'x', neither as a folder nor in runs."),
        ("explain ssimm", "Unknown name 'ssimm'. Did you mean ssim?"),
        ("generate linear --out x", "No generator is left"),
    ],
)
def test_what_the_user_can_mend_is_one_message_and_exit_1(vgbench, arguments, message):
    ran = vgbench(*arguments.split())
    assert ran.status == 1
    assert message in ran.err
    assert ran.err.startswith("Error: ")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        "eval --nonsense",
        "list nothing",
        "train",
        "eval --data x",
        "train mdgan --resume latest --max-minutes 3",
        "eval --batch-size 0",
        "eval --metrics ,",
    ],
)
def test_wrong_usage_is_exit_2(vgbench, arguments):
    assert vgbench(*arguments.split()).status == 2


def test_explain_says_what_a_name_means_and_which_others_go_by_it(vgbench):
    shown = vgbench("explain", "ssim").out
    assert shown.startswith("ssim@wang: ")
    assert "11×11 Gaussian" in shown
    assert "ssim@openstl" in shown
    assert "ssim@openstl" not in vgbench("explain", "ssim@wang").out
    assert "arXiv:1709.07592" in vgbench("explain", "mdgan").out
    assert "train_sources = 512" in vgbench("explain", "synthetic-sky").out
    assert 'split = "test"' in vgbench("explain", "synthetic-sky-64x16").out


def test_lists_show_what_is_installed(vgbench, scored):
    assert "copy-first" in vgbench("list", "generators").out
    assert {entry["name"] for entry in vgbench("list", "datasets", "--json").json()} >= {"synthetic-sky", "video-folder", "sky-timelapse"}
    metrics = {entry["id"]: entry for entry in vgbench("list", "metrics", "--json").json()}
    assert metrics["psnr@frame"]["means"] == "psnr"
    assert metrics["psnr@video"]["means"] == "–"
    (run,) = vgbench("list", "runs", "--json").json()
    assert (run["verb"], run["status"], run["protocol"]) == ("eval", "done", "tiny")
    assert run["what"].startswith("copy-first, noise, train-mean: mse@mean, ")


def test_a_list_of_trainings_tells_them_apart(vgbench, tiny):
    for seed, changed in ((3, ()), (4, ("--set", "lr=0.01", "--set", "rank_discriminator=none"))):
        vgbench("train", "mdgan", "--protocol", tiny, "--preset", "tiny", "--steps", 2, "--seed", seed, "--device", "cpu", *changed)
    second, first = vgbench("list", "runs", "--json").json()
    assert first["what"] == "seed 3, tiny"
    assert second["what"] == "seed 4, tiny, rank_discriminator=none, lr=0.01"
    assert first["steps"] == "2"
    assert first["seconds"].isdecimal()


def test_protocol_show_prints_a_file_that_can_be_used_again(vgbench, tiny, folder):
    shown = vgbench("protocol", "show", tiny)
    (folder / "copy.toml").write_text(shown.out)
    assert vgbench("protocol", "diff", tiny, "copy.toml").out == ""
    first, second = (vgbench("protocol", "show", name, "--json").json() for name in (tiny, "copy.toml"))
    assert first["id"] == second["id"]
    assert first["n_test_clips"] == 10
    assert "test.length: 16 against 32" in vgbench("protocol", "diff", "synthetic-sky-64x16", "synthetic-sky-128x32").out
    without_data = vgbench("protocol", "show", "sky-timelapse-128x32")
    assert without_data.status == 0
    assert "no id without the test data" in without_data.err


def test_a_dry_run_prints_the_plan_and_writes_nothing(vgbench, tiny):
    ran = vgbench("train", "mdgan", "--protocol", tiny, "--preset", "tiny", "--set", "lr=0.001", "--steps", 10, "--dry-run")
    assert ran.status == 0
    assert "lr = 0.001" in ran.out
    assert "# lr from --set" in ran.out
    assert not Path("runs").exists()


def test_train_and_generate_say_what_they_wrote(vgbench, tiny):
    ran = vgbench("train", "mdgan", "--protocol", tiny, "--preset", "tiny", "--steps", 2, "--seed", 0)
    assert ran.status == 0
    assert re.match(r"Done after 2 steps, [0-9.]+ s of training: runs/", ran.out)
    assert "Stage base, last losses: adversarial " in ran.out
    assert re.search(r"Preview of stage refine: runs/.*/clips/preview-refine-000002.mp4", ran.out)
    ran = vgbench("generate", "mdgan:base", "--protocol", tiny, "--out", "made", "--limit", 4)
    assert ran.out == "4 clips in made\n"
    assert len(list(Path("made").rglob("*.mkv"))) == 4
    ran = vgbench("generate", "mdgan:base", "--protocol", tiny, "--out", "made")
    assert ran.status == 1
    assert "made holds something already; give a new or empty folder." in ran.err


def test_the_demo_ends_with_a_table_of_mdgan_and_the_baselines(vgbench, tiny):
    ran = vgbench("demo", "--protocol", tiny, "--steps", 2, "--limit", 6)
    assert ran.status == 0
    for name in ("mdgan", "mdgan:base", "copy-first", "copy-last", "train-mean", "noise"):
        assert name in ran.out
    assert "(reference)" not in ran.out
    for line in ran.out.splitlines():
        if line.startswith("Preview"):
            assert Path(line.split(": ", 1)[1]).is_file()


def test_eval_and_report_take_the_same_forms(vgbench, tiny):
    asked = ("--protocol", tiny, "--generators", "copy-first", "--metrics", "mse")
    ran = vgbench("eval", *asked, "--json")
    assert vgbench("report", "--json").out == vgbench("report", "--format", "json").out == ran.out
    table = vgbench("report", "--format", "markdown").out
    assert vgbench("eval", *asked, "-o", "table.md").out == ""
    written = Path("table.md").read_text()
    assert [line.split(" | ")[:2] for line in written.splitlines()[:3]] == [line.split(" | ")[:2] for line in table.splitlines()[:3]]
    assert vgbench("eval", *asked, "--format", "csv").out.startswith("protocol,protocol_id,generator,")
    assert vgbench("report", "-o", "again.csv").status == 0
    assert Path("again.csv").exists()
    before = sorted(Path("runs").iterdir())
    for wrong, message in (
        (["--json", "--format", "csv"], "--json is --format json, and --format csv asks for another."),
        (["--out", "table.xyz"], "no format writes '.xyz' files"),
        (["--format", "terminal", "--out", "x"], "--out goes with a file format"),
        (["--format", "csv", "--per-frame"], "--per-frame goes with --format terminal or json, not with csv."),
        (["--format", "Latex"], "Unknown report format 'Latex'."),
    ):
        for command in (("eval", *asked), ("report",)):
            ran = vgbench(*command, *wrong)
            assert ran.status in (1, 2)
            assert message in ran.err
    assert sorted(Path("runs").iterdir()) == before  # refused before any work
