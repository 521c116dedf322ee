"""From the arrays of a published package to tensors with torchvision's names and torch's layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vgbench.errors import WeightsError
from vgbench.weights.shapes import (
    ALEX_CONVOLUTIONS,
    LINEAR_CHANNELS,
    NIQE_SHAPES,
    VGG_CONVOLUTIONS,
    backbone_shapes,
    chosen_tensors,
    i3d_shapes,
    linear_shapes,
)

Arrays = Mapping[str, NDArray[Any]]


def convert(name: str, arrays: Arrays) -> dict[str, Tensor]:
    """WeightsError: an array is missing or has another shape than the network's."""
    try:
        if name == "niqe":
            return chosen_tensors(_niqe(arrays), NIQE_SHAPES, where=f"The file of {name}", dtype=torch.float64)
        if name == "i3d-k400":
            return chosen_tensors(_i3d(arrays), i3d_shapes(), where=f"The package of {name}")
        backbone = ("AlexNet_0", ALEX_CONVOLUTIONS) if name == "lpips-alex" else ("VGG16_0", VGG_CONVOLUTIONS)
        tensors = _lpips(arrays, *backbone, layers=len(LINEAR_CHANNELS[name]))
    except KeyError as error:
        raise WeightsError(f"The weights {name} lack the array {error}.") from error
    return chosen_tensors(tensors, backbone_shapes(name) | linear_shapes(name), where=f"The package of {name}")


def _lpips(arrays: Arrays, prefix: str, convolutions: Mapping[int, tuple[int, ...]], *, layers: int) -> dict[str, Tensor]:
    tensors = {}
    for index, place in enumerate(convolutions):
        tensors[f"features.{place}.weight"] = _tensor(arrays[f"{prefix}/Conv_{index}/kernel"])
        tensors[f"features.{place}.bias"] = _tensor(arrays[f"{prefix}/Conv_{index}/bias"])
    for index in range(layers):
        tensors[f"lin{index}.weight"] = _tensor(arrays[f"NetLinLayer_{index}/Conv_0/kernel"])
    return tensors


_I3D_LEAVES = {
    "Conv_0/kernel": "conv.weight",
    "Conv_0/bias": "conv.bias",
    "BatchNorm_0/bias": "norm.bias",
    "BatchNorm_0/mean": "norm.running_mean",
    "BatchNorm_0/var": "norm.running_var",
}


def _i3d(arrays: Arrays) -> dict[str, Tensor]:
    """`params/Mixed_3b/Branch_1/Conv3d_0a_1x1/Conv_0/kernel` → `Mixed_3b.Branch_1.Conv3d_0a_1x1.conv.weight`, and so on."""
    tensors = {}
    for path, array in arrays.items():
        _, *unit, first, second = path.split("/")
        leaf = _I3D_LEAVES[f"{first}/{second}"]
        tensors[".".join([*unit, leaf])] = _tensor(array.reshape(-1) if leaf.startswith("norm.") else array)
    return tensors


def _niqe(arrays: Arrays) -> dict[str, Tensor]:
    """The model of undistorted pictures, in double precision, since the covariance is inverted."""
    found = {"mean": arrays["mu_pris_param"].reshape(-1), "covariance": arrays["cov_pris_param"]}
    for array in found.values():
        if array.dtype.kind != "f":
            raise WeightsError(f"The weights niqe are numbers; an array of the file is {array.dtype}.")
    return {name: torch.from_numpy(np.array(array, dtype=np.float64)) for name, array in found.items()}


def _tensor(array: NDArray[Any]) -> Tensor:
    """Kernels from (…, in, out) to (out, in, …); vectors as they are."""
    if array.ndim > 1:
        array = array.transpose(array.ndim - 1, array.ndim - 2, *range(array.ndim - 2))
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
