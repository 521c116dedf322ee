"""Commands that messages suggest do what they say, for the call that was made."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from vgbench.cli.suggestion import command_line
from vgbench.errors import RunError
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.runs.run import EvalRun, TrainRun, find_runs
from vgbench.training import loop
from vgbench.training.interruption import Interruption

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)


@given(name=TEXTS, folder=TEXTS, option=TEXTS)
def test_a_shell_takes_the_command_as_it_was_meant(name, folder, option):
    line = command_line("eval", protocol=option, data={name: Path(folder)}, runs=Path("else where"), limit=None)
    assert shlex.split(line) == ["vgbench", "eval", "--protocol", option, "--data", f"{name}={Path(folder)}", "--runs", "else where"]


def suggested(text: str, after: str) -> list[str]:
    """The arguments of the command behind a phrase."""
    (line,) = re.findall(rf"{re.escape(after)}(vgbench .*)", text)
    return shlex.split(line)[1:]


TRAIN = ("train", "mdgan", "--preset", "tiny", "--steps", "4", "--seed", "0", "--device", "cpu", "--runs", "my runs")


def test_scoring_as_suggested_after_a_training_has_its_rows(vgbench, tiny):
    trained = vgbench(*TRAIN, "--protocol", tiny)
    assert trained.status == 0
    scored = vgbench(*suggested(trained.out, "Score it with: "), "--metrics", "mse", "--json")
    assert scored.status == 0
    assert {"mdgan", "mdgan:base"} <= {row["generator"] for row in scored.json()["rows"]}


def test_an_interrupted_training_goes_on_as_suggested(vgbench, tiny, monkeypatch):
    class AtOnce(Interruption):
        def __init__(self):
            super().__init__()
            self.requested = True

    with monkeypatch.context() as patched:
        patched.setattr(loop, "Interruption", AtOnce)
        stopped = vgbench(*TRAIN, "--protocol", tiny)
    assert stopped.status == 130
    assert vgbench(*suggested(stopped.err, "Resume with: ")).status == 0
    (run,) = find_runs(Path("my runs"), TrainRun)
    assert run.record.status == "done"


def test_an_interrupted_evaluation_goes_on_as_suggested_by_its_report(vgbench, tiny, monkeypatch):
    arguments = ["eval", "--protocol", str(tiny), "--generators", "copy-first,noise", "--metrics", "mse", "--batch-size", "2"]
    monkeypatch.setattr(sys, "argv", ["/usr/bin/vgbench", *arguments])
    with monkeypatch.context() as patched:

        def stop(*_):
            raise KeyboardInterrupt

        patched.setattr("vgbench.evaluation.evaluation.Evaluation._progress", stop)
        assert vgbench(*arguments).status == 130
    (run,) = find_runs(Path("runs"), EvalRun)
    refused = vgbench("report", run.path)
    assert refused.status == 1
    assert vgbench(*suggested(refused.err.removesuffix(".\n"), "finish it with ")).status == 0
    (run,) = find_runs(Path("runs"), EvalRun)
    assert run.record.status == "done"
    assert vgbench("report", run.path).status == 0


def test_a_training_as_suggested_where_a_run_is_missing_makes_the_row(vgbench, tiny):
    arguments = ("eval", "--protocol", tiny, "--generators", "mdgan,copy-first", "--metrics", "mse", "--runs", "other", "--json")
    missing = vgbench(*arguments)
    assert missing.status == 1
    words = suggested(missing.err.splitlines()[-1], "Train one: ")
    assert words == ["train", "mdgan", "--protocol", str(tiny), "--runs", "other"]
    assert vgbench(*words, "--preset", "tiny", "--steps", "2", "--device", "cpu").status == 0
    assert {row["generator"] for row in vgbench(*arguments).json()["rows"]} == {"mdgan", "copy-first"}


def test_no_pairs_are_no_suggestion(vgbench, folder):
    clip = np.zeros((2, 8, 8, 3), np.uint8)
    for side, names in (("made", "ab"), ("real", "cd")):
        for name in names:
            (folder / side / name).mkdir(parents=True)
            for number, frame in enumerate(clip):
                Image.fromarray(frame).save(folder / side / name / f"{number}.png")
    ran = vgbench("eval", "--generated", "made", "--reference", "real")
    assert ran.status == 1
    assert "pairs there are" not in ran.err
    assert "No clip of made has a partner in real" in ran.err
    assert "a: no reference in real" in ran.err


def test_a_byte_order_mark_is_no_part_of_a_protocol(vgbench, tiny):
    plain = vgbench("protocol", "show", tiny).out
    tiny.write_bytes(b"\xef\xbb\xbf" + tiny.read_bytes())
    marked = vgbench("protocol", "show", tiny)
    assert marked.status == 0
    assert marked.out == plain


def test_the_demo_takes_what_it_suggests(vgbench, tiny):
    assert vgbench("demo", "--protocol", tiny, "--preset", "tiny", "--max-minutes", "0.01", "--limit", "2").status == 0
    assert vgbench("demo", "--protocol", tiny, "--preset", "huge").status == 1


@pytest.mark.parametrize("form", [("--resume", "old"), ("--resume=old",)])
def test_a_second_resumption_names_the_run_once(made_run, form):
    run = made_run({"a": [[{"mse@mean": [1.0]}]]}, status="interrupted", asked=())
    run.record = replace(run.record, argv=("vgbench", "eval", *form, "--metrics", "mse"))
    with pytest.raises(RunError, match=f"finish it with vgbench eval --metrics mse --resume {run.path}"):
        build_leaderboard([run])
