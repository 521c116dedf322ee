"""The evaluated checkpoint: the last, or the best on the validation clips; never one chosen on the test clips."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from vgbench.errors import ConfigError, MetricError, UnknownName
from vgbench.evaluation.evaluate import evaluate
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.plugins.observers import Observer, TrainingProgress
from vgbench.protocol import load_protocol
from vgbench.runs.checkpoints import load_checkpoint
from vgbench.runs.log import read_log
from vgbench.runs.run import Run
from vgbench.training.train import resume_training, train


def trained(protocol: Path, **options: object) -> Run:
    settings = {"preset": "tiny", "steps": 24, "seed": 3, "device": "cpu", "select_by": "mse", "validate_every": 4}
    return train("mdgan", protocol=str(protocol), **settings | options)


VALIDATION = re.compile(r'\[validation\]\nsplit = "validation"\n(?:\w+ = \d+\n)*')


def rewritten(protocol: Path, text: str) -> Path:
    path = protocol.with_name("rewritten.toml")
    path.write_text(text)
    return path


def test_the_best_checkpoint_of_each_stage_is_kept_and_evaluated(tiny):
    run = trained(tiny)
    values = {
        stage: {
            line["step"]: line["validation"]["mse@mean"] for line in read_log(run.path) if line["stage"] == stage and "validation" in line
        }
        for stage in ("base", "refine")
    }
    assert [len(found) for found in values.values()] == [3, 3]
    for stage, found in values.items():
        best = run.record.best[stage]
        assert best._asdict() == {"step": min(found, key=found.get), "value": min(found.values()), "file": f"checkpoints/best-{stage}.pt"}
        assert load_checkpoint(run.path / best.file).step == best.step
        assert run.record.checkpoints[stage] == best.file


def test_the_value_is_what_an_evaluation_of_those_clips_gives(tiny):
    run = trained(tiny)
    as_test = rewritten(tiny, tiny.read_text().replace('[test]\nsplit = "test"', '[test]\nsplit = "validation"'))
    assert load_protocol(as_test).test.split == "validation"
    scored = evaluate(["mdgan:base"], protocol=str(as_test), metrics=["mse"], device="cpu")
    (row,) = build_leaderboard([scored]).rows
    assert row.scores["mse@mean"].value == pytest.approx(run.record.best["base"].value, rel=1e-6)


def test_the_second_stage_builds_on_the_best_of_the_first(tiny):
    run = trained(tiny)
    best = load_checkpoint(run.path / "checkpoints/best-base.pt").generator_state["base"]
    final = load_checkpoint(run.path / run.record.checkpoints["refine"]).generator_state["base"]
    assert all(value.equal(final[name]) for name, value in best.items())


def test_looking_does_not_change_what_is_trained(tiny):
    selected, last = trained(tiny, steps=6, stage="base"), trained(tiny, steps=6, stage="base", select_by=None)
    paths = [run.path / "checkpoints/step-000006.pt" for run in (selected, last)]
    first, second = (load_checkpoint(path).generator_state["base"] for path in paths)
    assert all(value.equal(second[name]) for name, value in first.items())
    assert last.record.checkpoints == {"base": "checkpoints/step-000006.pt"}


class Stopping(Observer):
    """Interrupts a training as Ctrl-C does, after some steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def trained(self, progress: TrainingProgress) -> None:
        if progress.step == self.after:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("after", [5, 13])
def test_a_resumed_run_chooses_as_the_uninterrupted_one(tiny, after):
    straight, stopped = trained(tiny, validate_every=3), trained(tiny, validate_every=3, observer=Stopping(after))
    assert stopped.record.status == "interrupted"
    resumed = resume_training(str(stopped.path), device="cpu")
    assert resumed.record.best == straight.record.best
    for stage in ("base", "refine"):
        states = [load_checkpoint(run.path / run.record.checkpoints[stage]).generator_state for run in (straight, resumed)]
        assert all(value.equal(states[1][part][name]) for part in states[0] for name, value in states[0][part].items())


def test_a_report_says_how_a_checkpoint_was_chosen(tiny):
    trained(tiny)
    scored = evaluate(["mdgan"], protocol=str(tiny), metrics=["mse"], device="cpu")
    assert scored.record.rows[0].weights["chosen"] == "the best mse@mean on the validation clips"


def test_a_protocol_without_validation_clips_says_so(tiny):
    without = rewritten(tiny, VALIDATION.sub("", tiny.read_text()))
    assert load_protocol(without).validation is None
    with pytest.raises(ConfigError, match="Protocol rewritten has no validation split, so no checkpoint can be chosen on one"):
        trained(without)


def test_a_checkpoint_is_never_chosen_on_the_test_split(tiny):
    on_test = rewritten(tiny, tiny.read_text().replace('[validation]\nsplit = "validation"', '[validation]\nsplit = "test"'))
    with pytest.raises(ConfigError, match="validates on its test split 'test'; a checkpoint chosen on it would have seen the test"):
        trained(on_test)


def test_an_unknown_metric_or_one_of_sets_is_refused(tiny):
    with pytest.raises(UnknownName, match="psrn"):
        trained(tiny, select_by="psrn")
    with pytest.raises(MetricError, match="ms-ssim"):
        trained(tiny, select_by="ms-ssim")  # too small for its five scales, which is said before a run is begun
    assert not Path("runs").exists()
    with pytest.raises(ConfigError, match="--select-by fvd: a distance between sets needs many clips"):
        trained(tiny, select_by="fvd")
