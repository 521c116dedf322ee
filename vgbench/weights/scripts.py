"""Loading TorchScript files: programs, run only from the bytes that the user added."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from vgbench.errors import WeightsError


def load_script(path: Path, device: torch.device | str = "cpu") -> Any:
    """The module in a TorchScript file, in evaluation mode.  WeightsError: it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch advises makers of such files; published ones stay as they are
            return torch.jit.load(str(path), map_location=device).eval()  # type: ignore[no-untyped-call]
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path} is no TorchScript file: {reason}") from error
