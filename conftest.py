"""What all tests share: each test process computes with its share of the cores, and trained generators get a plain host and clips.

Where threads outnumber cores, torch takes several times as long.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from vgbench import Batch, Host

if TYPE_CHECKING:
    import torch

workers = os.environ.get("PYTEST_XDIST_WORKER_COUNT")  # unset in the process that starts them, which they inherit from
if workers is not None:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))  # read when torch is imported


class PlainHost(Host):
    """One process, the CPU, float32, nothing wrapped."""

    precision = "32"
    rank = 0
    world_size = 1

    def __init__(self, seed: int = 0) -> None:
        import torch

        self.device = torch.device("cpu")
        self.rng = torch.Generator().manual_seed(seed)

    def setup(self, module: torch.nn.Module, *optimizers: torch.optim.Optimizer) -> Any:
        return (module, *optimizers) if optimizers else module

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()


@pytest.fixture
def make_host() -> type[PlainHost]:
    return PlainHost


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """For networks that are too small for threads to help; on busy cores threads wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def make_batch() -> Callable[..., Batch]:
    """Clips of a colour gradient that drifts sideways: (clips, frames, channels, size, size)."""
    import torch

    def make(clips: int = 4, frames: int = 8, size: int = 32, channels: int = 3, seed: int = 0) -> Batch:
        rng = torch.Generator().manual_seed(seed)
        start, speed = torch.rand(2, clips, 1, 1, generator=rng)
        column = torch.linspace(0, 1, size)
        phase = start + speed * torch.arange(frames).view(1, -1, 1) / frames + column
        wave = 0.5 + 0.5 * torch.sin(6.28 * phase)  # (clips, frames, size)
        colour = torch.rand(clips, 1, channels, 1, 1, generator=rng)
        videos = (wave.view(clips, frames, 1, 1, size) * colour).expand(-1, -1, -1, size, -1).contiguous()
        names = tuple(f"clip-{index}" for index in range(clips))
        return Batch(videos, names, names)

    return make
