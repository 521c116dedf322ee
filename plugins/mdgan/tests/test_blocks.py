"""Blocks of 2×2 pixels hold the video's pixels, in whichever form they are moved."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from vgbench_mdgan import blocks

INTERPRETED = """
import torch
from vgbench_mdgan import blocks, blocks_gpu

def frames_of(video):
    return video.permute(0, 2, 3, 4, 1)

for channels, dtype in ((3, torch.float32), (1, torch.float16)):
    video = torch.randn(2, channels, 3, 6, 10, generator=torch.Generator().manual_seed(0))
    for laid_out in (video, video.contiguous(memory_format=torch.channels_last_3d)):
        expected = blocks.to_blocks(laid_out, dtype)
        empty = torch.full((2, 3, 4, 6, 2, 2, blocks.in_block(channels)), 7, dtype=dtype)
        found = blocks_gpu.to_blocks(frames_of(laid_out), empty).flatten(4).permute(0, 4, 1, 2, 3)
        assert found.equal(expected) and found.stride() == expected.stride()
    for given in (expected, expected.contiguous()):
        pixels = frames_of(given).unflatten(4, (2, 2, -1))
        back = blocks_gpu.from_blocks(pixels, torch.full((2, 3, 6, 10, channels), 7, dtype=dtype))
        assert back.equal(frames_of(blocks.from_blocks(given, channels)))
        assert back.equal(frames_of(video).to(dtype))
"""


@pytest.mark.slow
def test_interpreted_kernels_move_what_tensor_operations_move():
    pytest.importorskip("triton")
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", INTERPRETED], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture
def fresh(monkeypatch):
    kernels = blocks._kernels
    kernels.cache_clear()
    monkeypatch.setattr(blocks, "_failures", [])
    yield
    kernels.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_kernels_that_fail_are_given_up_once_and_said(monkeypatch):
    def fail(_):
        raise RuntimeError("PTX version 9.9 is not known")

    monkeypatch.setattr(blocks, "_kernels", SimpleNamespace)
    tensor = SimpleNamespace(is_cuda=True)
    with pytest.warns(UserWarning, match=r"kernels failed \(RuntimeError: PTX version 9.9 is not known\); slower tensor operations"):
        assert blocks._by_kernel(tensor, fail) is None
    assert blocks._by_kernel(tensor, fail) is None
    monkeypatch.setattr(blocks, "_failures", [])
    with pytest.raises(torch.OutOfMemoryError):
        blocks._by_kernel(tensor, lambda _: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory")))


@pytest.mark.usefixtures("fresh")
def test_a_missing_triton_is_said_once(monkeypatch):
    monkeypatch.setattr(blocks, "find_spec", lambda _: None)
    tensor = SimpleNamespace(is_cuda=True)
    with pytest.warns(UserWarning, match="Triton is not installed"):
        assert blocks._by_kernel(tensor, lambda _: 1) is None
    assert blocks._by_kernel(tensor, lambda _: 1) is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("channels", [1, 3])
def test_on_a_gpu_the_kernels_move_what_tensor_operations_move(channels):
    video = torch.randn(2, channels, 3, 66, 30, generator=torch.Generator().manual_seed(0)).requires_grad_()
    on_gpu = video.detach().cuda().requires_grad_()
    expected, found = blocks.to_blocks(video, torch.bfloat16), blocks.to_blocks(on_gpu, torch.bfloat16)
    assert found.cpu().equal(expected)
    direction = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)).bfloat16()
    expected.backward(direction)
    found.backward(direction.cuda())
    assert on_gpu.grad.cpu().equal(video.grad)
    assert blocks.from_blocks(found, channels).cpu().equal(blocks.from_blocks(expected, channels))
    assert not blocks._failures
