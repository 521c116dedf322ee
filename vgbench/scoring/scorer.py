"""Scoring a batch: every metric over the same pair of tensors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from vgbench.errors import MetricError
from vgbench.interfaces import PairedMetric
from vgbench.plugins.registry import Entry
from vgbench.scoring.loaded_metric import LoadedMetric, load_metric
from vgbench.scoring.set_features import Frames, SetScorer
from vgbench.scoring.trial import Trial, forecast, timed
from vgbench.specs import MetricSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Measured(NamedTuple):
    """What a batch scored."""

    scores: list[dict[str, list[float]]]
    """For each clip: metric id → its values."""
    perfect: list[int]
    """For each clip: how many frames equal the reference in every bit."""


class Scorer:
    """The metrics of an evaluation that give every clip its values, loaded once."""

    def __init__(self, entries: Sequence[Entry[MetricSpec]]) -> None:
        self._metrics = [load_metric(entry, PairedMetric).prepared() for entry in entries]  # type: ignore[type-abstract] # only compared with

    def without(self, ids: Collection[str]) -> Scorer:
        """The same, but for some metrics."""
        kept = Scorer([])
        kept._metrics = [loaded for loaded in self._metrics if loaded.id not in ids]
        return kept

    def trial(self, clip: Tensor) -> Trial:
        """How it goes with clips such as this one, uint8 (1, T, C, H, W); tried on few frames, where a metric looks at few."""
        refused, seconds = {}, {}
        for loaded in self._metrics:
            span = loaded.metric.span
            frames = clip if span is None else clip[:, : max(span, 2)]
            try:
                taken = timed(partial(_values, loaded, frames, frames), clip.device)
                seconds[loaded.id] = taken * clip.shape[1] / frames.shape[1]
            except MetricError as error:
                refused[loaded.id] = str(error)
        return Trial(refused, seconds)

    def weights(self) -> dict[str, dict[str, str]]:
        """Metric id → the weights behind its numbers, name → sha256."""
        return {loaded.id: dict(loaded.metric.weights()) for loaded in self._metrics if loaded.metric.weights()}

    @property
    def ids(self) -> list[str]:
        """The metrics."""
        return [loaded.id for loaded in self._metrics]

    @property
    def widest_span(self) -> int:
        """How many neighbouring frames the metrics look at, at most; of those that look at whole clips see `whole_clip_metrics`."""
        return max((loaded.metric.span or 1 for loaded in self._metrics), default=1)

    @property
    def whole_clip_metrics(self) -> list[str]:
        """The metrics that cannot be measured in chunks of frames."""
        return [loaded.id for loaded in self._metrics if loaded.metric.span is None]

    def identities(self, device: torch.device) -> dict[str, str | None]:
        """Metric id → what decides its numbers for given pixels; see `LoadedMetric.identity`."""
        return {loaded.id: loaded.identity(device) for loaded in self._metrics}

    def measure(self, clips: Tensor, references: Tensor, known: Mapping[str, Sequence[Sequence[float]]] | None = None) -> Measured:
        """The scores of uint8 (B, T, C, H, W) clips against their references.

        known: metric → its values for each of the clips, where they need not be measured.

        MetricError: a metric cannot take these clips, or breaks its contract; the message names it.
        """
        scores: list[dict[str, list[float]]] = [{} for _ in clips]
        for loaded in self._metrics:
            measured = (known or {}).get(loaded.id) or _values(loaded, clips, references)
            for clip_scores, values in zip(scores, measured, strict=True):
                clip_scores[loaded.id] = list(values)
        return Measured(scores, _equal_frames(clips, references).tolist())

    def measure_chunks(self, chunks: Iterable[tuple[Tensor, Tensor]]) -> Measured:
        """The scores of one clip that comes in chunks of frames, (1, t, C, H, W) and its reference, t at least `widest_span`.

        The same bits as `measure` gives for the whole clip.  No metric may need the whole clip.
        """
        import torch

        scores: dict[str, list[float]] = {loaded.id: [] for loaded in self._metrics}
        perfect, margin = 0, self.widest_span - 1
        last: tuple[Tensor, Tensor] | None = None
        for clips, references in chunks:
            perfect += int(_equal_frames(clips, references).sum())
            carried = 0 if last is None else last[0].shape[1]
            pair = (clips, references) if last is None else (torch.cat([last[0], clips], 1), torch.cat([last[1], references], 1))
            views = {0: pair}
            for loaded in self._metrics:
                span = loaded.metric.span or 1
                skipped = max(0, carried - (span - 1))
                view = views.setdefault(skipped, (pair[0][:, skipped:], pair[1][:, skipped:]))
                if view[0].shape[1] >= span:
                    scores[loaded.id] += _values(loaded, *view)[0]
            last = (pair[0][:, -margin:], pair[1][:, -margin:]) if margin else None
        return Measured([scores], [perfect])


def _values(loaded: LoadedMetric[PairedMetric], clips: Tensor, references: Tensor) -> list[list[float]]:
    """The metric's values for each clip.  MetricError: it cannot take these clips, or breaks its contract."""
    import torch

    versions = clips._version, references._version
    with loaded.guarded():
        values = loaded.metric.measure(clips, references if loaded.entry.spec.kind == "paired" else cast("Tensor", None))
    if versions != (clips._version, references._version):
        raise MetricError(f"{loaded} changed the clips it was given; measure() must leave them as they are.")
    if not isinstance(values, torch.Tensor) or values.ndim != 2 or len(values) != len(clips) or values.shape[1] == 0:
        got = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
        raise MetricError(f"{loaded} returned {got} for {len(clips)} clips; measure() returns (B, K).")
    if values.is_complex():
        raise MetricError(f"{loaded} returned {values.dtype}; measure() returns real numbers.")
    rows: list[list[float]] = values.to("cpu", torch.float64).tolist()
    return rows


def _equal_frames(clips: Tensor, references: Tensor) -> Tensor:
    """(B,): how many frames equal the reference in every bit."""
    from vgbench.metrics.pixel.sums import error_sums

    return (error_sums(clips, references).squared == 0).sum(dim=1)


class Scorers(NamedTuple):
    """What scores an evaluation's clips."""

    clips: Scorer
    """The metrics that give every clip its values."""
    sets: SetScorer
    """The metrics that compare sets of clips."""
    seconds: Mapping[str, float] = {}
    """Metric id → what it took for one clip, once that was tried."""

    def forecast(self, n_generated: int, n_real: int) -> list[str]:
        """What to say beforehand of how long measuring so many clips takes: nothing where it is under a minute."""
        kept = {metric: taken for metric, taken in self.seconds.items() if metric in self.clips.ids or metric in self.sets.keys}
        counts = {metric: n_generated + (n_real if metric in self.sets.keys else 0) for metric in kept}
        # Metrics of one extractor share its features.
        shared = {self.sets.keys.get(metric, metric): metric for metric in reversed(list(kept))}
        text = forecast({metric: kept[metric] for metric in shared.values()}, counts)
        return [] if text is None else [text]

    def fitting(self, clip: Frames, note: Callable[[str], None]) -> tuple[Scorers, dict[str, str]]:
        """The metrics that can take clips such as this one, and why each of the others cannot, which is noted.

        MetricError: none can.
        """
        of_clips, of_sets = self.clips.trial(clip.counted), self.sets.trial(clip)
        refused = of_clips.refused | of_sets.refused
        fitting = Scorers(self.clips.without(refused), self.sets.without(refused), of_clips.seconds | of_sets.seconds)
        if refused and not fitting.clips.ids and not fitting.sets.keys:
            raise MetricError("\n".join(refused.values()))
        for metric, reason in refused.items():
            note(f"{metric} is left out: {reason}")
        return fitting, refused


def make_scorers(entries: Sequence[Entry[MetricSpec]]) -> Scorers:
    """The metrics, loaded and prepared; the first thing that is missing is the error."""
    sets = [entry for entry in entries if entry.spec.kind == "set"]
    return Scorers(Scorer([entry for entry in entries if entry not in sets]), SetScorer(sets))
