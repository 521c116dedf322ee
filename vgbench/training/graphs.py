"""A stage's step recorded once as a CUDA graph and launched whole: small networks no longer wait for the processor."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch  # noqa: TID253 - imported for a GPU alone
from torch import Tensor  # noqa: TID253

from vgbench.interfaces import Batch, Stage, StepResult

WARM_UP = 4
"""Steps taken as they are first: optimizers make their state, and cuDNN chooses its algorithms."""

logger = logging.getLogger(__name__)


class RecordedStep:
    """Takes a stage's steps: some as they are, then one that is recorded, and from there on the record with each batch's clips.

    A step that cannot be recorded, or a batch of another shape than the recorded one, is taken as it is.
    """

    def __init__(self, stage: Stage) -> None:
        self._step: Callable[[Batch], StepResult] = stage.step
        self._left = WARM_UP
        self._stream: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._graph: torch.cuda.CUDAGraph | None = None
        self._clips: Tensor | None = None
        self._result: StepResult | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether steps are launched from the record by now."""
        return self._graph is not None

    def __call__(self, batch: Batch) -> StepResult:
        if self._left > 0:
            self._left -= 1
            return self._beside(batch)
        if self._graph is None and self._left == 0:
            self._record(batch)
        if self._graph is None or self._clips is None or self._result is None or batch.clips.shape != self._clips.shape:
            return self._step(batch)
        self._clips.copy_(batch.clips, non_blocking=True)
        self._graph.replay()
        return self._result

    def _beside(self, batch: Batch) -> StepResult:
        """A step on the stream that will be recorded, as recording asks for."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = self._step(batch)
        torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def _record(self, batch: Batch) -> None:
        """Record a step; nothing of it is computed until the record is launched."""
        self._left = -1
        graph, clips = torch.cuda.CUDAGraph(), batch.clips.clone()
        try:
            # Of this thread alone: others read clips into pinned memory meanwhile.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                result = self._step(batch._replace(clips=clips))
        except RuntimeError as error:
            logger.warning("The training step cannot be recorded as a CUDA graph, and is taken as it is: %s", str(error).split("\n")[0])
            return
        self._graph, self._clips, self._result = graph, clips, result
