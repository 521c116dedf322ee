"""Numbers that are read late, as on a GPU: the same numbers, and no checkpoint of a training that has gone wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vgbench.errors import TrainingError
from vgbench.interfaces import StepResult
from vgbench.runs.checkpoints import load_checkpoint, newest_checkpoint
from vgbench.runs.log import read_log
from vgbench.runs.run import open_run
from vgbench.training.host import FabricHost
from vgbench.training.readings import Readings
from vgbench.training.train import train

PLAIN = ("step", "stage", "stage_step", "losses", "diagnostics", "lr")


def readings() -> Readings:
    host = FabricHost(device=torch.device("cpu"), precision="32", seed=0)
    return Readings("base", host, generator="mine", run_path=Path("runs/mine"))


def test_steps_read_together_have_their_own_numbers_and_share_the_time():
    kept = readings()
    assert kept.read() == []
    loss = torch.zeros(())
    for step in (1, 2, 3):
        loss += 1  # as a recorded step writes into the same memory every time
        kept.add(StepResult({"content": loss}, {"share": 0.5}), step, step, seconds=step, waited=0.5)
    assert kept.seconds == 6
    steps = kept.read(is_interrupted=True)
    assert [(one.step, one.losses["content"], one.diagnostics) for one in steps] == [(n, n, {"share": 0.5}) for n in (1.0, 2.0, 3.0)]
    assert sum(one.seconds for one in steps) == pytest.approx(6, abs=0.1)
    assert all(one.waited == 0.5 and one.is_interrupted for one in steps)
    assert kept.seconds == 0


def test_a_loss_that_was_not_finite_is_named_with_its_own_step():
    kept = readings()
    for step, value in ((1, 1.0), (2, float("nan")), (3, float("nan"))):
        kept.add(StepResult({"content": torch.tensor(value)}), step, step, seconds=1, waited=0)
    with pytest.raises(TrainingError, match=r"The loss 'content' of mine became nan at step 2 \(stage base\)"):
        kept.read()


@pytest.fixture
def late(monkeypatch):
    monkeypatch.setattr("vgbench.training.loop.reads_late", lambda host: True)


def tiny_run(tiny: Path):
    return train("mdgan", protocol=str(tiny), preset="tiny", steps=24, seed=3, device="cpu", preview_every=0)


def test_read_late_the_log_and_the_weights_are_those_of_a_training_read_at_once(tiny, monkeypatch):
    at_once = tiny_run(tiny)
    monkeypatch.setattr("vgbench.training.loop.reads_late", lambda host: True)
    late = tiny_run(tiny)
    logs = [[{key: line[key] for key in PLAIN} for line in read_log(run.path)] for run in (at_once, late)]
    assert logs[0] == logs[1]
    states = [load_checkpoint(newest_checkpoint(run.path)).generator_state["refine"] for run in (at_once, late)]
    assert all(value.equal(states[1][name]) for name, value in states[0].items())


SOURING = """
import torch
from vgbench import GeneratorSpec, Schedule, Stage, StepResult, TrainableGenerator, hookimpl

class Souring(TrainableGenerator):
    def generate(self, request): raise NotImplementedError
    def stages(self): return ["only"]
    def schedule(self): return Schedule(40, 4, {"only": 1.0})
    def stage(self, name, host): return SouringStage()

class SouringStage(Stage):
    steps = 0
    def step(self, batch):
        self.steps += 1
        return StepResult({"content": torch.tensor(1.0 if self.steps < 14 else float("inf"))})
    def state_dict(self): return {"steps": self.steps}
    def load_state_dict(self, state): self.steps = state["steps"]

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="souring", summary="Goes wrong.", target="vgbench_souring_module:Souring", trainable=True)]
"""


@pytest.mark.parametrize("every", [16, 18])
def test_no_checkpoint_is_written_of_a_state_that_was_not_found_finite(tiny, install_plugin, late, every):
    install_plugin("souring", SOURING)
    with pytest.raises(TrainingError, match=r"The loss 'content' of souring became inf at step 14 \(stage only\)"):
        train("souring", protocol=str(tiny), device="cpu", checkpoint_every=every, preview_every=0)
    (path,) = Path("runs").iterdir()
    assert open_run(path).record.status == "failed"
    assert not list((path / "checkpoints").glob("*")) if (path / "checkpoints").exists() else True
    assert max(line["step"] for line in read_log(path)) == 10


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_recorded_step_trains_as_the_step_itself():
    from vgbench import Batch
    from vgbench.training.graphs import WARM_UP, RecordedStep
    from vgbench_mdgan.config import MDGANConfig
    from vgbench_mdgan.generator import MDGAN

    clips = torch.rand(4, 8, 3, 32, 32, generator=torch.Generator().manual_seed(0)).cuda()
    losses = []
    for recorded in (False, True):
        host = FabricHost(device=torch.device("cuda"), precision="32", seed=0)
        config = MDGANConfig(size=(32, 32), frames=8, width=8)
        stage = MDGAN(config, device=host.device).stage("base", host)
        step = RecordedStep(stage) if recorded else stage.step
        names = ("0", "1", "2", "3")
        results = [step(Batch(clips.roll(shift, 0), names, names)).losses for shift in range(WARM_UP + 4)]
        losses.append([float(value) for value in results[-1].values()])
        assert not recorded or step.is_recorded
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
