"""A training at work: the loop over stages and steps, and everything around a step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgbench.config import plain
from vgbench.data.loader import ClipCache, Share, training_batches
from vgbench.data.protocol_data import ProtocolData
from vgbench.devices import is_out_of_memory
from vgbench.errors import RunError, TrainingError, VgbenchError
from vgbench.interfaces import Batch, Stage, StepResult, TrainableGenerator
from vgbench.plugins.guard import guarded, place_of
from vgbench.plugins.observers import Observer, TrainingProgress
from vgbench.runs.checkpoints import Checkpoint, load_checkpoint, newest_checkpoint, restore
from vgbench.runs.run import TrainRun
from vgbench.training.budget import Budget
from vgbench.training.health import Watch, out_of_memory
from vgbench.training.host import FabricHost
from vgbench.training.interruption import Interruption
from vgbench.training.journal import Journal, RunJournal, best_file
from vgbench.training.options import ResumeOptions
from vgbench.training.plan import TrainingPlan
from vgbench.training.preview import Preview
from vgbench.training.readings import Readings, Step
from vgbench.training.validation import Validation

if TYPE_CHECKING:
    from torch import Tensor

LOG_EVERY = 10
CHECKPOINT_SECONDS = 600
"""A checkpoint is written at least so often, whatever the number of steps."""
SLOW_MINUTES = 20
"""A training on a CPU that will take longer says so after its second step."""


class Training:
    """The loop over stages and steps; every process runs it, and the first one's journal writes."""

    def __init__(
        self, run: TrainRun, plan: TrainingPlan, data: ProtocolData, host: FabricHost, options: ResumeOptions, observer: Observer
    ) -> None:
        self.run, self.plan, self.data, self.host, self.options = run, plan, data, host, options
        self.journal = RunJournal(run, observer) if host.rank == 0 else Journal()
        self.generator: TrainableGenerator = plan.build(host.device)
        self.cache = ClipCache(data)
        self.reads_late = reads_late(host)
        self.step = 0
        self.finished: dict[str, int] = {}
        self.elapsed = dict.fromkeys(plan.budgets, 0.0)
        self.saved_at = time.monotonic()
        self.validation: Validation | None = None
        if plan.select_by:
            self.validation = Validation(plan, plan.select_by, data, host.device, options.workers, self.journal.warn)
        self.best: dict[str, float] = {stage: best.value for stage, best in run.record.best.items()}

    def run_all(self) -> TrainRun:
        """Train every stage of the plan that is not finished yet."""
        self.run.record = replace(self.run.record, status="running", processes=self.host.world_size)
        resumed = self._restored()
        with self.journal.opened(self.step), Interruption() as interruption:
            self._check_videos()
            for name, budget in self.plan.budgets.items():
                if name not in self.finished:
                    at_work = resumed if resumed is not None and resumed.stage == name else None
                    if not self._train_stage(name, budget, at_work, interruption):
                        self.run.record = replace(self.run.record, status="interrupted")
                        self.run.ended_by = interruption.number
                        break
            self.host.wait()
        return self.run

    def _check_videos(self) -> None:
        """RunError: the training videos of a resumed run are not those it began with."""
        videos = self.data.training_videos()
        if self.run.record.training_videos is None:
            self.run.record = replace(self.run.record, training_videos=videos)
        if self.run.record.training_videos != videos:
            raise RunError(f"{self.run.path} was begun with other training videos; give it the folder it began with (--data NAME=DIR).")

    def _restored(self) -> Checkpoint | None:
        """The newest checkpoint, its generator's weights and counters in place; None where the run starts fresh."""
        try:
            path = newest_checkpoint(self.run.path)
        except RunError:
            self._take_weights(self.plan.start)
            return None
        checkpoint = load_checkpoint(path)
        restore(self.generator, checkpoint, name=self.plan.entry.full_name, path=path)
        self.step, self.elapsed = checkpoint.step, self.elapsed | checkpoint.elapsed
        # A stage that was lengthened since is not finished any more.
        finished = checkpoint.finished_stages.items()
        self.finished = {stage: steps for stage, steps in finished if self._is_spent(stage, steps)}
        self.host.rng.set_state(checkpoint.rng)
        return checkpoint

    def _is_spent(self, stage: str, steps: int) -> bool:
        budget = self.plan.budgets.get(stage)
        return budget is None or budget.is_spent(steps, self.elapsed[stage])

    def _take_weights(self, file: str | Path | None) -> None:
        """A checkpoint's weights as those that the next stage builds on."""
        if file is not None:
            restore(self.generator, load_checkpoint(Path(file)), name=self.plan.entry.full_name, path=Path(file))

    def _train_stage(self, name: str, budget: Budget, resumed: Checkpoint | None, interruption: Interruption) -> bool:
        """Train one stage until its budget is spent; False where it was interrupted."""
        stage, stage_step = self._begin(name, resumed)
        batches, watch, first_step = self._batches(), Watch(name), stage_step
        take = self._taking(stage)
        readings = Readings(name, self.host, generator=self.plan.entry.short_name, run_path=self.run.path)
        while not budget.is_spent(stage_step, self.elapsed[name]):
            self.host.progress = budget.fraction(stage_step, self.elapsed[name])
            started = time.monotonic()
            batch = self._read(name, stage, stage_step, first_step, readings, batches)
            waited = time.monotonic() - started
            result = self._computed(name, take, batch)
            self.step, stage_step = self.step + 1, stage_step + 1
            readings.add(result, self.step, stage_step, time.monotonic() - started, waited)
            if self._may_wait(budget, name, stage_step, first_step, readings, interruption):
                continue
            steps = readings.read(is_interrupted=interruption.requested)
            self.elapsed[name] += sum(step.seconds for step in steps)
            is_last = budget.is_spent(stage_step, self.elapsed[name])
            if first_step + 2 in (step.stage_step for step in steps):
                self._say_if_slow(steps[-1].seconds)
            for step in steps:
                self._report(name, budget, step, is_last and step is steps[-1])
                for warning in watch.warnings(step.step, step.losses, step.diagnostics, step.objectives):
                    self.journal.warn(warning)
            if is_last:
                self.finished[name] = stage_step
            is_interrupted = steps[-1].is_interrupted
            if is_last or is_interrupted or self._is_checkpoint_due(stage_step):
                self._save(name, stage, stage_step)
            if is_last or _is_due(self.plan.validate_every, stage_step):
                self._validate(name, stage, stage_step)
            if is_last or _is_due(self.options.preview_every, stage_step):
                self.journal.preview(name, self.step, self._previewing(name, stage), self.data, self.cache, self.host.device)
            if is_interrupted:
                return is_last and name == list(self.plan.budgets)[-1]
        return True

    def _taking(self, stage: Stage) -> Callable[[Batch], StepResult]:
        """How steps are taken: recorded once as a CUDA graph where that can be done."""
        if self.host.device.type != "cuda" or self.host.world_size > 1 or self.plan.compiles or not stage.is_recordable:
            return stage.step
        from vgbench.training.graphs import RecordedStep

        return RecordedStep(stage)

    def _may_wait(
        self, budget: Budget, name: str, stage_step: int, first_step: int, readings: Readings, interruption: Interruption
    ) -> bool:
        """Whether this step's numbers may be read later: the GPU keeps working meanwhile, and nothing is written, shown or decided by them.

        So a loss that is not finite is found `LOG_EVERY` steps late at most, and always before a checkpoint is written.
        """
        if not self.reads_late or stage_step <= first_step + 2 or interruption.requested:
            return False
        cadences = (LOG_EVERY, self.options.preview_every, self.plan.validate_every)
        is_wanted = any(_is_due(every, stage_step) for every in cadences) or self._is_checkpoint_due(stage_step)
        return not is_wanted and not budget.is_spent(stage_step, self.elapsed[name] + readings.seconds)

    def _begin(self, name: str, resumed: Checkpoint | None) -> tuple[Stage, int]:
        """A stage and its steps so far: fresh, on the weights of the stages before it, or as it was saved."""
        self.host.forget_optimizers()
        if resumed is None:
            self.host.wait()  # until the first process has written what is read here
            for earlier in self.finished:
                if earlier in self.best:
                    self._take_weights(self.run.path / best_file(earlier))
        with self._guarded(name):
            stage = self.generator.stage(name, self.host)
        if not isinstance(stage, Stage):
            raise TrainingError(f"{self._who(name)} is a {type(stage).__name__}, not a vgbench.Stage.")
        if resumed is None:
            return stage, 0
        restore(self.generator, resumed, name=self.plan.entry.full_name, path=self.run.path)
        with self._guarded(name):
            stage.load_state_dict(resumed.stage_state)
        self.host.rng.set_state(resumed.rng)
        return stage, resumed.stage_step

    def _batches(self) -> Iterator[Batch]:
        return training_batches(
            self.data,
            batch_size=self.plan.schedule.batch_size,
            seed=self.plan.seed,
            start=self.step,
            workers=self.options.workers,
            cache=self.cache,
            device=self.host.device,
            share=Share(self.host.rank, self.host.world_size),
        )

    def _read(self, name: str, stage: Stage, stage_step: int, first_step: int, readings: Readings, batches: Iterator[Batch]) -> Batch:
        """The next batch, once every process has its share.

        TrainingError: one could not read it; the training is saved as it is.
        """
        batch, failure = None, None
        try:
            batch = next(batches)
        except (VgbenchError, OSError) as error:
            failure = error
        if not self.host.any(failure is not None) and batch is not None:
            return batch
        readings.read()  # a loss among them that is not finite is the first thing to say
        if stage_step > first_step:
            self._save(name, stage, stage_step)
        raise TrainingError(
            f"The training clips cannot be read any more, at step {self.step + 1} (stage {name}): "
            f"{failure or 'another process says why'}\n"
            f"Once they can, resume with --resume {self.run.path}; {self.step} steps are kept there."
        ) from failure

    def _computed(self, name: str, take: Callable[[Batch], StepResult], batch: Batch) -> StepResult:
        """What the stage makes of a batch.

        TrainingError: memory ran out, or the stage's code raised.
        """
        try:
            with self._guarded(name, unless=self._is_the_hosts):
                result = take(batch)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise out_of_memory(
                f"{self.host.device} at step {self.step + 1} (stage {name})", len(batch.clip_ids), self.host.world_size, self.plan.precision
            ) from error
        if not isinstance(result, StepResult):
            raise TrainingError(f"{self._who(name)} returned a {type(result).__name__}, not a vgbench.StepResult.")
        return result

    def _previewing(self, name: str, stage: Stage) -> Preview:
        """The stage's `preview`.  TrainingError: its code raised."""

        def preview(batch: Batch) -> Mapping[str, Tensor]:
            with self._guarded(name):
                return dict(stage.preview(batch))

        return preview

    def _who(self, name: str) -> str:
        return f"stage {name} of generator '{self.plan.entry.short_name}' ({self.plan.entry.plugin})"

    def _guarded(self, name: str, *, unless: Callable[[BaseException], bool] | None = None) -> AbstractContextManager[None]:
        return guarded(TrainingError, self._who(name), self.plan.entry.spec.target, unless=unless)

    def _is_the_hosts(self, error: BaseException) -> bool:
        """Whether what torch raised in a step is no fault of the stage's code."""
        return isinstance(error, RuntimeError) and (is_out_of_memory(error) or not place_of(error, self.plan.entry.spec.target))

    def _report(self, name: str, budget: Budget, step: Step, is_last: bool) -> None:
        speed = self.plan.schedule.batch_size / step.seconds
        line: dict[str, Any] | None = None
        if is_last or step.stage_step == 1 or step.stage_step % LOG_EVERY == 0:
            line = {"step": step.step, "stage": name, "stage_step": step.stage_step, "losses": step.losses, "diagnostics": step.diagnostics}
            line |= {
                "lr": self.host.learning_rates(),
                "clips_per_second": round(speed, 3),
                "data_share": round(step.waited / step.seconds, 4),
            }
            self.journal.log(line)
        fraction = budget.fraction(step.stage_step, self.elapsed[name])
        progress = TrainingProgress(name, step.step, step.stage_step, budget.steps, fraction, step.losses, speed)
        self.journal.announce(progress, line)

    def _say_if_slow(self, seconds: float) -> None:
        """On a CPU, say how long the training will take where that is long, and which presets there are."""
        minutes = sum(budget.steps or 0 for budget in self.plan.budgets.values()) * seconds / 60
        if self.host.device.type == "cpu" and minutes > SLOW_MINUTES and not self.plan.limits_time():
            others = [f"--preset {name}" for name in self.plan.smaller_presets()]
            span = f"{minutes / 60:.0f} hours" if minutes > 120 else f"{minutes:.0f} minutes"
            hint = f" Quicker choices: {', '.join(others)}, --steps N, --max-minutes MINUTES." if others else ""
            self.journal.note(f"On this CPU a step takes {seconds:.1f} s, so this training will take about {span}.{hint}")

    def _validate(self, name: str, stage: Stage, stage_step: int) -> None:
        """Look how good the stage is on the validation clips, where a metric chooses the checkpoint; the first process's look counts."""
        makes_clips = name in self.plan.entry.spec.variants or name == self.plan.stages[-1]
        if self.validation is None or not makes_clips:
            return
        value = self.host.from_first(self.validation.score(self.generator, name))
        self.journal.log({"step": self.step, "stage": name, "stage_step": stage_step, "validation": {self.plan.select_by: value}})
        if self.validation.is_better(value, self.best.get(name)):
            self.best[name] = value
            self.journal.save_best(self._checkpoint(name, stage, stage_step), value)

    def _is_checkpoint_due(self, stage_step: int) -> bool:
        return _is_due(self.options.checkpoint_every, stage_step) or time.monotonic() - self.saved_at > CHECKPOINT_SECONDS

    def _save(self, name: str, stage: Stage, stage_step: int) -> None:
        self.journal.save(self._checkpoint(name, stage, stage_step))
        self.saved_at = time.monotonic()

    def _checkpoint(self, name: str, stage: Stage, stage_step: int) -> Checkpoint:
        with self._guarded(name):
            generator_state, stage_state = self.generator.state_dict(), stage.state_dict()
        return Checkpoint(
            generator=self.plan.entry.full_name,
            config=plain(self.plan.config) or {},  # a generator may have none
            protocol=self.plan.protocol.compared(),
            stage=name,
            stage_step=stage_step,
            step=self.step,
            finished_stages=dict(self.finished),
            elapsed=dict(self.elapsed),
            generator_state=generator_state,
            stage_state=stage_state,
            rng=self.host.rng.get_state(),
        )


def reads_late(host: FabricHost) -> bool:
    """Whether a step's numbers may stay on the device for a while: on one GPU; processes agree on them at each step."""
    return host.device.type == "cuda" and host.world_size == 1


def _is_due(every: int, stage_step: int) -> bool:
    return every > 0 and stage_step % every == 0
