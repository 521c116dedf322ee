"""The tensors that a network's weights must have, under torchvision's names."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vgbench.errors import WeightsError

Shapes = dict[str, tuple[int, ...]]

ALEX_CONVOLUTIONS = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}
"""Place among the features → (out, in, height, width)."""
VGG_CONVOLUTIONS = {
    place: (after, before, 3, 3)
    for place, before, after in zip(
        (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
        (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512),
        (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512),
        strict=True,
    )
}
SQUEEZE_FIRES = {
    3: (64, 16, 64),
    4: (128, 16, 64),
    6: (128, 32, 128),
    7: (256, 32, 128),
    9: (256, 48, 192),
    10: (384, 48, 192),
    11: (384, 64, 256),
    12: (512, 64, 256),
}
"""Place → (in, squeezed, expanded twice)."""
I3D_MIXED = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
"""Channels of branch 0, of branch 1 within and out, of branch 2 within and out, of branch 3."""
NIQE_SHAPES: Shapes = {"mean": (36,), "covariance": (36, 36)}
LINEAR_CHANNELS = {
    "lpips-alex": (64, 192, 384, 256, 256),
    "lpips-vgg": (64, 128, 256, 512, 512),
    "lpips-squeeze": (64, 128, 256, 384, 384, 512, 512),
}
"""Channels of each tapped layer, one linear layer each."""


def backbone_shapes(name: str) -> Shapes:
    """The convolutions of an LPIPS network."""
    if name == "lpips-squeeze":
        return _squeeze_shapes()
    shapes: Shapes = {}
    for place, shape in (ALEX_CONVOLUTIONS if name == "lpips-alex" else VGG_CONVOLUTIONS).items():
        shapes |= {f"features.{place}.weight": shape, f"features.{place}.bias": shape[:1]}
    return shapes


def linear_shapes(name: str) -> Shapes:
    """The linear layers of LPIPS on that network."""
    return {f"lin{index}.weight": (1, channels, 1, 1) for index, channels in enumerate(LINEAR_CHANNELS[name])}


def i3d_shapes() -> Shapes:
    """The convolutions of I3D and the norms behind them."""
    shapes: Shapes = {}
    for name, shape in I3D_UNITS.items():
        shapes[f"{name}.conv.weight"] = shape
        shapes |= {f"{name}.norm.{part}": shape[:1] for part in ("bias", "running_mean", "running_var")}
    return shapes | {"Logits.Conv3d_0c_1x1.conv.weight": (400, 1024, 1, 1, 1), "Logits.Conv3d_0c_1x1.conv.bias": (400,)}


def _i3d_units() -> Shapes:
    units: Shapes = {"Conv3d_1a_7x7": (64, 3, 7, 7, 7), "Conv3d_2b_1x1": (64, 64, 1, 1, 1), "Conv3d_2c_3x3": (192, 64, 3, 3, 3)}
    before = 192
    for name, (one, two_first, two, three_first, three, four) in I3D_MIXED.items():
        units |= {
            f"{name}.Branch_0.Conv3d_0a_1x1": (one, before, 1, 1, 1),
            f"{name}.Branch_1.Conv3d_0a_1x1": (two_first, before, 1, 1, 1),
            f"{name}.Branch_1.Conv3d_0b_3x3": (two, two_first, 3, 3, 3),
            f"{name}.Branch_2.Conv3d_0a_1x1": (three_first, before, 1, 1, 1),
            f"{name}.Branch_2.Conv3d_0b_3x3": (three, three_first, 3, 3, 3),
            f"{name}.Branch_3.Conv3d_0b_1x1": (four, before, 1, 1, 1),
        }
        before = one + two + three + four
    return units


I3D_UNITS = _i3d_units()
"""Unit → its kernel, (out, in, time, height, width), in the order of the network."""


def _squeeze_shapes() -> Shapes:
    shapes: Shapes = {"features.0.weight": (64, 3, 3, 3), "features.0.bias": (64,)}
    for place, (before, squeezed, expanded) in SQUEEZE_FIRES.items():
        parts = {"squeeze": (squeezed, before, 1, 1), "expand1x1": (expanded, squeezed, 1, 1), "expand3x3": (expanded, squeezed, 3, 3)}
        for part, shape in parts.items():
            shapes |= {f"features.{place}.{part}.weight": shape, f"features.{place}.{part}.bias": shape[:1]}
    return shapes


def chosen_tensors(tensors: Mapping[str, Tensor], shapes: Shapes, *, where: str, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """The tensors of those names, in one type; others, such as a classifier's, are left out.

    WeightsError: one is missing or of another shape; the message names it.
    """
    missing = [name for name in shapes if name not in tensors]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise WeightsError(f"{where} has no tensor {missing[0]}{more}; it has {', '.join(sorted(tensors)[:4]) or 'none'}, ….")
    for name, shape in shapes.items():
        if tuple(tensors[name].shape) != shape:
            raise WeightsError(f"{where}: {name} has the shape {tuple(tensors[name].shape)}; this network's is {shape}.")
    return {name: tensors[name].detach().to(dtype).contiguous() for name in shapes}
