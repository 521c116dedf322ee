from dataclasses import replace

import pytest
import torch

from vgbench import Batch, Host
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.generator import MDGAN


class PlainHost(Host):
    """One process, the CPU, float32, nothing wrapped."""

    device = torch.device("cpu")
    precision = "32"
    rank = 0
    world_size = 1

    def __init__(self, seed=0):
        self.rng = torch.Generator().manual_seed(seed)

    def setup(self, module, *optimizers):
        return (module, *optimizers) if optimizers else module

    def backward(self, loss):
        loss.backward()


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """These networks are too small for threads to help, and on busy cores threads wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny():
    """Preset tiny on a protocol of eight frames of 32×32."""
    return MDGANConfig(size=(32, 32), frames=8, **MDGANConfig.presets["tiny"])


@pytest.fixture
def make_host():
    return PlainHost


@pytest.fixture
def make_generator(tiny):
    """MD-GAN of preset tiny, with the given values changed."""

    def make(**values):
        return MDGAN(replace(tiny, **values), device=torch.device("cpu"))

    return make


@pytest.fixture
def make_batch():
    """Clips of a colour gradient that drifts sideways: (clips, frames, 3, size, size)."""

    def make(clips=4, frames=8, size=32, channels=3, seed=0):
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
