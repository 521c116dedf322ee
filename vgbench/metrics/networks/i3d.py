"""I3D on RGB, the network that FVD was defined with.

J. Carreira, A. Zisserman, "Quo vadis, action recognition? A new model and the Kinetics dataset", CVPR 2017. Names, "same" padding
that is heavier at the end, norms without scale and an epsilon of 1e-3 are those of the published weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vgbench.metrics.networks.by_device import ByDevice
from vgbench.weights.shapes import I3D_MIXED, I3D_UNITS
from vgbench.weights.store import Weights, load_weights

WEIGHTS = "i3d-k400"
"""Kinetics-400, RGB: what FVD was defined with."""
EPSILON = 1e-3
Triple = tuple[int, int, int]
FIRST_LAYERS = ("Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3")


def same_padding(lengths: Sequence[int], kernel: Triple, stride: Triple) -> list[int]:
    """What `functional.pad` takes so that n becomes ⌈n / stride⌉, the odd one at the end."""
    padding: list[int] = []
    for length, size, step in zip(reversed(lengths), reversed(kernel), reversed(stride), strict=True):
        missing = max(0, (-(-length // step) - 1) * step + size - length)
        padding += [missing // 2, missing - missing // 2]
    return padding


class Unit(nn.Module):
    """Convolution, norm without scale, ReLU."""

    def __init__(self, shape: tuple[int, ...], stride: Triple = (1, 1, 1)) -> None:
        super().__init__()
        after, before, *kernel = shape
        self._kernel, self._stride = (kernel[0], kernel[1], kernel[2]), stride
        self.conv = nn.Conv3d(before, after, self._kernel, stride, bias=False)
        self.norm = nn.BatchNorm3d(after, eps=EPSILON)

    def forward(self, video: Tensor) -> Tensor:
        """(B, C, T, H, W) → the same with other channels, ⌈n / stride⌉ long."""
        padding = same_padding(video.shape[2:], self._kernel, self._stride)
        return torch.relu_(self.norm(self.conv(functional.pad(video, padding))))


class Pool(nn.Module):
    """Maximum over windows; what lies outside does not count."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self._kernel, self._stride = kernel, stride

    def forward(self, video: Tensor) -> Tensor:
        padding = same_padding(video.shape[2:], self._kernel, self._stride)
        return functional.max_pool3d(functional.pad(video, padding, value=float("-inf")), self._kernel, self._stride)


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, name: str) -> None:
        super().__init__()
        for path, shape in I3D_UNITS.items():
            if path.startswith(f"{name}."):
                _, branch, unit = path.split(".")
                if branch not in self._modules:
                    self.add_module(branch, nn.Sequential())
                self.get_submodule(branch).add_module(unit, Unit(shape))
        self._pool = Pool((3, 3, 3), (1, 1, 1))

    def forward(self, video: Tensor) -> Tensor:
        branches = [self.get_submodule(f"Branch_{index}") for index in range(4)]
        return torch.cat([*(branch(video) for branch in branches[:3]), branches[3](self._pool(video))], dim=1)


class Logits(nn.Module):
    """Means over two frames and the whole picture, then one number a class and frame."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.Conv3d_0c_1x1 = nn.Module()
        self.Conv3d_0c_1x1.conv = nn.Conv3d(1024, classes, 1)

    def forward(self, video: Tensor) -> Tensor:
        pooled = functional.avg_pool3d(video, (2, 7, 7), stride=1)
        logits: Tensor = self.Conv3d_0c_1x1.get_submodule("conv")(pooled)
        return logits.mean(dim=(2, 3, 4))


class I3d(nn.Module):
    """The whole network, for clips of 224×224 pixels and at least 9 frames."""

    def __init__(self) -> None:
        super().__init__()
        layers: dict[str, nn.Module] = {
            "Conv3d_1a_7x7": Unit(I3D_UNITS["Conv3d_1a_7x7"], (2, 2, 2)),
            "MaxPool3d_2a_3x3": Pool((1, 3, 3), (1, 2, 2)),
            "Conv3d_2b_1x1": Unit(I3D_UNITS["Conv3d_2b_1x1"]),
            "Conv3d_2c_3x3": Unit(I3D_UNITS["Conv3d_2c_3x3"]),
            "MaxPool3d_3a_3x3": Pool((1, 3, 3), (1, 2, 2)),
        }
        for name in I3D_MIXED:
            if name == "Mixed_4b":
                layers["MaxPool3d_4a_3x3"] = Pool((3, 3, 3), (2, 2, 2))
            if name == "Mixed_5b":
                layers["MaxPool3d_5a_2x2"] = Pool((2, 2, 2), (2, 2, 2))
            layers[name] = Mixed(name)
        layers["Logits"] = Logits(400)
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, video: Tensor) -> Tensor:
        """(B, 3, T, 224, 224) in [−1, 1] → (B, 400) logits, the mean over time."""
        for layer in self.children():
            video = layer(video)
        return video

    def first_layers(self, video: Tensor) -> list[Tensor]:
        """(B, 3, T, H, W) in [−1, 1] → the outputs of the first three convolutions, (B, C, t, h, w)."""
        found = []
        for name, layer in self.named_children():
            video = layer(video)
            if name in FIRST_LAYERS:
                found.append(video)
            if name == FIRST_LAYERS[-1]:
                break
        return found


def load_i3d(tensors: Mapping[str, Tensor], device: torch.device) -> I3d:
    """The network with published weights, whose norms have no scale."""
    network = I3d()
    scales = {f"{name}.norm.weight": torch.ones(shape[0]) for name, shape in I3D_UNITS.items()}
    counts = {f"{name}.norm.num_batches_tracked": torch.tensor(0) for name in I3D_UNITS}
    network.load_state_dict({**tensors, **scales, **counts})
    return network.eval().requires_grad_(False).to(device)


def i3d_by_device() -> ByDevice[Weights, I3d]:
    """The I3D that is kept under `WEIGHTS`, loaded when it is asked for."""
    return ByDevice(WEIGHTS, lambda: load_weights(WEIGHTS), lambda found, device: load_i3d(found.tensors, device))
