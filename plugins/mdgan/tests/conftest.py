from dataclasses import replace

import pytest
import torch

from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.generator import MDGAN


@pytest.fixture(autouse=True, scope="module")
def _one_thread(one_thread):
    """These networks are small."""


@pytest.fixture
def tiny():
    """Preset tiny on a protocol of eight frames of 32×32."""
    return MDGANConfig(size=(32, 32), frames=8, **MDGANConfig.presets["tiny"])


@pytest.fixture
def make_generator(tiny):
    """MD-GAN of preset tiny, with the given values changed."""

    def make(**values):
        return MDGAN(replace(tiny, **values), device=torch.device("cpu"))

    return make
