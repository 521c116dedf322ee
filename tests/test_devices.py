"""Choices of device and precision, and full float32 whatever the process's switches say."""

from __future__ import annotations

import subprocess
import sys
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


def test_bf16_and_tf32_are_for_gpus_that_have_them(monkeypatch):
    gpu = torch.device("cuda", 0)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    assert [choose_precision(name, gpu) for name in ("auto", "32", "tf32", "bf16")] == ["bf16", "32", "tf32", "bf16"]
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    assert [choose_precision(name, gpu) for name in ("auto", "32")] == ["32", "32"]
    for name in ("tf32", "bf16"):
        with pytest.raises(
            ConfigError, match=rf"--precision {name}: cuda:0 computes in neither bf16 nor TF32 \(compute capability 7.5\); use 32"
        ):
            choose_precision(name, gpu)


def test_a_driver_that_cannot_be_used_leaves_the_cpu():
    """What torch built for CUDA says beside a driver that is too old, or none: a warning, and that there is no device."""
    code = """
import sys, warnings, torch
from vgbench.devices import choose_device, choose_precision
from vgbench.errors import ConfigError

def is_available():
    warnings.warn("CUDA initialization: The NVIDIA driver on your system is too old (found version 11040).")
    return False

torch.cuda.is_available = is_available
device = choose_device("auto")
print(device, choose_precision("auto", device))
try:
    choose_device("cuda:1")
except ConfigError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "cpu 32"
    assert second.startswith("--device cuda:1: this build of torch (")
    assert "driver on your system is too old" in done.stderr


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
