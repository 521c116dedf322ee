"""Training: stages and budgets, what a run leaves behind, and runs that go on after a kill."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vgbench.__main__ import main
from vgbench.errors import ConfigError, RunError
from vgbench.interfaces import Schedule
from vgbench.runs.checkpoints import load_checkpoint, newest_checkpoint
from vgbench.runs.log import read_log
from vgbench.runs.run import Run, open_run
from vgbench.training.budget import Budget, share_budget
from vgbench.training.health import WINDOW
from vgbench.training.train import resume_training, train

SCHEDULE = Schedule(steps=100, batch_size=4, shares={"base": 0.25, "refine": 0.75})


def train_tiny(tiny: Path, **options: object) -> Run:
    return train("mdgan", **{"protocol": str(tiny), "preset": "tiny", "steps": 4, "seed": 3, "device": "cpu", **options})


def weights_of(run: Run) -> dict[str, torch.Tensor]:
    checkpoint = load_checkpoint(newest_checkpoint(run.path))
    return {f"{part}.{name}": value for part, state in checkpoint.generator_state.items() for name, value in state.items()}


def assert_same_bits(first: Run, second: Run) -> None:
    mine, others = weights_of(first), weights_of(second)
    assert mine.keys() == others.keys()
    assert all(torch.equal(mine[name], others[name]) for name in mine)


def test_a_run_leaves_what_a_reader_needs(tiny):
    run = train_tiny(tiny)
    record = open_run(run.path).record
    assert record.status == "done"
    assert record.checkpoints == {"base": "checkpoints/step-000002.pt", "refine": "checkpoints/step-000004.pt"}
    assert record.seed == 3
    assert {"argv", "versions", "plugins", "git", "machine", "started", "finished", "training_videos"} <= set(vars(record))
    assert {path.name for path in (run.path / "clips").iterdir()} == {"preview-base-000002.mp4", "preview-refine-000004.mp4"}
    assert [line["step"] for line in read_log(run.path)] == [1, 2, 3, 4]
    assert {"adversarial", "content", "discriminator", "rank"} <= set(list(read_log(run.path))[-1]["losses"])
    assert 'preset = "tiny"' in (run.path / "config.toml").read_text()


def test_the_same_seed_gives_the_same_bits_and_another_does_not(tiny):
    first, second, other = train_tiny(tiny, workers=0), train_tiny(tiny, workers=3), train_tiny(tiny, seed=4)
    assert_same_bits(first, second)
    assert any(not torch.equal(a, b) for a, b in zip(weights_of(first).values(), weights_of(other).values(), strict=True))


def test_the_saved_configuration_runs_again_to_the_same_bits(tiny):
    first = train_tiny(tiny, settings=["lr=0.001"])
    again = train_tiny(tiny, preset=None, config=first.path / "config.toml")
    assert again.record.config == first.record.config
    assert_same_bits(first, again)


def test_a_second_stage_alone_builds_on_the_newest_base(tiny):
    base = train_tiny(tiny, stage="base", steps=2)
    refine = train_tiny(tiny, stage="refine", steps=2, preset=None)
    assert refine.record.start == str(base.path / "checkpoints/step-000002.pt")
    assert refine.record.config["width"] == base.record.config["width"]
    for name, value in weights_of(base).items():
        assert torch.equal(weights_of(refine)[name], value), f"{name} of the frozen stage changed"


def test_a_second_stage_without_a_first_says_how_to_train_it(tiny):
    with pytest.raises(
        RunError, match=r"Stage refine of mdgan builds on stage base.*vgbench train mdgan --protocol .*tiny.toml --stage base"
    ):
        train_tiny(tiny, stage="refine")


def test_steps_and_minutes_are_shared_as_the_schedule_says():
    both = ["base", "refine"]
    assert share_budget(SCHEDULE, both, steps=None, max_minutes=None) == {"base": Budget(25, None), "refine": Budget(75, None)}
    assert share_budget(SCHEDULE, both, steps=8, max_minutes=None) == {"base": Budget(2, None), "refine": Budget(6, None)}
    assert share_budget(SCHEDULE, both, steps=None, max_minutes=2) == {"base": Budget(None, 30), "refine": Budget(None, 90)}
    assert share_budget(SCHEDULE, ["refine"], steps=8, max_minutes=1) == {"refine": Budget(8, 60)}
    assert share_budget(SCHEDULE, ["base"], steps=None, max_minutes=None) == {"base": Budget(25, None)}
    with pytest.raises(ConfigError, match="--steps 1 is too few for 2 stages"):
        share_budget(SCHEDULE, both, steps=1, max_minutes=None)


def test_a_time_limit_ends_each_stage(tiny):
    run = train_tiny(tiny, steps=None, max_minutes=0.01)
    assert run.record.status == "done"
    assert set(run.record.checkpoints) == {"base", "refine"}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"settings": ["width=0"]}, ConfigError, "width = 0 does not work"),
        ({"settings": ["size=[64, 64]"]}, ConfigError, "size is fixed by protocol tiny"),
        ({"settings": ["batch_size=13"]}, ConfigError, "gives 12 clips and a batch takes 13; set a smaller batch with --set batch_size=12"),
        ({"stage": "polish"}, Exception, "Unknown stage of mdgan 'polish'"),
        ({"device": "cuda"}, ConfigError, "sees no CUDA device; use --device cpu"),
    ],
)
def test_what_cannot_be_trained_says_why(tiny, options, error, message):
    if options.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(error, match=message.replace("[", r"\[").replace("(", r"\(")):
        train_tiny(tiny, **options)


def test_a_baseline_is_not_trained(tiny):
    with pytest.raises(ConfigError, match="copy-first is not trained; it can be evaluated as it is"):
        train("copy-first", protocol=str(tiny))


@pytest.mark.filterwarnings("ignore")  # of torch's own compiler
def test_compiled_networks_train_to_the_same_losses_and_leave_plain_checkpoints(tiny, monkeypatch):
    """Traced forward and backward, and run as traced: what the C++ compiler makes of it is torch's own, and takes half a minute."""
    plain = train_tiny(tiny, stage="base", steps=2)
    traced = []

    def compiled(module: torch.nn.Module, **options: object) -> torch.nn.Module:
        if not options:  # torch compiles functions of its own with some
            traced.append(module)
        return torch_compile(module, **{"backend": "aot_eager"} | options)

    torch_compile = torch.compile
    monkeypatch.setattr(torch, "compile", compiled)
    run = train_tiny(tiny, stage="base", steps=2, compiles=True, runs=Path("compiled"))
    assert len(traced) == 2
    for mine, other in zip(read_log(plain.path), read_log(run.path), strict=True):
        assert other["losses"] == pytest.approx(mine["losses"], rel=1e-3)
    assert weights_of(run).keys() == weights_of(plain).keys()


@pytest.mark.slow
def test_a_term_that_rules_is_warned_of_in_the_record(tiny):
    run = train_tiny(tiny, steps=WINDOW + 2, settings=["base_share=0.01", "rank_weight=1000"])
    (warning,) = [text for text in open_run(run.path).record.warnings if "of what the generator descends" in text]
    assert warning.startswith("Stage refine, steps 2 to 101: 'rank' makes up 99")


def test_a_finished_run_is_not_resumed(tiny):
    run = train_tiny(tiny)
    with pytest.raises(RunError, match="is done; there is nothing to resume"):
        resume_training(str(run.path))


# ---- killed runs ----


OPTIONS = ("--preset", "tiny", "--seed", "3", "--checkpoint-every", "3", "--device", "cpu", "--runs", "killed")


def wait_until(condition: Callable[[], bool], is_alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert is_alive(), "the training ended too early"
        assert time.monotonic() < deadline, "the training takes too long"
        time.sleep(0.005)


def any_file(pattern: str) -> Callable[[], bool]:
    return lambda: any(Path("killed").glob(pattern))


MOMENTS = {
    "before the first checkpoint": "*/log.jsonl",
    "while a checkpoint is written": "*/checkpoints/.step-000003.pt.*.tmp",
    "in stage base": "*/checkpoints/step-000006.pt",
    "between the stages": "*/clips/preview-base-000008.mp4",
    "in stage refine": "*/checkpoints/step-000014.pt",
}


@pytest.mark.slow
def test_killed_at_any_moment_a_resumed_run_ends_with_the_same_bits(tiny):
    whole = train_tiny(tiny, steps=16, checkpoint_every=3)
    # One process imports everything once; each training is a fork of it.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lightning_fabric", "vgbench.training.train"])
    for moment, pattern in MOMENTS.items():
        process = context.Process(target=main, args=(["train", "mdgan", "--protocol", str(tiny), "--steps", "16", *OPTIONS],))
        process.start()
        wait_until(any_file(pattern), process.is_alive)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        (path,) = Path("killed").iterdir()
        assert open_run(path).record.status == "running", moment
        resumed = resume_training("latest", runs=Path("killed"), checkpoint_every=3)
        assert resumed.record.status == "done"
        assert_same_bits(whole, resumed)
        steps = [line["step"] for line in read_log(resumed.path)]
        assert steps == sorted(set(steps)), f"killed {moment}: the log repeats a step"
        assert steps[-1] == 16
        os.rename("killed", f"resumed-{moment.replace(' ', '-')}")


BASELINES = ("convlstm", "simvp", "tau", "predformer", "flow-matching", "vgan", "rnn-gan")


@pytest.mark.slow
def test_each_trained_baseline_that_is_killed_ends_with_the_same_bits(tiny):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lightning_fabric", "vgbench.training.train"])
    for name in BASELINES:
        options = {"protocol": str(tiny), "preset": "tiny", "steps": 12, "seed": 3, "device": "cpu", "checkpoint_every": 3}
        whole = train(name, **options)
        process = context.Process(target=main, args=(["train", name, "--protocol", str(tiny), "--steps", "12", *OPTIONS],))
        process.start()
        wait_until(any_file("*/checkpoints/step-000003.pt"), process.is_alive)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, name
        assert_same_bits(whole, resume_training("latest", runs=Path("killed"), checkpoint_every=3))
        os.rename("killed", f"resumed-{name}")


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(tiny):
    command = [sys.executable, "-m", "vgbench", "train", "mdgan", "--protocol", tiny, "--steps", "4000", *OPTIONS]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_until(any_file("*/checkpoints/step-000003.pt"), lambda: process.poll() is None)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    (path,) = Path("killed").iterdir()
    record = open_run(path).record
    assert record.status == "interrupted"
    assert load_checkpoint(newest_checkpoint(path)).step == record.step
    assert f"Resume with: vgbench train mdgan --resume {path}" in errors.decode()


def test_a_run_is_not_resumed_with_other_videos(tiny):
    run = train_tiny(tiny)
    record = json.loads((run.path / "run.json").read_text()) | {"status": "interrupted"}
    record["protocol_table"]["data"]["config"]["train_sources"] = 7
    (run.path / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="was begun with other training videos"):
        resume_training(str(run.path))


def test_a_damaged_record_cannot_be_resumed_and_says_so(tiny):
    run = train_tiny(tiny)
    record = json.loads((run.path / "run.json").read_text()) | {"status": "interrupted"}
    del record["budgets"]
    (run.path / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="run.json is damaged: budgets: None is not"):
        resume_training(str(run.path))
