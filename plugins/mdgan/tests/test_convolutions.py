"""The outermost convolutions in blocks are the convolutions that they stand for."""

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch.nn import functional

from vgbench_mdgan.convolutions import OuterConvolution, OuterTransposedConvolution, convolve_in_blocks, transpose_in_blocks

SHAPES = {
    "batch": st.integers(1, 2),
    "inputs": st.integers(1, 9),
    "outputs": st.integers(1, 9),
    "frames": st.integers(1, 4),
    "height": st.integers(1, 5),
    "width": st.integers(1, 5),
    "seed": st.integers(0, 99),
}


def check_same(plain, blocks, video, weight):
    """Values and gradients, in float64."""
    expected, found = plain(video, weight), blocks(video, weight)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    direction = torch.randn_like(expected)
    wanted, got = (torch.autograd.grad(output, (video, weight), direction) for output in (expected, found))
    torch.testing.assert_close(got, wanted, rtol=1e-11, atol=1e-11)


def tensors(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True) for shape in shapes]


@settings(deadline=None)
@given(**SHAPES)
def test_blocks_are_convolved_as_pixels_are(batch, inputs, outputs, frames, height, width, seed):
    video, weight = tensors(seed, (batch, inputs, frames, 2 * height, 2 * width), (outputs, inputs, 3, 4, 4))
    check_same(lambda v, w: functional.conv3d(v, w, stride=(1, 2, 2), padding=1), convolve_in_blocks, video, weight)


@settings(deadline=None)
@given(**SHAPES)
def test_blocks_are_the_outputs_of_the_transposed_convolution(batch, inputs, outputs, frames, height, width, seed):
    video, weight = tensors(seed, (batch, inputs, frames, height, width), (inputs, outputs, 3, 4, 4))
    check_same(lambda v, w: functional.conv_transpose3d(v, w, stride=(1, 2, 2), padding=1), transpose_in_blocks, video, weight)


@pytest.mark.parametrize("blocks", [convolve_in_blocks, transpose_in_blocks])
def test_gradients_of_blocks_have_gradients_as_r1_asks_for(blocks):
    video, weight = tensors(0, (1, 2, 2, 4, 4), (2, 2, 3, 4, 4))
    assert torch.autograd.gradgradcheck(blocks, (video, weight))


@pytest.mark.parametrize("layer", [OuterConvolution(3, 4), OuterTransposedConvolution(4, 3)])
def test_a_layer_has_the_weight_of_a_plain_convolution_and_its_bits_on_the_cpu(layer):
    plain = super(type(layer), layer).forward
    video = torch.randn(1, layer.in_channels, 2, 6, 6)
    assert list(layer.state_dict()) == ["weight"]
    assert layer(video).equal(plain(video))


def test_in_a_lower_precision_the_blocks_are_moved_in_it():
    video, weight = torch.randn(1, 3, 2, 6, 6), torch.randn(4, 3, 3, 4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = convolve_in_blocks(video, weight)
        expected = functional.conv3d(video, weight, stride=(1, 2, 2), padding=1)
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=2e-2)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("layer", [OuterConvolution(3, 32), OuterTransposedConvolution(32, 3)])
def test_on_a_gpu_the_layers_give_what_they_give_on_the_cpu(layer):
    video = torch.randn(2, layer.in_channels, 4, 32, 32, dtype=torch.float64)
    expected = layer.double()(video)
    torch.testing.assert_close(layer.cuda()(video.cuda()).cpu(), expected, rtol=1e-10, atol=1e-10)
