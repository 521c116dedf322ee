"""LPIPS: how differently a network that was trained on pictures sees two frames.

R. Zhang, P. Isola, A. A. Efros, E. Shechtman, O. Wang, "The unreasonable effectiveness of deep features as a perceptual metric",
CVPR 2018, equation 1, in the version 0.1 of its linear layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vgbench.devices import full_float32
from vgbench.interfaces import PairedMetric
from vgbench.metrics.moving import moving_region
from vgbench.metrics.networks import backbones
from vgbench.metrics.networks.backbones import Backbone
from vgbench.metrics.networks.by_device import ByDevice
from vgbench.metrics.pairs import check_pair, check_size
from vgbench.weights.shapes import LINEAR_CHANNELS
from vgbench.weights.store import load_weights

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""What the networks' training pictures had, on the scale from −1 to 1."""
_LAYOUT = torch.channels_last
"""A position's channels side by side, as the convolutions and the sums over channels read them."""
_PIXELS_AT_ONCE = 1 << 18
"""Pixels of frames that go through the network together; the number of frames depends on their size alone."""


class Network(NamedTuple):
    """What LPIPS needs of one network."""

    weights: str
    build: Callable[[], Backbone]
    least_size: int
    """The least height and width in pixels for which every tapped layer has an output."""


ALEX = Network("lpips-alex", backbones.alex, 31)
VGG = Network("lpips-vgg", backbones.vgg, 16)
SQUEEZE = Network("lpips-squeeze", backbones.squeeze, 17)


class Perception:
    """A network and its linear layers, ready to compare frames."""

    def __init__(self, network: Network, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        backbone = network.build()
        backbone.load_state_dict({name: tensor for name, tensor in tensors.items() if name.startswith("features.")}, strict=False)
        self._backbone = backbone.eval().requires_grad_(False).to(device).to(memory_format=_LAYOUT)  # type: ignore[call-overload]  # not in torch's types
        self._linear = [tensors[f"lin{index}.weight"].to(device) for index in range(len(LINEAR_CHANNELS[network.weights]))]
        self._shift, self._scale = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (_SHIFT, _SCALE))

    def distances(self, frames: Tensor, references: Tensor, region: Tensor | None = None) -> Tensor:
        """uint8 (T, C, H, W) twice → (T,) float64; a handful of frames of both sides at a time.

        region: bool (H, W), the pixels that count: a layer's position counts by the share of its pixels that do.
        """
        at_once = max(1, _PIXELS_AT_ONCE // frames.shape[2:].numel())
        pairs = zip(torch.split(frames, at_once), torch.split(references, at_once), strict=True)
        with full_float32():
            return torch.cat([self._distances(*pair, region) for pair in pairs])

    def _distances(self, frames: Tensor, references: Tensor, region: Tensor | None) -> Tensor:
        images = torch.cat([frames, references]).expand(-1, 3, -1, -1).float().div_(127.5).sub_(1)
        total = torch.zeros(len(frames), dtype=torch.float64, device=frames.device)
        images = images.sub_(self._shift).div_(self._scale).contiguous(memory_format=_LAYOUT)
        for layer, linear in zip(self._backbone(images), self._linear, strict=True):
            first, second = _normalised(layer).chunk(2)
            difference = (first - second).square_()
            found = functional.conv2d(difference, linear).double()
            total += found.mean(dim=(1, 2, 3)) if region is None else _mean_over(found, region)
        return total


def _mean_over(found: Tensor, region: Tensor) -> Tensor:
    """(T, 1, h, w) → (T,), each position by the share of its pixels that is in the region."""
    shares = functional.adaptive_avg_pool2d(region[None, None].double(), (found.shape[2], found.shape[3]))
    return (found * shares).sum(dim=(1, 2, 3)) / shares.sum()


def _normalised(features: Tensor) -> Tensor:
    """Each position's channels at length 1; zeros stay zeros."""
    length = features.square().sum(dim=1, keepdim=True).sqrt_()
    return features / length.add_(1e-10)


def lpips(
    clips: Tensor, references: Tensor, perception: Perception, network: Network, *, is_of_region: bool = False, metric: str = "lpips"
) -> Tensor:
    """Perceptual distance of each frame, 0 for identical frames.

    clips, references: uint8 (B, T, C, H, W); grey counts as three equal channels.  is_of_region: whether the moving region alone counts.
    Returns (B, T) float64, to float32's precision.

    MetricError: the frames are too small for the network, or the two tensors do not fit.
    """
    check_pair(clips, references, metric=metric)
    check_size(clips, network.least_size, metric=metric, reason=" for its network")
    with torch.no_grad():
        regions = moving_region(references) if is_of_region else [None] * len(clips)
        return torch.stack([perception.distances(*sides) for sides in zip(clips, references, regions, strict=True)])


class Lpips(PairedMetric):
    """LPIPS through one network; the weights are loaded by `prepare`."""

    def __init__(self, network: Network, *, is_of_region: bool = False) -> None:
        self.network, name = network, network.weights
        self.span, self._is_of_region = None if is_of_region else 1, is_of_region  # what moves is known of a whole clip alone
        self._perception = ByDevice(name, lambda: load_weights(name), lambda found, device: Perception(self.network, found.tensors, device))

    def prepare(self) -> None:
        self._perception.found()

    def weights(self) -> Mapping[str, str]:
        return {self.network.weights: self._perception.sha256()} if self._perception.sha256() else {}

    def measure(self, clips: Tensor, references: Tensor) -> Tensor:
        perception = self._perception.on(clips.device)
        return lpips(clips, references, perception, self.network, is_of_region=self._is_of_region, metric=self.metric_id)


def lpips_alex() -> Lpips:
    """Through AlexNet."""
    return Lpips(ALEX)


def lpips_moving() -> Lpips:
    """Through AlexNet, where the real video moves."""
    return Lpips(ALEX, is_of_region=True)


def lpips_vgg() -> Lpips:
    """Through VGG16."""
    return Lpips(VGG)


def lpips_squeeze() -> Lpips:
    """Through SqueezeNet 1.1."""
    return Lpips(SQUEEZE)
