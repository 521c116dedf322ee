"""Batch norm over a video's stacked frames is batch norm of the video."""

import copy

import pytest
import torch

from vgbench.learning import VideoNorm

LAYOUTS = [torch.contiguous_format, torch.channels_last_3d]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("is_training", [True, False])
def test_stacked_frames_are_normalised_as_the_video_is(layout, is_training):
    rng = torch.Generator().manual_seed(0)
    plain = VideoNorm(6).double().train(is_training)
    for value in (plain.weight.data, plain.bias.data, plain.running_mean, plain.running_var):
        value.copy_(torch.rand(6, generator=rng, dtype=torch.float64) + 0.5)
    stacked = copy.deepcopy(plain)
    shape = (2, 6, 3, 4, 5)
    video = torch.randn(shape, generator=rng, dtype=torch.float64).contiguous(memory_format=layout).requires_grad_()
    direction = torch.randn(shape, generator=rng, dtype=torch.float64)
    expected, found = plain(video), stacked.over_stacked_frames(video)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert found.stride() == expected.stride()
    wanted, got = (
        torch.autograd.grad(output, (video, norm.weight, norm.bias), direction) for output, norm in ((expected, plain), (found, stacked))
    )
    torch.testing.assert_close(got, wanted, rtol=1e-11, atol=1e-11)
    for (name, value), other in zip(plain.state_dict().items(), stacked.state_dict().values(), strict=True):
        torch.testing.assert_close(other, value, msg=name)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_on_a_gpu_it_is_that_of_the_cpu(layout):
    video = torch.randn(2, 8, 4, 16, 16, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=layout)
    norm = VideoNorm(8)
    expected = norm(video)
    found = copy.deepcopy(norm).cuda()(video.cuda())
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-5)
