"""Choices of device and precision, and full float32 whatever the process's switches say."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch

from vgbench.devices import choose_device, choose_precision, full_float32
from vgbench.errors import ConfigError


def test_without_a_gpu_auto_is_the_cpu_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    assert choose_precision("auto", torch.device("cpu")) == "32"
    with pytest.raises(ConfigError, match=r"--device cuda: this build of torch \(.*\) sees no CUDA device; use --device cpu"):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "mps"])
def test_an_unknown_device_is_refused(name):
    with pytest.raises(ConfigError, match=f"--device {name}: not a device of vgbench"):
        choose_device(name)


def switches() -> tuple[object, ...]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("allowed", [True, False])
def test_full_float32_leaves_the_switches_as_they_were(monkeypatch, allowed):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    before = switches()
    try:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
        with suppress(KeyError), full_float32():
            assert torch.backends.cuda.matmul.fp32_precision == "ieee"
            assert torch.backends.cudnn.conv.fp32_precision == "ieee"
            raise KeyError
        assert switches() == (allowed, allowed)
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_within_full_float32_a_gpu_rounds_as_float32_does():
    one = torch.randn(64, 64, 3, 3, generator=torch.Generator().manual_seed(0)).cuda()
    picture = torch.randn(1, 64, 32, 32, generator=torch.Generator().manual_seed(1)).cuda()
    expected = torch.nn.functional.conv2d(picture.double(), one.double())
    with full_float32():
        found = torch.nn.functional.conv2d(picture, one)
    assert (found - expected).abs().max() < 1e-4
