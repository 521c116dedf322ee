"""A training's options have one list, from which the command, the function and a resumed run take theirs."""

from __future__ import annotations

from dataclasses import fields

import pytest

from vgbench import ResumeOptions, TrainingOptions, resume_training, train
from vgbench.cli.commands.train import command
from vgbench.training.options import SETTLED

VALUES = {
    **{"protocol": "synthetic-sky-64x16", "preset": "tiny", "config": "x.toml", "settings": "lr=1", "stage": "base", "start_from": "x"},
    **{"select_by": "mse", "validate_every": 3, "max_minutes": 1, "precision": "32", "compiles": None, "seed": 1},
}


def test_the_command_has_an_option_for_each_field_with_its_default():
    given = command.make_context("train", ["mdgan"]).params
    asked = {one.name: given.pop(one.name) for one in fields(TrainingOptions)}
    assert TrainingOptions(**asked) == TrainingOptions()
    assert set(given) == {"generator", "resume", "dry_run"}


def test_every_settled_option_is_tried():
    assert set(VALUES) == SETTLED


@pytest.mark.parametrize(("name", "value"), VALUES.items())
def test_what_a_run_has_settled_is_not_given_again(vgbench, name, value):
    (option,) = (parameter.opts[0] for parameter in command.params if parameter.name == name)
    ran = vgbench("train", "mdgan", "--resume", "latest", option, *([] if value is None else [value]))
    assert ran.status == 2
    assert f"{option} does not go with --resume" in ran.err
    with pytest.raises(TypeError, match=f"'{name}'"):
        resume_training("latest", **{name: value})


def test_options_are_given_as_a_value_or_by_name(tiny):
    options = TrainingOptions(protocol=str(tiny), preset="tiny", steps=2, seed=3, device="cpu", runs="elsewhere")
    run = train("mdgan", options, stage="base")
    assert run.path.parent.name == "elsewhere"
    assert list(run.record.budgets) == ["base"]
    with pytest.raises(TypeError, match="'setps'"):
        train("mdgan", options, setps=3)
    assert isinstance(options, ResumeOptions)
