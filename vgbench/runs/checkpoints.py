"""Checkpoints: written beside their place and renamed, read without running anything they contain."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from vgbench.config import checked
from vgbench.errors import CheckpointError, ConfigError, RunError, VgbenchError
from vgbench.files import BROKEN_FILE, new_file, torch_archive_problem, writing
from vgbench.interfaces import Generator

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A training at one step: everything that a resumed run or an evaluation needs."""

    generator: str
    """The generator's full name, `plugin/name`."""
    config: dict[str, Any]
    """Its resolved configuration, as plain values."""
    protocol: dict[str, Any]
    """The compared values of the protocol it was trained under, as flat dotted keys."""
    stage: str
    """The stage that was being trained."""
    stage_step: int
    """Steps done in that stage."""
    step: int
    """Steps done in the whole training."""
    finished_stages: dict[str, int]
    """Stage → its steps, for each stage that is complete."""
    elapsed: dict[str, float]
    """Stage → seconds of training."""
    generator_state: dict[str, Any]
    stage_state: dict[str, Any]
    rng: Any
    """The state of the host's generator of random numbers."""


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    RunError: the disk is full or the folder cannot be written; what was there before stays.
    """
    import torch

    content = {"format": FORMAT, **{field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}}
    with writing(path):
        path.parent.mkdir(exist_ok=True)
        with new_file(path) as temporary:
            _save_to(temporary, content, torch)


def _save_to(path: Path, content: Mapping[str, Any], torch: Any) -> None:
    try:
        with open(path, "wb") as file:
            torch.save(content, file)
    except RuntimeError as error:  # torch reports a failed write of its archive as a RuntimeError
        raise OSError(None, f"torch could not write it ({str(error).splitlines()[0]})") from error


def load_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint of a file; nothing in the file is executed.

    CheckpointError: it is missing, damaged, holds anything but tensors and plain values, or is no checkpoint of vgbench.
    """
    content = read_saved(path)
    names = {field.name for field in fields(Checkpoint)}
    if not isinstance(content, dict) or content.get("format") != FORMAT or not names <= set(content):
        raise CheckpointError(f"{path} is no checkpoint of `vgbench train`, or one of another version (this reads format {FORMAT}).")
    checkpoint = Checkpoint(**{name: content[name] for name in names})
    _check_types(checkpoint, path)
    return checkpoint


def load_states(files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """The state dicts that other programs saved, by the names they are given here; nothing in the files is executed.

    CheckpointError: a file is missing, damaged, or holds anything but a table of tensors.
    """
    import torch

    states = {}
    for part, path in files.items():
        content = read_saved(path)
        if not isinstance(content, Mapping) or not content or not all(isinstance(value, torch.Tensor) for value in content.values()):
            raise CheckpointError(
                f"{path} holds no state dict, a table of tensors by their names, as `torch.save(net.state_dict(), …)` gives."
            )
        states[part] = dict(content)
    return states


def read_saved(path: Path) -> Any:
    """What `torch.save` wrote, on the CPU; nothing in it is executed.  CheckpointError: the file is missing, damaged, or holds code."""
    import torch

    try:
        problem = torch_archive_problem(path)
        if problem:
            raise CheckpointError(f"{path} is damaged: {problem}.")
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no checkpoint {path}.") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is refused: it is damaged, or holds something other than tensors and plain values, which could run code when read."
        ) from error
    except BROKEN_FILE as error:
        raise CheckpointError(f"{path} is damaged, or is no checkpoint: {_first_sentence(error)}") from error


def _check_types(checkpoint: Checkpoint, path: Path) -> None:
    """CheckpointError: a field is not of the type it was saved with."""
    import torch

    hints = get_type_hints(Checkpoint) | {"rng": torch.Tensor}
    try:
        for name, hint in hints.items():
            checked(getattr(checkpoint, name), hint, where=name)
    except ConfigError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error


def restore(generator: Generator, checkpoint: Checkpoint, *, name: str, path: Path) -> None:
    """Put a checkpoint's weights into a generator.

    name: the generator's full name.  CheckpointError: the checkpoint is of another model, or its weights do not fit.
    """
    if checkpoint.generator != name:
        raise CheckpointError(f"{path} is a checkpoint of {checkpoint.generator}, not of {name}.")
    try:
        generator.load_state_dict(checkpoint.generator_state)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except VgbenchError:
        raise
    except Exception as error:
        raise CheckpointError(f"{path} does not fit {name}: {_first_sentence(error)}") from error


def state_digest(state: Any) -> str:
    """A hash over the content of a state: tensors' types, shapes and values, and plain values, whatever file they came in."""
    digest = hashlib.sha256()
    _take_in(digest, state)
    return digest.hexdigest()


def _take_in(digest: hashlib._Hash, state: Any) -> None:
    import torch

    if isinstance(state, Mapping):
        digest.update(f"table {len(state)}\0".encode())
        for key, value in state.items():
            digest.update(f"{key!r}\0".encode())
            _take_in(digest, value)
    elif isinstance(state, list | tuple):
        digest.update(f"list {len(state)}\0".encode())
        for value in state:
            _take_in(digest, value)
    elif isinstance(state, torch.Tensor):
        digest.update(f"{state.dtype} {tuple(state.shape)}\0".encode())
        digest.update(state.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    else:
        digest.update(f"{type(state).__name__} {state!r}\0".encode())


def newest_checkpoint(run_path: Path) -> Path:
    """The newest checkpoint in a run's folder.

    RunError: it has none yet.
    """
    found = step_checkpoints(run_path)
    if not found:
        raise RunError(f"{run_path} has no checkpoint yet.")
    return found[-1]


def step_checkpoints(run_path: Path) -> list[Path]:
    """The checkpoints that were written step by step, the oldest first."""
    found = {path: path.stem.removeprefix("step-") for path in (run_path / "checkpoints").glob("step-*.pt")}
    return sorted((path for path, step in found.items() if step.isdecimal()), key=lambda path: int(found[path]))


def _first_sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
