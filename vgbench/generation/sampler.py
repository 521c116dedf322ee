"""A row at work: a built generator is asked for clips, which are checked and rounded to 8 bits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from vgbench.config import plain
from vgbench.data.clips import to_float
from vgbench.errors import GeneratorError
from vgbench.generation.boundary import checked_output, clip_seed, to_uint8
from vgbench.generation.rows import Row
from vgbench.generation.source import ClipSource, Sampled
from vgbench.interfaces import Generator, ReferenceGenerator, Request
from vgbench.plugins.guard import guarded
from vgbench.plugins.isolation import isolated
from vgbench.protocol import Protocol, Task
from vgbench.runs.checkpoints import Checkpoint
from vgbench.runs.records import RowRecord

if TYPE_CHECKING:
    from torch import Tensor


class Sampler(ClipSource):
    """A row's generator, ready to be asked."""

    def __init__(self, row: Row, generator: Generator, checkpoint: Checkpoint | None) -> None:
        self.row, self.generator, self.checkpoint = row, generator, checkpoint
        self.label, self.run = row.label, row.choice.run if row.choice else None
        self.learn: Callable[[], object] | None = None
        """How it learns, where it does so by fitting and has not yet."""
        with guarded(GeneratorError, str(row), row.entry.spec.target):
            self.parameters = int(generator.parameter_count())

    def prepare(self) -> None:
        if self.learn is not None:
            self.learn()
            self.learn = None

    def samples(self, protocol: Protocol) -> int:
        # One where it is deterministic.
        return 1 if self.row.entry.spec.deterministic else protocol.task.samples

    def sample(self, clips: Tensor, clip_ids: Sequence[str], protocol: Protocol, sample: int) -> Sampled:
        """Its clips for a batch of test clips, uint8 (B, T, C, H, W), on the clips' device.

        GeneratorError: it raised, or returned what the contract does not allow.
        """
        import torch

        task = protocol.task
        drawn = sample + task.samples if self.row.is_null else sample
        seeds = tuple(clip_seed(task.seed, clip_id, drawn) for clip_id in clip_ids)
        request = Request(to_float(clips[:, : task.context]), task.frames, task.target_start, seeds)
        started = time.perf_counter()
        with torch.no_grad():
            who, entry = str(self.row), self.row.entry
            with guarded(GeneratorError, who, entry.spec.target), isolated(entry.plugin, seeds[0]):
                video = self._asked(request, clips, task)
            rounded = to_uint8(checked_output(video, request, generator=str(self.row)))
            if rounded.is_cuda:
                torch.cuda.synchronize(rounded.device)
        return Sampled(rounded, (time.perf_counter() - started) / len(clip_ids))

    def _asked(self, request: Request, clips: Tensor, task: Task) -> Tensor:
        """What the generator gives; the real frames go to one whose row is marked for it, and to no other."""
        if self.row.entry.spec.sees_reference:
            generator = cast(ReferenceGenerator, self.generator)  # as `builder` has made sure
            return generator.generate_from(request, to_float(task.target(clips)))
        return self.generator.generate(request)

    def record(self, n_lines: int) -> RowRecord:
        return RowRecord(
            label=self.row.label,
            generator=self.row.entry.full_name,
            n_lines=n_lines,
            plugin=str(self.row.entry.plugin),
            variant=self.row.variant,
            parameters=self.parameters,
            config=plain(self.generator.config),
            weights=self._weights(),
            is_reference=self.row.entry.spec.sees_reference,
        )

    def _weights(self) -> dict[str, Any] | None:
        """Where a trained row's weights come from."""
        if self.row.choice is None or self.checkpoint is None:
            return None
        return {
            "checkpoint": str(self.row.choice.checkpoint),
            "run": self.row.choice.run,
            "stage": self.checkpoint.stage,
            "step": self.checkpoint.step,
            "chosen": self.row.choice.chosen,
            "protocol": self.checkpoint.protocol,
        }
