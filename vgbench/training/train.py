"""Training: one stage after the other, on the protocol's training clips, in a run folder that a kill leaves resumable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from vgbench.data.loader import check_batch_size
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import RunError
from vgbench.files import write_text
from vgbench.plugins.observers import Observer, begin_run
from vgbench.plugins.registry import load_registry
from vgbench.plugins.telling import with_hooks
from vgbench.runs.run import TrainRun, locate_run
from vgbench.training.host import FabricHost, world_size
from vgbench.training.lengthening import lengthened
from vgbench.training.loop import Training
from vgbench.training.options import ResumeOptions, TrainingOptions
from vgbench.training.plan import TrainingPlan, plan_from_run, plan_training
from vgbench.training.validation import check_selection


def train(generator: str, options: TrainingOptions | None = None, *, observer: Observer | None = None, **given: Any) -> TrainRun:
    """Train a generator on a protocol's training clips; returns the run.

    options, given: what is asked for, as `TrainingOptions` or as its fields: `train("mdgan", preset="small", steps=100)`.

    Ctrl-C saves a checkpoint and leaves the run "interrupted".  VgbenchError: whatever the user can mend.
    """
    options = replace(options or TrainingOptions(), **given)
    plan = plan_training(generator, options)
    opened = _opened(plan, options)
    host = _host(plan, options)
    plan = replace(plan, seed=host.seed)  # which the first process drew
    run = _begun(plan, host, options.runs)
    return Training(run, plan, opened, host, options, with_hooks(observer)).run_all()


def resume_training(
    run: str, options: ResumeOptions | None = None, *, generator: str | None = None, observer: Observer | None = None, **given: Any
) -> TrainRun:
    """Continue an interrupted or killed training from its newest checkpoint, as if it had never stopped; with `steps`, also one that is
    done, whose last stage then goes on.

    run: a run's folder or name, or "latest".  options, given: what may differ from before, as `ResumeOptions` or as its fields.
    On the CPU the weights end up the same bits as without the interruption. With another number of processes it continues with the
    same batches; the CPU's batch norm, though, normalises each process's share by itself.

    RunError: there is no such run, it is of another generator, or it is done already and `steps` asks for no more than it has.
    """
    options = replace(options or ResumeOptions(), **given)
    located = locate_run(run, options.runs, TrainRun)
    trained = located.record.generator
    if generator is not None and trained != load_registry().generators.get(generator).full_name:
        raise RunError(f"{located.path} is a run of {trained}, not of {generator}.")
    if located.record.status == "done" and options.steps is None:
        raise RunError(
            f"{located.path} is done; there is nothing to resume. With --steps, more than the {located.record.step} it has, it goes on."
        )
    plan = plan_from_run(located, options.device)
    if options.steps is not None:
        plan = lengthened(plan, located, options.steps)
    opened = _opened(plan, options)
    host = _host(plan, options)
    if options.steps is not None and host.rank == 0:
        write_text(located.path / "config.toml", plan.to_toml())
    return Training(located, plan, opened, host, options, with_hooks(observer)).run_all()


def _opened(plan: TrainingPlan, options: ResumeOptions) -> ProtocolData:
    """The plan's data, which fill a batch; what does not fit is said before any process is started."""
    opened = ProtocolData(plan.protocol, options.data)
    check_batch_size(opened, plan.schedule.batch_size, world_size(options.devices, options.nodes))
    if plan.select_by is not None:
        check_selection(plan.select_by, opened)
    return opened


def _begun(plan: TrainingPlan, host: FabricHost, runs: Path) -> TrainRun:
    """A new run, which the first process makes and every process reads."""
    path = Path()
    if host.rank == 0:
        record = replace(plan.record(), processes=host.world_size, cudnn_benchmark=host.chooses_algorithms)
        path = begin_run(TrainRun, runs, plan.entry.short_name, record).path
        write_text(path / "config.toml", plan.to_toml())
    return locate_run(str(host.from_first(path)), runs, TrainRun)


def _host(plan: TrainingPlan, options: ResumeOptions) -> FabricHost:
    return FabricHost(
        device=plan.device,
        precision=plan.precision,
        seed=plan.seed,
        devices=options.devices,
        nodes=options.nodes,
        compiles=plan.compiles,
    )
