"""A plan says what is done, what would run and how long; what is wrong with a member costs that member alone."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from vgbench.errors import DataError, UnknownName
from vgbench.evaluation.evaluate import evaluate
from vgbench.suite.planning import Setup, SuitePlan, expected, plan_suite
from vgbench.training.train import train


def states(plan: SuitePlan) -> dict[str, str]:
    return {standing.job.name: standing.state for standing in plan.standings()}


def reason(plan: SuitePlan, job: str) -> str:
    return next(standing.reason for standing in plan.standings() if standing.job.name == job)


def test_what_was_trained_and_scored_by_hand_is_done(write_suite):
    path = write_suite()
    assert states(plan_suite(path, Setup())) == {
        "copy-first": "evaluate",
        "static": "evaluate",
        "mdgan/0": "train",
        "mdgan/1": "train",
    }
    trained = train("mdgan", protocol="tiny.toml", preset="tiny", steps=8, seed=1, device="cpu")
    evaluate([f"mine=mdgan@{trained.path}"], protocol="tiny.toml", metrics=["mse", "ssim", "psnr"])
    evaluate(["copy-first"], protocol="tiny.toml", metrics=["ssim", "mse"])
    plan = plan_suite(path, Setup())
    assert states(plan) == {"copy-first": "done", "static": "evaluate", "mdgan/0": "train", "mdgan/1": "done"}
    (left,) = [standing for standing in plan.standings() if standing.state == "train"]
    assert left.seconds == pytest.approx(sum(trained.record.elapsed.values()))
    assert states(plan_suite(write_suite('["mse", "ssim"]', '["mse", "mae"]'), Setup()))["mdgan/1"] == "evaluate"
    assert states(plan_suite(write_suite("steps = 8", "steps = 9"), Setup()))["mdgan/1"] == "train"
    assert states(plan_suite(write_suite('preset = "tiny"', 'preset = "tiny"\noptions = { lr = 0.5 }'), Setup()))["mdgan/1"] == "train"
    Path("tiny.toml").write_text(Path("tiny.toml").read_text().replace("test_sources = 5", "test_sources = 6"))
    assert states(plan_suite(path, Setup())) == {"copy-first": "evaluate", "static": "evaluate", "mdgan/0": "train", "mdgan/1": "train"}


def test_an_interrupted_training_is_resumed_and_a_damaged_evaluation_made_again(write_suite):
    plan = plan_suite(write_suite(), Setup())
    trained = train("mdgan", protocol="tiny.toml", preset="tiny", steps=8, seed=0, device="cpu")
    run = evaluate(["copy-first"], protocol="tiny.toml", metrics=["mse", "ssim"])
    trained.record = replace(trained.record, status="running", step=4)
    trained.save()
    assert states(plan)["mdgan/0"] == "resume"
    assert states(plan)["copy-first"] == "done"
    with open(run.path / "scores.jsonl", "a") as file:
        file.write("{}\n")
    assert states(plan)["copy-first"] == "evaluate"


def test_times_come_from_minutes_or_from_what_is_done_and_are_else_unknown(write_suite):
    plan = plan_suite(write_suite("steps = 8", "minutes = 2"), Setup())
    assert expected(plan.standings()) == (240.0, 0)
    plan = plan_suite(write_suite(), Setup())
    assert expected(plan.standings()) == (0, 2)
    record = plan.record(plan.standings())
    assert (record["seconds"], record["jobs_of_unknown_length"]) == (0, 2)
    assert record["jobs"][2] == {
        "job": "mdgan/0",
        "member": "mdgan",
        "seed": 0,
        "generator": "mdgan",
        "preset": "tiny",
        "budget": {"steps": 8, "minutes": None},
        "state": "train",
        "reason": None,
        "seconds": None,
        "training": None,
        "evaluation": None,
        "log": "runs/suites/suite/mdgan/0/output.log",
    }


@pytest.mark.parametrize(
    ("changes", "job", "message"),
    [
        (('preset = "tiny"', 'preset = "tinny"'), "mdgan/0", "Unknown preset of mdgan 'tinny'. Did you mean tiny?"),
        (('preset = "tiny"', 'preset = "tiny"\noptions = { lrr = 1 }'), "mdgan/0", "Unknown key 'lrr'"),
        (('"copy-first"', '"linear"'), "linear", "it needs 2 context frames and protocol tiny gives 1."),
        (('"copy-first"', '"copy-frist"'), "copy-frist", "Unknown generator 'copy-frist'. Did you mean copy-first?"),
        (('"noise"', '"noise"\npreset = "tiny"'), "static", "noise is not trained, so it takes no preset; leave that out."),
        (('"noise"', '"noise"\nbudget = { steps = 3 }'), "static", "noise is not trained, so it takes no budget; leave that out."),
        (("steps = 8", "steps = 1"), "mdgan/0", "--steps 1 is too few for 2 stages (base, refine)"),
    ],
)
def test_a_member_that_cannot_run_is_named_and_costs_no_other(write_suite, changes, job, message):
    plan = plan_suite(write_suite(*changes), Setup())
    assert message in reason(plan, job)
    assert sum(state != "impossible" for state in states(plan).values()) >= 2


def test_a_preset_that_does_not_fit_names_the_sizes(write_suite, tiny):
    path = write_suite()
    tiny.write_text(tiny.read_text().replace("size = [32, 32]", "size = [20, 20]"))
    found = reason(plan_suite(path, Setup()), "mdgan/0")
    assert re.search(r"20(.|\n)*\(preset tiny; protocol tiny, 8 frames of 20×20\)", found)


def test_what_concerns_all_members_refuses_the_suite(write_suite):
    with pytest.raises(UnknownName, match=r"Unknown metric 'sim'. Did you mean ssim\?"):
        plan_suite(write_suite('"ssim"', '"sim"'), Setup())
    with pytest.raises(UnknownName, match="Unknown protocol 'synthetic-sky-64'"):
        plan_suite(write_suite("tiny.toml", "synthetic-sky-64"), Setup())
    with pytest.raises(DataError, match="sky-timelapse"):
        plan_suite(write_suite("tiny.toml", "sky-timelapse-64x16"), Setup(data={"sky-timelapse": Path("nowhere")})).standings()


def test_the_plan_and_the_status_are_shown_and_a_problem_sets_the_status(write_suite, vgbench):
    path = write_suite()
    plan = vgbench("suite", "plan", path)
    assert plan.status == 0
    assert plan.out.splitlines()[3].split() == ["mdgan/0", "mdgan,", "tiny", "8", "steps", "to", "be", "trained", "unknown"]
    assert plan.out.splitlines()[-1] == "4 jobs: 2 to be evaluated, 2 to be trained. To do: 2 of unknown length."
    assert len(vgbench("suite", "plan", path, "--select", "2/4", "--json").json()["jobs"]) == 1
    train("mdgan", protocol="tiny.toml", preset="tiny", steps=8, seed=0, device="cpu")
    status = vgbench("suite", "status", path, "--select", "mdgan/0")
    assert "to be evaluated  8 of 8 steps, " in status.out
    wrong = vgbench("suite", "plan", write_suite('"copy-first"', '"linear"'))
    assert (wrong.status, "Error: linear: it needs 2 context frames" in wrong.err) == (1, True)
    assert vgbench("suite", "plan", path, "--select", "9/4").status == 1
