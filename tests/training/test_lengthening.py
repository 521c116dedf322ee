"""A finished training goes on: to the same bits as one that was to be so long from the beginning, where nothing follows its progress."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import torch

from vgbench.errors import RunError
from vgbench.evaluation.evaluate import evaluate
from vgbench.runs.checkpoints import load_checkpoint, newest_checkpoint
from vgbench.runs.log import read_log
from vgbench.runs.run import Run, open_run
from vgbench.training import loop
from vgbench.training.train import resume_training, train


def begun(tiny: Path, **options: object) -> Run:
    return train("mdgan", **{"protocol": str(tiny), "preset": "tiny", "steps": 4, "seed": 3, "device": "cpu", **options})


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    checkpoint = load_checkpoint(newest_checkpoint(run.path))
    return {f"{part}.{name}": value for part, state in checkpoint.generator_state.items() for name, value in state.items()}


def test_one_stage_lengthened_twice_has_the_bits_of_one_training(tiny):
    whole = begun(tiny, stage="base", steps=7)
    run = begun(tiny, stage="base", steps=2)
    for steps in (4, 7):
        run = resume_training(run.name, steps=steps)
        assert (run.record.status, run.record.step) == ("done", steps)
    mine, theirs = weights_of(run), weights_of(whole)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    losses = [{line["step"]: line["losses"] for line in read_log(one.path)} for one in (run, whole)]
    assert losses[1].items() <= losses[0].items()
    warnings = open_run(run.path).record.warnings
    assert [text.partition(":")[0] for text in warnings] == ["Lengthened from 2 to 4 steps", "Lengthened from 4 to 7 steps"]
    assert "goes back to where 50% of it are done" in warnings[0]
    assert tomllib.loads((run.path / "config.toml").read_text())["budgets"] == {"base": {"steps": 7}}


def test_of_several_stages_the_last_goes_on_and_its_checkpoint_is_evaluated(tiny):
    begun(tiny)
    run = resume_training("latest", steps=9)
    record = open_run(run.path).record
    assert record.checkpoints == {"base": "checkpoints/step-000002.pt", "refine": "checkpoints/step-000009.pt"}
    assert load_checkpoint(newest_checkpoint(run.path)).finished_stages == {"base": 2, "refine": 7}
    scored = evaluate(["mdgan"], protocol=tiny, metrics=["mse"], limit=2)
    assert scored.record.rows[0].weights["checkpoint"].endswith("step-000009.pt")


def test_minutes_that_ended_it_do_not_end_it_again(tiny):
    run = begun(tiny, stage="base", steps=None, max_minutes=1e-6)
    assert run.record.step == 1
    assert resume_training(run.name, steps=3).record.step == 3


def test_an_interrupted_lengthening_is_resumed(tiny, monkeypatch):
    whole = begun(tiny, stage="base", steps=6)
    run = begun(tiny, stage="base", steps=2)
    saved = loop.Training._save
    monkeypatch.setattr(loop.Training, "_save", lambda self, *given: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        resume_training(run.name, steps=6, checkpoint_every=1)
    monkeypatch.setattr(loop.Training, "_save", saved)
    resumed = resume_training(run.name)
    assert (resumed.record.status, resumed.record.step) == ("done", 6)
    assert all(torch.equal(value, weights_of(whole)[name]) for name, value in weights_of(resumed).items())


@pytest.mark.parametrize(("steps", "message"), [(4, "--steps 4: .* has, or without --steps is to have, 4 in all"), (1, "--steps 1: ")])
def test_no_more_steps_than_it_has_are_refused(tiny, steps, message):
    run = begun(tiny)
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(RunError, match=message):
        resume_training(run.name, steps=steps)
    assert (run.path / "run.json").read_bytes() == before


def test_from_the_command_line(vgbench, tiny):
    run = begun(tiny)
    refused = vgbench("train", "mdgan", "--resume", "latest")
    assert refused.status == 1
    assert "is done; there is nothing to resume. With --steps, more than the 4 it has, it goes on." in refused.err
    ran = vgbench("train", "mdgan", "--resume", run.path, "--steps", "6")
    assert ran.status == 0
    assert "Done after 6 steps" in ran.out


def test_what_is_suggested_after_a_resumption_names_protocol_and_runs_as_they_were_typed(vgbench, tiny):
    vgbench("train", "mdgan", "--preset", "tiny", "--protocol", tiny, "--steps", "2", "--seed", "0", "--runs", "own")
    (run,) = Path("own").iterdir()
    ran = vgbench("train", "mdgan", "--resume", run, "--steps", "4")
    assert ran.status == 0
    assert "--runs own" in ran.out.partition("Score it with: ")[2]


def test_a_dry_run_does_not_go_with_a_resumption(vgbench):
    ran = vgbench("train", "mdgan", "--resume", "latest", "--dry-run")
    assert ran.status == 2
    assert "--dry-run shows what a new training would do; it does not go with --resume." in ran.err
