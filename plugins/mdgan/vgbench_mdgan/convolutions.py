"""The outermost convolutions, which have as few channels as a picture, in a form that a GPU computes faster.

Both have kernels of 3×4×4 and halve or double height and width. Read in blocks of 2×2 pixels, whose pixels become channels, a kernel of
4×4 with stride 2 is one of 2×2 blocks with stride 1: four times the channels, none of the multiplications with padding that kernels for
three channels do. It is the same function of the same weights, to rounding; tests hold it and its gradients to that in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vgbench_mdgan.blocks import from_blocks, in_block, to_blocks


class OuterConvolution(nn.Conv3d):
    """conv1: kernel 3×4×4, stride 1×2×2, padding 1, no bias."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, (3, 4, 4), (1, 2, 2), padding=1, bias=False)

    def forward(self, video: Tensor) -> Tensor:
        return convolve_in_blocks(video, self.weight) if video.is_cuda else super().forward(video)


class OuterTransposedConvolution(nn.ConvTranspose3d):
    """deconv6, the mirror of conv1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, (3, 4, 4), (1, 2, 2), padding=1, bias=False)

    def forward(self, video: Tensor, output_size: list[int] | None = None) -> Tensor:
        return transpose_in_blocks(video, self.weight) if video.is_cuda else super().forward(video, output_size)


def convolve_in_blocks(video: Tensor, weight: Tensor) -> Tensor:
    """What conv1 gives for a video (B, C, T, H, W) of even height and width and its weight (O, C, 3, 4, 4)."""
    blocks = to_blocks(video, _convolved_in(video))
    return functional.conv3d(blocks, _channels_last(_taps_of_blocks(weight)), padding=(1, 0, 0))


def transpose_in_blocks(video: Tensor, weight: Tensor) -> Tensor:
    """What deconv6 gives for a video (B, C, T, H, W) and its weight (C, O, 3, 4, 4)."""
    # An output block of 2×2 pixels adds up what two inputs along each axis give it; as a convolution, with the taps turned round.
    taps = _taps_of_blocks(weight).transpose(0, 1).flip(2, 3, 4)
    blocks = functional.conv3d(_channels_last(video.to(_convolved_in(video))), _channels_last(taps), padding=1)
    return from_blocks(blocks, weight.shape[1])


def _taps_of_blocks(weight: Tensor) -> Tensor:
    """(N, C, 3, 4, 4), pixels → (N, channels of a block, 3, 2, 2), blocks of 2×2 pixels."""
    kernels, channels = weight.shape[:2]
    taps = weight.view(kernels, channels, 3, 2, 2, 2, 2).permute(0, 4, 6, 1, 2, 3, 5)
    padded = functional.pad(taps, (0, 0, 0, 0, 0, 0, 0, in_block(channels) - channels))
    return padded.reshape(kernels, -1, 3, 2, 2)


def _convolved_in(video: Tensor) -> torch.dtype:
    """The type that the convolution casts the video to: what is moved before is half as long in it."""
    kind = video.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) and video.dtype == torch.float32 else video.dtype


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last_3d)
