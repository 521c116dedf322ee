"""Training: one stage after the other, on the protocol's training clips, in a run folder that a kill leaves resumable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vgbench.config import CHECKPOINT_EVERY, DEFAULT_PROTOCOL, DEFAULT_RUNS, DEFAULT_WORKERS, PREVIEW_EVERY, VALIDATE_EVERY
from vgbench.data.loader import check_batch_size
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import RunError
from vgbench.files import write_text
from vgbench.plugins.observers import Observer, begin_run, with_hooks
from vgbench.plugins.registry import load_registry
from vgbench.protocol import Protocol
from vgbench.runs.run import Run, locate_run, open_run
from vgbench.training.host import FabricHost, world_size
from vgbench.training.loop import Cadence, Training
from vgbench.training.plan import TrainingPlan, plan_from_run, plan_training
from vgbench.training.validation import check_selection


def train(
    generator: str,
    *,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    data: Mapping[str, Path] | None = None,
    preset: str | None = None,
    config: Path | None = None,
    settings: Sequence[str] = (),
    stage: str = "all",
    start_from: str | None = None,
    select_by: str | None = None,
    steps: int | None = None,
    max_minutes: float | None = None,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    precision: str = "auto",
    compiles: bool = False,
    seed: int | None = None,
    runs: Path = DEFAULT_RUNS,
    checkpoint_every: int = CHECKPOINT_EVERY,
    preview_every: int = PREVIEW_EVERY,
    validate_every: int = VALIDATE_EVERY,
    workers: int = DEFAULT_WORKERS,
    observer: Observer | None = None,
) -> Run:
    """Train a generator on a protocol's training clips; returns the run.

    steps, max_minutes: of the whole training, shared between the stages as the preset says.  stage: one stage alone, or "all";
    a later one starts from the weights of `start_from` (a run or a file), else of the newest run that fits.  select_by: a metric, by
    which each stage's best checkpoint on the protocol's validation clips is chosen, looked at every `validate_every` steps; None: the
    last one counts.  devices, nodes: how many train together; the script that called this is then started once a device, unless torchrun
    has done so.  compiles: whether the networks go through torch.compile.

    Ctrl-C saves a checkpoint and leaves the run "interrupted".  VgbenchError: whatever the user can mend.
    """
    runs = Path(runs)
    plan = plan_training(
        generator,
        protocol=protocol,
        preset=preset,
        config_file=config,
        settings=settings,
        stage=stage,
        start_from=start_from,
        select_by=select_by,
        validate_every=validate_every,
        compiles=compiles,
        steps=steps,
        max_minutes=max_minutes,
        device=device,
        precision=precision,
        seed=seed,
        runs=runs,
    )
    opened = _opened(plan, data, devices, nodes)
    host = _host(plan, devices, nodes)
    plan = replace(plan, seed=host.seed)  # which the first process drew
    run = _begun(plan, host, runs)
    cadence = Cadence(checkpoint_every=checkpoint_every, preview_every=preview_every, workers=workers)
    return Training(run, plan, opened, host, cadence, with_hooks(observer)).run_all()


def resume_training(
    run: str,
    *,
    generator: str | None = None,
    data: Mapping[str, Path] | None = None,
    device: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    runs: Path = DEFAULT_RUNS,
    checkpoint_every: int = CHECKPOINT_EVERY,
    preview_every: int = PREVIEW_EVERY,
    workers: int = DEFAULT_WORKERS,
    observer: Observer | None = None,
) -> Run:
    """Go on with an interrupted or killed training from its newest checkpoint, as if it had never stopped.

    run: a run's folder or name, or "latest".  On the CPU the weights end up the same bits as without the interruption. With another
    number of processes it continues with the same batches; the CPU's batch norm, though, normalises each process's share by itself.

    RunError: there is no such run, it is of another generator, or it is done already.
    """
    located = locate_run(run, runs, "train")
    trained = str(located.record.get("generator"))
    if generator is not None and trained != load_registry().generators.get(generator).full_name:
        raise RunError(f"{located.path} is a run of {trained}, not of {generator}.")
    if located.record["status"] == "done":
        raise RunError(f"{located.path} is done; there is nothing to resume.")
    plan = plan_from_run(located, device)
    opened = _opened(plan, data, devices, nodes)
    host = _host(plan, devices, nodes)
    cadence = Cadence(checkpoint_every=checkpoint_every, preview_every=preview_every, workers=workers)
    return Training(located, plan, opened, host, cadence, with_hooks(observer)).run_all()


def _opened(plan: TrainingPlan, data: Mapping[str, Path] | None, devices: int, nodes: int) -> ProtocolData:
    """The plan's data, which fill a batch; what does not fit is said before any process is started."""
    opened = ProtocolData(plan.protocol, data or {})
    check_batch_size(opened, plan.schedule.batch_size, world_size(devices, nodes))
    if plan.select_by is not None:
        check_selection(plan.select_by, opened)
    return opened


def _begun(plan: TrainingPlan, host: FabricHost, runs: Path) -> Run:
    """A new run, which the first process makes and every process reads."""
    path = Path()
    if host.rank == 0:
        path = begin_run(
            runs, "train", plan.entry.short_name, plan.record() | {"processes": host.world_size, "cudnn_benchmark": host.chooses_algorithms}
        ).path
        write_text(path / "config.toml", plan.to_toml())
    return open_run(host.from_first(path))


def _host(plan: TrainingPlan, devices: int, nodes: int) -> FabricHost:
    return FabricHost(device=plan.device, precision=plan.precision, seed=plan.seed, devices=devices, nodes=nodes, compiles=plan.compiles)
