"""Training: one stage after the other, on the protocol's training clips, in a run folder that a kill leaves resumable."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vgbench.checkpoint import Checkpoint, load_checkpoint, newest_checkpoint, restore, save_checkpoint
from vgbench.config import plain
from vgbench.errors import RunError, TrainingError
from vgbench.host import FabricHost
from vgbench.interfaces import Stage, StepResult, TrainableGenerator
from vgbench.interruption import Interruption
from vgbench.loader import ClipCache, check_batch_size, to_device, training_batches
from vgbench.logbook import Logbook
from vgbench.observer import Observer, TrainingProgress
from vgbench.plan import Budget, TrainingPlan, plan_from_run, plan_training
from vgbench.plugins import load_plugins
from vgbench.preview import write_strip
from vgbench.protocol import DEFAULT_PROTOCOL, Protocol
from vgbench.registry import load_registry
from vgbench.runs import DEFAULT_RUNS, Run, closing_run, create_run, locate_run, write_text
from vgbench.windows import ProtocolData

LOG_EVERY = 10
CHECKPOINT_SECONDS = 600
"""A checkpoint is written at least so often, whatever the number of steps."""
KEPT_CHECKPOINTS = 2
"""Of the stage at work; the last one of each finished stage stays as well."""
SLOW_MINUTES = 20
"""A training on a CPU that will take longer says so after its second step."""


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
    steps: int | None = None,
    max_minutes: float | None = None,
    device: str = "auto",
    precision: str = "auto",
    seed: int | None = None,
    runs: Path = DEFAULT_RUNS,
    checkpoint_every: int = 500,
    preview_every: int = 200,
    workers: int = 2,
    observer: Observer | None = None,
) -> Run:
    """Train a generator on a protocol's training clips; returns the run.

    steps, max_minutes: of the whole training, shared between the stages as the preset says.  stage: one stage alone, or "all";
    a later one starts from the weights of `start_from` (a run or a file), else of the newest run that fits.

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
        steps=steps,
        max_minutes=max_minutes,
        device=device,
        precision=precision,
        seed=seed,
        runs=runs,
    )
    opened = ProtocolData(plan.protocol, data or {})
    check_batch_size(opened, plan.schedule.batch_size)
    run = create_run(runs, "train", plan.entry.short_name, plan.record())
    write_text(run.path / "config.toml", plan.to_toml())
    training = Training(run, plan, opened, checkpoint_every, preview_every, workers, observer or Observer())
    return training.run_all()


def resume_training(
    run: str,
    *,
    generator: str | None = None,
    data: Mapping[str, Path] | None = None,
    device: str = "auto",
    runs: Path = DEFAULT_RUNS,
    checkpoint_every: int = 500,
    preview_every: int = 200,
    workers: int = 2,
    observer: Observer | None = None,
) -> Run:
    """Go on with an interrupted or killed training from its newest checkpoint, as if it had never stopped.

    run: a run's folder or name, or "latest".  On the CPU the weights end up the same bits as without the interruption.

    RunError: there is no such run, it is of another generator, or it is done already.
    """
    located = locate_run(run, runs, "train")
    trained = str(located.record.get("generator"))
    if generator is not None and trained != load_registry().generators.get(generator).full_name:
        raise RunError(f"{located.path} is a run of {trained}, not of {generator}.")
    if located.record["status"] == "done":
        raise RunError(f"{located.path} is done; there is nothing to resume.")
    plan = plan_from_run(located, device)
    opened = ProtocolData(plan.protocol, data or {})
    return Training(located, plan, opened, checkpoint_every, preview_every, workers, observer or Observer()).run_all()


class Training:
    """A training at work: the loop over stages and steps, and everything around a step."""

    def __init__(
        self, run: Run, plan: TrainingPlan, data: ProtocolData, checkpoint_every: int, preview_every: int, workers: int, observer: Observer
    ) -> None:
        self.run, self.plan, self.data, self.observer, self.workers = run, plan, data, observer, workers
        self.checkpoint_every, self.preview_every = checkpoint_every, preview_every
        self.host = FabricHost(device=plan.device, precision=plan.precision, seed=plan.seed)
        self.generator: TrainableGenerator = plan.build()
        self.cache = ClipCache(data)
        self.step = 0
        self.finished: dict[str, int] = {}
        self.elapsed = dict.fromkeys(plan.budgets, 0.0)
        self.saved_at = time.monotonic()

    def run_all(self) -> Run:
        """Train every stage of the plan that is not finished yet."""
        self.run.record["status"] = "running"
        resumed = self._restored()
        self.observer.run_started(self.run)
        with closing_run(self.run), Logbook(self.run.path, last_step=self.step) as self.logbook, Interruption() as interruption:
            self._check_videos()
            for name, budget in self.plan.budgets.items():
                if name not in self.finished:
                    at_work = resumed if resumed is not None and resumed.stage == name else None
                    if not self._train_stage(name, budget, at_work, interruption):
                        self.run.record["status"] = "interrupted"
                        break
        return self.run

    def _check_videos(self) -> None:
        """RunError: a resumed run would go on with other training videos than it began with."""
        videos = self.data.training_videos()
        if self.run.record.setdefault("training_videos", videos) != videos:
            raise RunError(f"{self.run.path} was begun with other training videos; give it the folder it began with (--data NAME=DIR).")

    def _restored(self) -> Checkpoint | None:
        """The newest checkpoint, its generator's weights and counters in place; None where the run starts fresh."""
        try:
            path = newest_checkpoint(self.run.path)
        except RunError:
            self._start_weights()
            return None
        checkpoint = load_checkpoint(path)
        restore(self.generator, checkpoint, name=self.plan.entry.full_name, path=path)
        self.step, self.finished = checkpoint.step, dict(checkpoint.finished_stages)
        self.elapsed |= checkpoint.elapsed
        self.host.rng.set_state(checkpoint.rng)
        return checkpoint

    def _start_weights(self) -> None:
        """The weights of the stages that this training builds on, where it does not begin with the first."""
        if self.plan.start is not None:
            path = Path(self.plan.start)
            restore(self.generator, load_checkpoint(path), name=self.plan.entry.full_name, path=path)

    def _train_stage(self, name: str, budget: Budget, resumed: Checkpoint | None, interruption: Interruption) -> bool:
        """Train one stage until its budget is spent; False where it was interrupted."""
        self.host.forget_optimizers()
        stage, stage_step = self.generator.stage(name, self.host), 0
        if resumed is not None:
            restore(self.generator, resumed, name=self.plan.entry.full_name, path=self.run.path)
            stage.load_state_dict(resumed.stage_state)
            self.host.rng.set_state(resumed.rng)
            stage_step = resumed.stage_step
        batches = training_batches(
            self.data,
            batch_size=self.plan.schedule.batch_size,
            seed=self.plan.seed,
            start=self.step,
            workers=self.workers,
            cache=self.cache,
        )
        first_step = stage_step
        while not budget.is_spent(stage_step, self.elapsed[name]):
            started = time.monotonic()
            batch = to_device(next(batches), self.plan.device)
            result = stage.step(batch)
            self.step, stage_step = self.step + 1, stage_step + 1
            losses = self._checked_losses(name, result)
            seconds = time.monotonic() - started
            self.elapsed[name] += seconds
            if stage_step == first_step + 2:
                self._say_if_slow(seconds)
            is_last = budget.is_spent(stage_step, self.elapsed[name])
            self._log(name, stage_step, is_last, losses, result, seconds)
            self._announce(name, stage_step, budget, losses, seconds)
            if is_last:
                self.finished[name] = stage_step
            if is_last or self._is_preview_due(stage_step):
                write_strip(
                    self.run.folder("clips") / f"preview-{name}-{self.step:06d}.mp4", stage, self.data, self.cache, self.plan.device
                )
            if is_last or interruption.requested or self._is_checkpoint_due(stage_step):
                self._save(name, stage, stage_step)
            if interruption.requested and not is_last:
                return False
        return not interruption.requested

    def _checked_losses(self, name: str, result: StepResult) -> dict[str, float]:
        """The losses as numbers.

        TrainingError: one is not finite; the last checkpoint stays as it is.
        """
        losses = {term: float(value) for term, value in result.losses.items()}
        for term, value in losses.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"The loss '{term}' of {self.plan.entry.short_name} became {value} at step {self.step} (stage {name}); the others: "
                    + ", ".join(f"{other} {number:.4g}" for other, number in losses.items() if other != term)
                    + f". The last checkpoint in {self.run.path} is from before it; try a smaller learning rate (--set lr=…)."
                )
        return losses

    def _log(self, name: str, stage_step: int, is_last: bool, losses: dict[str, float], result: StepResult, seconds: float) -> None:
        if is_last or stage_step == 1 or stage_step % LOG_EVERY == 0:
            line: dict[str, Any] = {"step": self.step, "stage": name, "stage_step": stage_step, "losses": losses}
            line["diagnostics"] = {key: float(value) for key, value in result.diagnostics.items()}
            line |= {"lr": self.host.learning_rates(), "clips_per_second": round(self.plan.schedule.batch_size / seconds, 3)}
            self.logbook.write(line)

    def _announce(self, name: str, stage_step: int, budget: Budget, losses: dict[str, float], seconds: float) -> None:
        speed = self.plan.schedule.batch_size / seconds
        fraction = budget.fraction(stage_step, self.elapsed[name])
        self.observer.trained(TrainingProgress(name, stage_step, budget.steps, fraction, losses, speed))
        progress = {"stage": name, "step": self.step, "steps": budget.steps, "losses": losses, "clips_per_second": speed}
        for _ in load_plugins().call("vgbench_progressed", run=self.run, progress=progress):
            pass

    def _say_if_slow(self, seconds: float) -> None:
        """On a CPU, say how long the training will take where that is long, and which presets there are."""
        minutes = sum(budget.steps or 0 for budget in self.plan.budgets.values()) * seconds / 60
        if self.plan.device.type == "cpu" and minutes > SLOW_MINUTES and not self.plan.limits_time():
            others = [f"--preset {name}" for name in self.plan.other_presets()]
            span = f"{minutes / 60:.0f} hours" if minutes > 120 else f"{minutes:.0f} minutes"
            hint = f" Quicker choices: {', '.join(others)}, --steps N, --max-minutes MINUTES." if others else ""
            self.observer.note(f"On this CPU a step takes {seconds:.1f} s, so this training will take about {span}.{hint}")

    def _is_preview_due(self, stage_step: int) -> bool:
        return self.preview_every > 0 and stage_step % self.preview_every == 0

    def _is_checkpoint_due(self, stage_step: int) -> bool:
        by_steps = self.checkpoint_every > 0 and stage_step % self.checkpoint_every == 0
        return by_steps or time.monotonic() - self.saved_at > CHECKPOINT_SECONDS

    def _save(self, name: str, stage: Stage, stage_step: int) -> None:
        file = f"checkpoints/step-{self.step:06d}.pt"
        checkpoint = Checkpoint(
            generator=self.plan.entry.full_name,
            config=plain(self.plan.config),
            protocol=self.plan.protocol.compared(),
            stage=name,
            stage_step=stage_step,
            step=self.step,
            finished_stages=dict(self.finished),
            elapsed=dict(self.elapsed),
            generator_state=self.generator.state_dict(),
            stage_state=stage.state_dict(),
            rng=self.host.rng.get_state(),
        )
        save_checkpoint(self.run.path / file, checkpoint)
        self.run.record.setdefault("checkpoints", {})[name] = file
        self.run.record |= {"step": self.step, "elapsed": dict(self.elapsed)}
        self.run.save()
        self.saved_at = time.monotonic()
        self._prune()

    def _prune(self) -> None:
        """Drop old checkpoints, except the newest few and the last one of each stage."""
        kept = set(self.run.record["checkpoints"].values())
        for path in sorted((self.run.path / "checkpoints").glob("step-*.pt"))[:-KEPT_CHECKPOINTS]:
            if f"checkpoints/{path.name}" not in kept:
                path.unlink(missing_ok=True)
