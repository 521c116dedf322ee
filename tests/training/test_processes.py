"""Several processes that train together, on the CPU with gloo: the same numbers as one, and one that writes."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vgbench.data.loader import Share
from vgbench.errors import ConfigError
from vgbench.runs.log import read_log
from vgbench.runs.run import open_run
from vgbench.training.host import check_processes, is_first_process
from vgbench.training.train import train

TOGETHER = """
import sys
from dataclasses import replace
import torch
from vgbench import Batch
from vgbench.training.host import FabricHost
from vgbench.data.loader import Share
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.generator import MDGAN

def on_running_statistics(network):
    # the synchronised form of batch norm exists on GPUs only
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.eval()

processes, out = int(sys.argv[1]), sys.argv[2]
host = FabricHost(device=torch.device("cpu"), precision="32", seed=5, devices=processes)
share = Share(host.rank, host.world_size)
config = replace(MDGANConfig(size=(32, 32), frames=8, **MDGANConfig.presets["tiny"]), r1_weight=1.0, gradient_clip=20.0, lr=1e-4)
generator = MDGAN(config, device=host.device)
losses = []
for name in generator.stages():
    stage = generator.stage(name, host)
    for player in (stage.generator, stage.discriminator):
        on_running_statistics(player.network)
    for seed in range(4):
        clips = share.of(torch.rand(4, 8, 3, 32, 32, generator=torch.Generator().manual_seed(seed)))
        result = stage.step(Batch(clips, ("",) * len(clips), ("",) * len(clips)))
        values = torch.stack([value.double() for value in (*result.losses.values(), *result.diagnostics.values())])
        losses.append(host.mean(values))
if host.rank == 0:
    torch.save({"losses": torch.cat(losses), "generator": generator.state_dict(), "stage": stage.state_dict()["discriminator"]}, out)
host.wait()
"""


def numbers_of(state: object) -> torch.Tensor:
    if isinstance(state, dict):
        return torch.cat([numbers_of(value) for value in state.values()])
    assert isinstance(state, torch.Tensor)
    return state.double().flatten()


@pytest.mark.slow
def test_two_processes_give_the_losses_and_weights_of_one_with_the_doubled_batch(tmp_path, monkeypatch):
    script = tmp_path / "together.py"
    script.write_text(TOGETHER)
    command = [sys.executable, script, "2", str(tmp_path / "2.pt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(sys, "argv", [str(script), "1", str(tmp_path / "1.pt")])
    runpy.run_path(str(script), run_name="__main__")
    one, two = (torch.load(tmp_path / f"{processes}.pt", weights_only=True) for processes in (1, 2))
    for part in ("losses", "generator", "stage"):
        torch.testing.assert_close(numbers_of(two[part]), numbers_of(one[part]), rtol=1e-5, atol=1e-5)
    assert len(one["losses"]) > 40


def test_shares_cover_a_batch_without_overlap():
    batch = list(range(12))
    assert [index for rank in range(3) for index in Share(rank, 3).of(batch)] == batch
    assert Share().of(batch) == batch


def training(tiny: Path, *options: str) -> list[str]:
    common = ["train", "mdgan", "--protocol", str(tiny), "--preset", "tiny", "--device", "cpu", "--seed", "3"]
    return [*common, *options]


def completed(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.slow
def test_started_by_torchrun_the_first_process_alone_writes_and_all_go_on_from_one_best_checkpoint(tiny):
    options = ("--steps", "8", "--select-by", "mse", "--validate-every", "2", "--workers", "0")
    starter = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "vgbench"]
    done = completed([sys.executable, *starter, *training(tiny, *options)])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Done after 8 steps") == 1
    (path,) = Path("runs").iterdir()
    record = open_run(path).record
    assert record.processes == 2
    assert [line["step"] for line in read_log(path)] == [1, 2, 4, 4, 5, 6, 8, 8]  # losses at 1, 4, 5 and 8, validations at the even ones
    assert set(record.best) == {"base", "refine"}
    best = torch.load(path / "checkpoints/best-base.pt", weights_only=True)["generator_state"]["base"]
    final = torch.load(path / "checkpoints/step-000008.pt", weights_only=True)["generator_state"]["base"]
    assert all(value.equal(final[name]) for name, value in best.items())


@pytest.mark.slow
def test_another_number_of_processes_resumes(tiny):
    run = train("mdgan", protocol=str(tiny), preset="tiny", steps=4, seed=3, device="cpu")
    budgets = {"base": {"steps": 2, "seconds": None}, "refine": {"steps": 4, "seconds": None}}
    run.record = replace(run.record, status="interrupted", budgets=budgets)
    run.save()
    checkpoint = torch.load(run.path / "checkpoints/step-000004.pt", weights_only=True)
    torch.save({**checkpoint, "finished_stages": {"base": 2}}, run.path / "checkpoints/step-000004.pt")
    command = ["-m", "vgbench", "train", "mdgan", "--resume", str(run.path), "--device", "cpu", "--devices", "2"]
    resumed = completed([sys.executable, *command])
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.count("Done after 6 steps") == 1
    assert open_run(run.path).record.processes == 2
    assert [line["step"] for line in read_log(run.path)] == [1, 2, 3, 4, 6]


@pytest.mark.slow
def test_an_interruption_stops_all_processes_at_one_step_and_is_resumable(tiny):
    command = [sys.executable, "-m", "vgbench", *training(tiny, "--steps", "5000", "--devices", "2", "--checkpoint-every", "2")]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not any(Path("runs").glob("*/checkpoints/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C in a terminal does
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, stderr
    assert "Interrupted after" in stdout
    (path,) = Path("runs").iterdir()
    record = json.loads((path / "run.json").read_text())
    assert record["status"] == "interrupted"
    assert (path / f"checkpoints/step-{record['step']:06d}.pt").exists()


FAILING = """
import sys
from vgbench import DataError
from vgbench.data.loader import ClipCache
from vgbench.training.host import is_first_process
from vgbench.__main__ import main

read = ClipCache.read
def fail(self, clip, reads=[]):
    reads.append(clip)
    if not is_first_process() and len(reads) > 8:
        raise DataError("the disk of this machine is gone")
    return read(self, clip)

ClipCache.read = fail
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_clip_that_another_process_cannot_read_costs_no_step(tiny):
    Path("failing.py").write_text(FAILING)
    options = ("--stage", "base", "--steps", "20", "--devices", "2", "--workers", "0", "--preview-every", "0")
    done = completed([sys.executable, "failing.py", *training(tiny, *options)])
    assert done.returncode != 0
    assert "the disk of this machine is gone" in done.stderr
    (path,) = Path("runs").iterdir()
    (kept,) = (path / "checkpoints").iterdir()
    assert kept.name == "step-000004.pt"  # two clips per step in each process


def test_what_contradicts_itself_is_refused_before_anything_starts(tiny, vgbench):
    ran = vgbench(*training(tiny, "--devices", "3"))
    assert ran.status == 1
    assert "A batch of 4 clips does not divide by 3 processes; use --set batch_size=3." in ran.err
    with pytest.raises(ConfigError, match="cuda:1 names one device and --devices 2 asks for more; use --device cuda"):
        check_processes(torch.device("cuda:1"), 2, 1)


def test_machines_that_do_not_know_each_other_are_not_waited_for(monkeypatch):
    for name in ("MASTER_ADDR", "NODE_RANK", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="--nodes 2: each machine must know the others. Start it with torchrun or srun"):
        check_processes(torch.device("cpu"), 1, 2)
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    monkeypatch.setenv("NODE_RANK", "1")
    check_processes(torch.device("cpu"), 1, 2)


def test_torchruns_number_of_processes_must_be_the_asked_one(monkeypatch):
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("LOCAL_WORLD_SIZE", "2"), ("WORLD_SIZE", "4")):
        monkeypatch.setenv(name, value)
    check_processes(torch.device("cpu"), 1, 1)
    check_processes(torch.device("cpu"), 2, 2)
    with pytest.raises(ConfigError, match="torchrun started 4 processes, but --devices 3 --nodes 1 asks for 3"):
        check_processes(torch.device("cpu"), 3, 1)


def test_the_first_process_is_known_from_what_started_it(monkeypatch):
    for name in ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert is_first_process()
    for environment, expected in (
        ({"LOCAL_RANK": "1"}, False),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, False),
        ({"LOCAL_RANK": "0", "RANK": "2"}, False),
        ({"LOCAL_RANK": "1", "RANK": "0"}, True),
        ({"SLURM_PROCID": "3"}, False),
        ({"SLURM_PROCID": "0", "LOCAL_RANK": "1"}, False),
    ):
        with monkeypatch.context() as context:
            for name, value in environment.items():
                context.setenv(name, value)
            assert is_first_process() is expected, environment
