"""What a training's stages make of the validation clips, by one metric: so that a checkpoint can be chosen without the test split."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from vgbench.config import Layer, plain, without_none
from vgbench.data.clips import stacked
from vgbench.data.loader import read_batches
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import GeneratorError
from vgbench.generation.builder import construct
from vgbench.generation.rows import Row
from vgbench.generation.sampler import Sampler
from vgbench.interfaces import TrainableGenerator
from vgbench.plugins.guard import guarded
from vgbench.scoring.lookup import find_metric
from vgbench.scoring.pooling import Column, Pooling, goodness
from vgbench.scoring.portions import Portions
from vgbench.scoring.scorer import Scorer
from vgbench.training.plan import TrainingPlan

if TYPE_CHECKING:
    import torch
    from torch import Tensor

BATCH = 8


def check_selection(metric: str, data: ProtocolData) -> None:
    """Measure a validation clip against itself, so that what a metric lacks, or cannot take, is said before anything is trained.

    DataError: there are no validation clips.  WeightsError, MetricError: as the metric says.
    """
    frames = stacked(data.clips("validation")[:1], data.read)
    Scorer([find_metric(metric)]).measure(frames, frames)


class Validation:
    """Scores the generator of a training as it is, stage by stage."""

    def __init__(
        self, plan: TrainingPlan, metric: str, data: ProtocolData, device: torch.device, workers: int, note: Callable[[str], None]
    ) -> None:
        self.metric = find_metric(metric)
        self._plan, self._data, self._device, self._workers = plan, data, device, workers
        self._scorer, self._pooling = Scorer([self.metric]), Pooling(self.metric.spec)
        self._clips = data.clips("validation")
        self._samplers: dict[str, Sampler] = {}
        self._portions = Portions("validation clips", note)

    def score(self, generator: TrainableGenerator, stage: str) -> float:
        """The metric over all validation clips.

        GeneratorError, MetricError: the generator or the metric breaks its contract.
        """
        import numpy as np

        sampler = self._sampler(stage)
        entry = self._plan.entry
        with guarded(GeneratorError, f"generator '{entry.short_name}' ({entry.plugin})", entry.spec.target):
            sampler.generator.load_state_dict(generator.state_dict())
        protocol, metric = self._plan.protocol, self.metric.short_name

        def scores_of(clips: Tensor, ids: Sequence[str], part: slice) -> list[dict[str, list[float]]]:
            generated = sampler.sample(clips[part], ids[part], protocol, 0).clips
            return self._scorer.measure(protocol.task.counted_of(generated), protocol.task.counted(clips[part])).scores

        column = Column()
        for group, frames in read_batches(self._clips, self._data.read, batch_size=BATCH, workers=self._workers):
            work = partial(scores_of, frames.to(self._device), [clip.clip_id for clip in group])
            for scores in self._portions.of_batch(len(group), work):
                column.append(scores[metric])
        return self._pooling.pooled(self._pooling.per_clip(column, np.arange(len(column))))

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether a value beats the best one so far; the first one does, unless it is NaN."""
        if best is None:
            return not math.isnan(value)
        return goodness(value, self.metric.spec) > goodness(best, self.metric.spec)

    def _sampler(self, stage: str) -> Sampler:
        """A generator beside the one in training, whose clips are that stage's."""
        if stage not in self._samplers:
            entry = self._plan.entry
            settings = entry.spec.variants.get(stage, {})
            layers = [Layer("the training", without_none(plain(self._plan.config) or {})), Layer("the variant", settings)]
            generator = construct(entry, self._plan.protocol, layers, self._device)
            self._samplers[stage] = Sampler(Row(label=stage, entry=entry, settings=settings), generator, None)
        return self._samplers[stage]
