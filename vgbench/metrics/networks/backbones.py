"""The convolutional parts of the networks that LPIPS looks through, their parameters named as torchvision names them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vgbench.weights.shapes import ALEX_CONVOLUTIONS, SQUEEZE_FIRES, VGG_CONVOLUTIONS


class Backbone(nn.Module):
    """Layers in a row, some of which are tapped."""

    def __init__(self, layers: Sequence[nn.Module], taps: Sequence[int]) -> None:
        super().__init__()
        self.features = nn.Sequential(*layers)
        self.taps = frozenset(taps)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(N, 3, H, W) → the output of each tapped layer, (N, C, h, w)."""
        tapped = []
        for place, layer in enumerate(self.features):
            images = layer(images)
            if place in self.taps:
                tapped.append(images)
            if len(tapped) == len(self.taps):
                break
        return tapped


def alex() -> Backbone:
    """AlexNet, A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014."""
    geometry = {0: (4, 2), 3: (1, 2), 6: (1, 1), 8: (1, 1), 10: (1, 1)}
    layers: list[nn.Module] = []
    for place, (after, before, size, _) in ALEX_CONVOLUTIONS.items():
        stride, padding = geometry[place]
        layers += [nn.Conv2d(before, after, size, stride, padding), nn.ReLU(inplace=True)]
        if place in (0, 3):
            layers.append(nn.MaxPool2d(3, 2))
    return Backbone(layers, (1, 4, 7, 9, 11))


def vgg() -> Backbone:
    """VGG16, K. Simonyan, A. Zisserman, ICLR 2015."""
    layers: list[nn.Module] = []
    for place, (after, before, size, _) in VGG_CONVOLUTIONS.items():
        if place > len(layers):
            layers.append(nn.MaxPool2d(2))
        layers += [nn.Conv2d(before, after, size, padding=1), nn.ReLU(inplace=True)]
    return Backbone(layers, (3, 8, 15, 22, 29))


def squeeze() -> Backbone:
    """SqueezeNet 1.1, F. Iandola et al., 2016."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 2), nn.ReLU(inplace=True)]
    for place, channels in SQUEEZE_FIRES.items():
        if place > len(layers):
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        layers.append(_Fire(*channels))
    return Backbone(layers, (1, 4, 7, 9, 10, 11, 12))


class _Fire(nn.Module):
    """Squeeze, then expand in two ways."""

    def __init__(self, before: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(before, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        squeezed = self.squeeze(images).relu_()
        return torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], dim=1).relu_()
