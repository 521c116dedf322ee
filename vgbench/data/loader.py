"""Batches of clips: read ahead by threads, in an order that does not depend on how many there are."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock, current_thread
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from vgbench.data.clips import Clip, as_batch, stacked
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import ConfigError
from vgbench.interfaces import Batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Item = TypeVar("Item")
Result = TypeVar("Result")

CACHE_BYTES = 2 << 30
_THREADS = "vgbench-read"


def read_ahead(items: Iterable[Item], read: Callable[[Item], Result], *, workers: int, ahead: int) -> Iterator[Result]:
    """`read(item)` for each item in order, up to `ahead` of them being read by `workers` threads meanwhile."""
    if workers < 1:
        yield from map(read, items)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix=_THREADS)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # What was given up unfinished may be collected in one of the pool's own threads, which cannot wait for itself.
        pool.shutdown(wait=not current_thread().name.startswith(_THREADS), cancel_futures=True)


def read_batches(
    clips: Sequence[Clip], read: Callable[[Clip], Tensor], *, batch_size: int, workers: int
) -> Iterator[tuple[Sequence[Clip], Tensor]]:
    """The clips in order, `batch_size` at a time, with their pixels, uint8 (B, T, C, H, W); the next batches are read meanwhile."""
    groups = [clips[start : start + batch_size] for start in range(0, len(clips), batch_size)]
    batches = read_ahead(groups, lambda group: stacked(group, read), workers=workers, ahead=workers)
    yield from zip(groups, batches, strict=True)


class ClipCache:
    """Clips kept in memory as uint8, the least recently used dropped first."""

    def __init__(self, data: ProtocolData, max_bytes: int = CACHE_BYTES) -> None:
        self._data, self._max_bytes, self._bytes = data, max_bytes, 0
        self._clips: OrderedDict[str, Tensor] = OrderedDict()
        self._lock = Lock()

    def read(self, clip: Clip) -> Tensor:
        """uint8 (T, C, H, W)."""
        with self._lock:
            if clip.clip_id in self._clips:
                self._clips.move_to_end(clip.clip_id)
                return self._clips[clip.clip_id]
        frames = self._data.read(clip)
        with self._lock:
            if clip.clip_id not in self._clips:
                self._clips[clip.clip_id] = frames
                self._bytes += frames.nbytes
            while self._bytes > self._max_bytes and len(self._clips) > 1:
                self._bytes -= self._clips.popitem(last=False)[1].nbytes
        return frames


def check_batch_size(data: ProtocolData, batch_size: int, processes: int = 1) -> None:
    """ConfigError: the training split gives fewer clips than a batch takes, or a batch cannot be shared evenly."""
    n_clips = len(data.clips("train"))
    if n_clips < batch_size:
        raise ConfigError(
            f"The training split gives {n_clips} clips and a batch takes {batch_size}; "
            f"set a smaller batch with --set batch_size={n_clips}, or a shorter stride in the protocol."
        )
    if batch_size % processes:
        nearest = max(1, round(batch_size / processes)) * processes
        raise ConfigError(f"A batch of {batch_size} clips does not divide by {processes} processes; use --set batch_size={nearest}.")


class Share(NamedTuple):
    """Which part of each batch a process reads: the batch is the whole training's, and nobody reads another's clips."""

    rank: int = 0
    processes: int = 1

    def of(self, batch: Sequence[Item]) -> Sequence[Item]:
        """This process's part of a batch that divides evenly."""
        size = len(batch) // self.processes
        return batch[self.rank * size : (self.rank + 1) * size]


WHOLE = Share()


def training_order(n_clips: int, *, seed: int, position: int) -> Iterator[int]:
    """Clip indices without end, from a position on: one seeded permutation after the other, each clip once in each."""
    import torch

    epoch, offset = divmod(position, n_clips)
    while True:
        rng = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        yield from torch.randperm(n_clips, generator=rng).tolist()[offset:]
        epoch, offset = epoch + 1, 0


def training_batches(
    data: ProtocolData,
    *,
    batch_size: int,
    seed: int,
    start: int,
    workers: int,
    cache: ClipCache,
    device: torch.device,
    share: Share = WHOLE,
) -> Iterator[Batch]:
    """A process's share of batches without end from step `start` on, on the device; the same ones whether or not the run was resumed.

    batch_size: of the whole training, over all processes.
    """
    clips = data.clips("train")
    order = training_order(len(clips), seed=seed, position=start * batch_size)
    groups = iter(lambda: share.of([clips[next(order)] for _ in range(batch_size)]), None)

    def read(group: Sequence[Clip]) -> tuple[Sequence[Clip], Tensor]:
        frames = stacked(group, cache.read)
        return group, frames.pin_memory() if device.type == "cuda" else frames

    # As bytes to the device, from pinned memory and without waiting for it, and floats only there.
    for group, frames in read_ahead(groups, read, workers=workers, ahead=2 * workers):
        yield as_batch(group, frames.to(device, non_blocking=True))
