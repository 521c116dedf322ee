"""The folder of weights: what is there, read back only where every byte is what it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from vgbench.errors import WeightsError
from vgbench.files import new_file
from vgbench.weights.known import KnownWeights, known_weights


class Weights(NamedTuple):
    """A network's tensors."""

    name: str
    tensors: dict[str, Tensor]
    sha256: str
    """Of the file they came from, as it was published: what results name them by."""


class WeightsFile(NamedTuple):
    """A file of weights in the folder."""

    name: str
    path: Path
    sha256: str
    """Of the file they came from, as it was published."""
    file_sha256: str
    """Of the file in the folder."""
    origin: str
    """Where it came from."""


def weights_folder() -> Path:
    """$VGBENCH_WEIGHTS, else vgbench/weights in the user's cache folder."""
    own = os.environ.get("VGBENCH_WEIGHTS")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(own) if own else base / "vgbench" / "weights"


def load_weights(name: str) -> Weights:
    """The tensors of that name.

    UnknownName: no such weights.  WeightsError: they are not here (the message has the command that gets them), or were changed.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    found = locate_weights(name)
    try:
        return Weights(name, load_file(found.path), found.sha256)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{found.path} cannot be read: {error}. Delete it, then: {known_weights(name).how_to_get()}") from error


def locate_weights(name: str) -> WeightsFile:
    """The file of that name, its bytes compared with what they were; errors as `load_weights`."""
    known = known_weights(name)
    if not is_here(name):
        raise WeightsError(f"The weights {name} are not here. Get them with: {known.how_to_get()}{_hint(known)}")
    found = _described(known)
    if _sha256(found.path) != found.file_sha256:
        raise WeightsError(f"{found.path} is not what it was when it was stored. Delete it, then: {known.how_to_get()}")
    return found


def is_here(name: str) -> bool:
    """Whether weights of that name were stored."""
    return _record_path(name).exists()


def describe(name: str) -> WeightsFile:
    """What is known of stored weights, their bytes not looked at."""
    return _described(known_weights(name))


def store_tensors(name: str, tensors: Mapping[str, Tensor], *, sha256: str, origin: str) -> WeightsFile:
    """Keep tensors as safetensors.  WeightsError: the folder cannot be written."""
    from safetensors.torch import save_file

    with _new_file(name, ".safetensors") as path:
        save_file(dict(tensors), path, metadata={"name": name, "sha256": sha256, "origin": origin})
    return _record(name, ".safetensors", sha256, origin)


def store_file(name: str, file: Path, *, origin: str) -> WeightsFile:
    """Keep a copy of a file.  WeightsError: the folder cannot be written."""
    with _new_file(name, ".pt") as path:
        shutil.copyfile(file, path)
    return _record(name, ".pt", file_sha256(file), origin)


@contextmanager
def working_folder() -> Iterator[Path]:
    """A folder beside the weights for what is being fetched, removed in the end whatever happens.  WeightsError: as above."""
    with _writing(), tempfile.TemporaryDirectory(prefix=".fetch-", dir=_made_folder()) as path:
        yield Path(path)


def file_sha256(path: Path) -> str:
    """WeightsError: the file cannot be read."""
    try:
        return _sha256(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from error


def _hint(known: KnownWeights) -> str:
    return "" if known.package else f"  (FILE is {known.own_file}.)"


def _described(known: KnownWeights) -> WeightsFile:
    path = _record_path(known.name)
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        file = path.with_suffix("").with_name(str(record["file"]))
        if file.name != record["file"]:
            raise ValueError("its file lies elsewhere")
        return WeightsFile(known.name, file, str(record["sha256"]), str(record["file_sha256"]), str(record["origin"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is damaged: {error}. Delete it, then: {known.how_to_get()}") from error


def _record_path(name: str) -> Path:
    return weights_folder() / f"{name}.json"


def _record(name: str, suffix: str, sha256: str, origin: str) -> WeightsFile:
    """The record is written last, so that a kill before it leaves nothing that counts as stored."""
    path = weights_folder() / f"{name}{suffix}"
    found = WeightsFile(name, path, sha256, _sha256(path), origin)
    record = {"name": name, "file": path.name, "sha256": sha256, "file_sha256": found.file_sha256, "origin": origin}
    with _new_file(name, ".json") as new:
        new.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return found


@contextmanager
def _new_file(name: str, suffix: str) -> Iterator[Path]:
    """A path to write to, put into its place when the block ends well."""
    with _writing(), new_file(_made_folder() / f"{name}{suffix}") as path:
        yield path


@contextmanager
def _writing() -> Iterator[None]:
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"The weights folder {weights_folder()} cannot be written: {error}. VGBENCH_WEIGHTS names another.") from error


def _made_folder() -> Path:
    folder = weights_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
