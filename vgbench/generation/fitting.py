"""Letting a generator learn from the training clips, once: what it learned is kept in the cache, under what decides it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgbench.config import plain
from vgbench.data.clips import as_batch
from vgbench.data.loader import read_batches
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import GeneratorError, VgbenchError
from vgbench.files import cache_folder, new_file
from vgbench.generation.sampler import Sampler
from vgbench.interfaces import Batch, Generator
from vgbench.plugins.guard import guarded
from vgbench.plugins.isolation import isolated
from vgbench.plugins.registry import load_registry
from vgbench.plugins.sources import code_of
from vgbench.plugins.watchdog import still_alive
from vgbench.runs.checkpoints import read_saved

if TYPE_CHECKING:
    import torch

FIT_BATCH = 16
"""Clips in a batch of `Generator.fit`."""

_MOST_BYTES = 256 << 20
"""A generator whose state is larger learns again each time."""


def learns_by_fitting(generator: Generator) -> bool:
    """Whether the generator needs `fit`."""
    kind = type(generator)
    with guarded(GeneratorError, kind.__name__, f"{kind.__module__}:{kind.__name__}"):
        return bool(generator.needs_fit())


def fit(sampler: Sampler, data: ProtocolData, device: torch.device, *, workers: int, on_clip: Callable[[int, int], None]) -> None:
    """Let a generator learn from all training clips, or recall what it learned from the same ones before.

    on_clip: called with (clips read, clips in all).  DataError: the protocol has no training split.
    """
    clips = data.clips("train")
    file = _file_of(sampler, data, device)
    if file is not None and _is_recalled(sampler, file):
        return

    def batches() -> Iterable[Batch]:
        done = 0
        for group, frames in read_batches(clips, data.read, batch_size=FIT_BATCH, workers=workers):
            done += len(group)
            on_clip(done, len(clips))
            still_alive()
            yield as_batch(group, frames.to(device))

    entry = sampler.row.entry
    with guarded(GeneratorError, str(sampler.row), entry.spec.target), isolated(entry.plugin):
        sampler.generator.fit(batches())
    if file is not None:
        _keep(sampler, file)


def _file_of(sampler: Sampler, data: ProtocolData, device: torch.device) -> Path | None:
    """Where it would lie: the name follows from the code, the configuration, the clips' pixels and the task; None where code is unknown."""
    protocol, entry = data.protocol, sampler.row.entry
    dataset = load_registry().datasets.get(protocol.data.dataset)
    code = [code_of(plugin).get("sha256") for plugin in (entry.plugin, dataset.plugin)]
    if protocol.train is None or None in code:
        return None
    facts = {
        "format": 1,
        "generator": [entry.full_name, plain(sampler.generator.config)],
        "code": code,
        **fitted_on(data),
        "device": device.type,
    }
    name = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]
    return cache_folder() / "fitted" / f"{entry.short_name}-{name}.pt"


def fitted_on(data: ProtocolData) -> dict[str, Any]:
    """What decides the clips that a generator learns from, and what it learns them for."""
    train = data.protocol.train
    pixels = None if train is None else plain(data.pack_key(train.split))
    return {"pixels": pixels, "windows": plain(train), "task": plain(data.protocol.task)}


def _is_recalled(sampler: Sampler, file: Path) -> bool:
    """Whether the generator now knows what is in the file; one that is missing, damaged or not its own is as none."""
    entry = sampler.row.entry
    try:
        state = read_saved(file)
        with guarded(GeneratorError, str(sampler.row), entry.spec.target), isolated(entry.plugin):
            sampler.generator.load_state_dict(state)
    except VgbenchError:
        return False
    return True


def _keep(sampler: Sampler, file: Path) -> None:
    """Keep what the generator has learned; where that cannot be written, or is much, it will be learned again."""
    import torch

    entry = sampler.row.entry
    with guarded(GeneratorError, str(sampler.row), entry.spec.target), isolated(entry.plugin):
        state = sampler.generator.state_dict()
    if not state or _size(state) > _MOST_BYTES:
        return
    with suppress(OSError, RuntimeError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with new_file(file) as temporary:
            torch.save(dict(state), temporary)


def _size(state: Any) -> int:
    """The bytes of the tensors in it."""
    if isinstance(state, dict):
        return sum(map(_size, state.values()))
    if isinstance(state, list | tuple):
        return sum(map(_size, state))
    return int(getattr(state, "nbytes", 0))
