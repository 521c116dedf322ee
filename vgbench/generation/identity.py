"""What decides the pixels of a row's clips, as one hash: what was made of the same before need not be made again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from vgbench.config import plain
from vgbench.data.protocol_data import ProtocolData
from vgbench.devices import arithmetic
from vgbench.generation.fitting import fitted_on, learns_by_fitting
from vgbench.generation.sampler import Sampler
from vgbench.plugins.registry import load_registry
from vgbench.plugins.sources import code_hashes
from vgbench.runs.checkpoints import state_digest

if TYPE_CHECKING:
    import torch


def row_identity(sampler: Sampler, data: ProtocolData, device: torch.device, batch_size: int) -> str | None:
    """Of a row: its generator's code and configuration, the content of its weights or what it learns from, the protocol and its data,
    the device, and the batch size, which moves the last bits of sums.  None where the code of a plugin cannot be known.

    The number of threads is not part of it, nor is it what is asked of a resumed evaluation.
    """
    entry, checkpoint = sampler.row.entry, sampler.checkpoint
    generator: dict[str, Any] = {"name": entry.full_name, "config": plain(sampler.generator.config)}
    if sampler.row.is_null:
        generator["null"] = True
    if checkpoint is not None:
        generator["weights"] = state_digest(checkpoint.generator_state)
    if learns_by_fitting(sampler.generator):
        generator["fitted"] = fitted_on(data)
    code = code_hashes(entry.plugin, load_registry().datasets.get(data.protocol.data.dataset).plugin)
    return _hash(generator=generator, code=code, protocol=data.protocol_id, batch_size=batch_size, **arithmetic(device))


def real_identity(data: ProtocolData) -> str | None:
    """Of a protocol's test clips.  None where the code of the data set's plugin cannot be known."""
    code = code_hashes(load_registry().datasets.get(data.protocol.data.dataset).plugin)
    return _hash(real=True, code=code, protocol=data.protocol_id)


def _hash(*, code: list[str] | None, **facts: Any) -> str | None:
    if code is None:
        return None
    content = json.dumps({"format": 1, "code": code, **facts}, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
