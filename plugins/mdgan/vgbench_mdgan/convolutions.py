"""The outermost convolutions, which have as few channels as a picture, in a form that a GPU computes faster.

Both have kernels of 3×4×4 and halve or double height and width. Read in blocks of 2×2 pixels, whose pixels become channels, a kernel of
4×4 with stride 2 is one of 2×2 blocks with stride 1: four times the channels, none of the multiplications with padding that kernels for
three channels do. It is the same function of the same weights, to rounding; tests hold it and its gradients to that in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_CHANNELS = 8
"""A GPU's matrix units take channels by eights; what is missing is filled with zeros."""


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
    video = functional.pad(_in_autocast(video), (1, 1, 1, 1))
    batch, channels, frames, height, width = video.shape
    blocks = video.view(batch, channels, frames, height // 2, 2, width // 2, 2).permute(0, 4, 6, 1, 2, 3, 5)
    taps = weight.view(len(weight), channels, 3, 2, 2, 2, 2).permute(0, 4, 6, 1, 2, 3, 5)
    blocks, taps = blocks.reshape(batch, -1, frames, height // 2, width // 2), taps.reshape(len(weight), -1, 3, 2, 2)
    missing = -blocks.shape[1] % _CHANNELS
    blocks, taps = (functional.pad(one, (0, 0, 0, 0, 0, 0, 0, missing)) for one in (blocks, taps))
    return functional.conv3d(_channels_last(blocks), _channels_last(taps), padding=(1, 0, 0))


def transpose_in_blocks(video: Tensor, weight: Tensor) -> Tensor:
    """What deconv6 gives for a video (B, C, T, H, W) and its weight (C, O, 3, 4, 4)."""
    outputs = weight.shape[1]
    # An output block of 2×2 pixels adds up what two inputs along each axis give it; as a convolution, with the taps turned round.
    taps = weight.view(len(weight), outputs, 3, 2, 2, 2, 2).permute(4, 6, 1, 0, 2, 3, 5).flip(4, 5, 6)
    taps = taps.reshape(-1, len(weight), 3, 2, 2)
    missing = -len(taps) % _CHANNELS
    taps = functional.pad(taps, (0, 0, 0, 0, 0, 0, 0, 0, 0, missing))
    blocks = functional.conv3d(_channels_last(_in_autocast(video)), _channels_last(taps), padding=1)[:, : 4 * outputs]
    batch, _, frames, height, width = blocks.shape
    pixels = blocks.reshape(batch, 2, 2, outputs, frames, height, width).permute(0, 3, 4, 5, 1, 6, 2)
    return pixels.reshape(batch, outputs, frames, 2 * height, 2 * width)[..., 1:-1, 1:-1]


def _in_autocast(video: Tensor) -> Tensor:
    """In the precision that the convolution would cast it to, so that what is moved before is half as long."""
    kind = video.device.type
    return video.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) and video.dtype == torch.float32 else video


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last_3d)
