"""What can go wrong in the middle of a training: each says what happened, where, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from PIL import Image

from vgbench.errors import CheckpointError, TrainingError
from vgbench.plugins.observers import Observer, TrainingProgress
from vgbench.runs.checkpoints import load_checkpoint, newest_checkpoint
from vgbench.runs.run import Run, open_run
from vgbench.training.health import check_finite, out_of_memory
from vgbench.training.train import resume_training, train


def train_tiny(tiny: Path, **options: object) -> Run:
    return train("mdgan", **{"protocol": str(tiny), "preset": "tiny", "steps": 4, "seed": 3, "device": "cpu", **options})


def base_of(run: Run) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load_checkpoint(newest_checkpoint(run.path)).generator_state["base"]
    return state


def test_a_loss_that_is_not_finite_stops_with_its_step_and_term(tiny):
    with pytest.raises(TrainingError, match=r"The (loss|norm) '\w+' of mdgan became (nan|inf) at step \d+ \(stage base\)"):
        train_tiny(tiny, steps=60, settings=["lr=1e30"])
    (path,) = Path("runs").iterdir()
    record = open_run(path).record
    assert record.status == "failed"
    assert "became" in record.error


GREEDY = """
import torch
from vgbench import GeneratorSpec, Schedule, Stage, StepResult, TrainableGenerator, hookimpl

class Greedy(TrainableGenerator):
    def generate(self, request): raise NotImplementedError
    def stages(self): return ["only"]
    def schedule(self): return Schedule(10, 4, {"only": 1.0})
    def stage(self, name, host): return GreedyStage()

class GreedyStage(Stage):
    def step(self, batch): return StepResult({"size": torch.empty(2**60).sum()})
    def state_dict(self): return {}
    def load_state_dict(self, state): pass

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="greedy", summary="Wants more than there is.", target="vgbench_greedy_module:Greedy", trainable=True)]
"""


def test_memory_that_runs_out_says_what_to_do(tiny, install_plugin):
    install_plugin("greedy", GREEDY)
    with pytest.raises(
        TrainingError, match=r"Out of memory on cpu at step 1 \(stage only\), with 4 clips per step and precision 32"
    ) as told:
        train("greedy", protocol=str(tiny), device="cpu")
    assert "--set batch_size=2" in str(told.value)
    assert "--precision bf16" in str(told.value)


class Removing(Observer):
    """Takes the data away after some steps."""

    def __init__(self, folder: Path, after: int) -> None:
        self.folder, self.after = folder, after

    def trained(self, progress: TrainingProgress) -> None:
        if progress.step == self.after:
            self.folder.rename(self.folder.with_name("elsewhere"))


def test_data_that_vanish_cost_no_step(tiny, tmp_path):
    videos = tmp_path / "videos"
    for number in range(20):
        (videos / "train" / f"video-{number:02d}").mkdir(parents=True)
        for frame in range(8):
            picture = torch.full((32, 32, 3), 10 * number + frame, dtype=torch.uint8).numpy()
            Image.fromarray(picture).save(videos / "train" / f"video-{number:02d}" / f"{frame:03d}.png")
    text = re.sub(r"\[data\].*?\[train\]", '[data]\ndataset = "video-folder"\n\n[train]', tiny.read_text(), flags=re.DOTALL)
    tiny.write_text(re.sub(r"\[validation\].*?\[test\]", "[test]", text, flags=re.DOTALL))
    options = {"data": {"video-folder": videos}, "stage": "base", "steps": 5, "workers": 0}
    with pytest.raises(TrainingError, match=r"The training clips cannot be read any more, at step 4 \(stage base\)") as told:
        train_tiny(tiny, **options, observer=Removing(videos, after=3))
    (path,) = Path("runs").iterdir()
    assert f"resume with --resume {path}" in str(told.value)
    assert load_checkpoint(newest_checkpoint(path)).step == 3

    (tmp_path / "elsewhere").rename(videos)
    resumed = resume_training(str(path), data=options["data"], device="cpu")
    straight = base_of(train_tiny(tiny, **options))
    assert all(value.equal(straight[name]) for name, value in base_of(resumed).items())


def test_a_gradient_that_is_not_finite_stops_before_it_is_saved():
    where = {"who": "mdgan", "step": 7, "stage": "base", "run_path": Path("runs/x")}
    losses, ratio = {"content": 1.0}, {"ratio": float("nan")}
    check_finite(losses, {"generator_gradient": 3.0, **ratio}, **where)
    with pytest.raises(TrainingError, match=r"The norm 'generator_gradient' of mdgan became inf at step 7 \(stage base\); the"):
        check_finite(losses, {"generator_gradient": float("inf"), **ratio}, **where)


def test_out_of_memory_names_only_what_can_be_done():
    text = str(out_of_memory("cuda", 4, 2, "32"))
    assert "--set batch_size=4) or more devices, or on a GPU, --precision bf16, or a smaller network" in text
    assert str(out_of_memory("cuda", 1, 1, "bf16")).endswith("Begin a run with a smaller network.")


def test_weights_of_another_preset_are_refused_with_what_to_set(tiny):
    base = train_tiny(tiny, stage="base", steps=2)
    with pytest.raises(
        CheckpointError, match=r"is \(8, 3, 3, 4, 4\) in the checkpoint and \(16, 3, 3, 4, 4\) here; set size, frames, chan"
    ):
        train_tiny(tiny, stage="refine", steps=2, preset="small", start_from=str(base.path))
