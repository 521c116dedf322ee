"""Taking in a file of weights that the user has."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vgbench.errors import WeightsError
from vgbench.files import BROKEN_FILE
from vgbench.weights.arrays import read_arrays
from vgbench.weights.conversion import convert
from vgbench.weights.known import KnownWeights, known_weights
from vgbench.weights.scripts import load_script
from vgbench.weights.shapes import LINEAR_CHANNELS, NIQE_SHAPES, backbone_shapes, chosen_tensors, i3d_shapes, linear_shapes
from vgbench.weights.store import WeightsFile, file_sha256, store_file, store_tensors


def add_weights(name: str, file: Path) -> WeightsFile:
    """Keep the user's file under that name, after a look at what is in it.

    A state dict is read without running code. A TorchScript file is a program: it is kept byte by byte, and run when a metric uses
    it; only those very bytes will be.

    UnknownName: no such weights.  WeightsError: the file cannot be read, or is not what the network needs; the message says what.
    """
    known = known_weights(name)
    sha256 = file_sha256(file)
    if known.form == "script":
        load_script(file)
        return store_file(name, file, origin=f"your file {file.name}")
    if name == "niqe" and file.suffix == ".npz":
        return store_tensors(name, convert(name, read_arrays(file)), sha256=sha256, origin=f"your file {file.name}")
    tensors = _tensors(file)
    if name in LINEAR_CHANNELS:
        linear = tensors if "lin0.weight" in tensors else _published_linear(name)
        chosen = chosen_tensors(tensors, backbone_shapes(name), where=str(file))
        chosen |= chosen_tensors(linear, linear_shapes(name), where="The linear layers")
    elif name == "niqe":
        chosen = chosen_tensors(tensors, NIQE_SHAPES, where=str(file), dtype=torch.float64)
    else:
        chosen = chosen_tensors(tensors, i3d_shapes(), where=str(file))
    return store_tensors(name, chosen, sha256=sha256, origin=f"your file {file.name}")


def is_published(known: KnownWeights, sha256: str) -> bool:
    """Whether a sha256 is that of a published file."""
    return any(sha256.startswith(digits) for digits in known.published) or (known.package is not None and sha256 == known.package.sha256)


def _tensors(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, *BROKEN_FILE) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{file} cannot be read as a state dict without running code: {reason}") from error
    if not isinstance(loaded, Mapping) or not loaded or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError(f"{file} holds a {type(loaded).__name__}; a state dict, name → tensor, is needed.")
    return {str(key): value for key, value in loaded.items()}


def _published_linear(name: str) -> dict[str, Tensor]:
    """LPIPS v0.1's linear layers from the lpips package, which is not imported: it would ask for torchvision."""
    spec = find_spec("lpips")
    if spec is None or spec.origin is None:
        raise WeightsError("The linear layers of LPIPS come with the package lpips. Install it with: pip install --no-deps lpips")
    path = Path(spec.origin).parent / "weights" / "v0.1" / f"{name.removeprefix('lpips-')}.pth"
    loaded: dict[str, Any] = _tensors(path)
    return {key.replace(".model.1.", "."): value for key, value in loaded.items()}
