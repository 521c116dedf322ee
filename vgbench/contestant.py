"""A row of a table at work: its generator built, its weights in place, its output checked and rounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vgbench.boundary import checked_output, clip_seed, to_uint8
from vgbench.checkpoint import Checkpoint, load_checkpoint, load_states, restore
from vgbench.config import Layer, parse_settings, plain, resolve
from vgbench.errors import CheckpointError, ConfigError, GeneratorError
from vgbench.guard import guarded
from vgbench.interfaces import Batch, Generator, Request
from vgbench.loader import as_batch, read_ahead, stacked, to_float
from vgbench.protocol import Protocol, differing_keys
from vgbench.registry import Entry
from vgbench.rows import Row, shape_of
from vgbench.specs import GeneratorSpec
from vgbench.windows import ProtocolData

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FIT_BATCH = 16


class Sampled(NamedTuple):
    """Generated clips, and how long one took."""

    clips: Tensor
    """uint8 (B, frames, C, H, W)."""
    seconds: float
    """Wall time of one clip."""


class Contestant:
    """A row's generator, ready to be asked."""

    def __init__(self, row: Row, generator: Generator, checkpoint: Checkpoint | None) -> None:
        self.row, self.generator, self.checkpoint = row, generator, checkpoint
        with guarded(GeneratorError, str(row)):
            self.parameters = int(generator.parameter_count())

    def samples(self, protocol: Protocol) -> int:
        """How many clips it is asked for each test clip: one where it is deterministic."""
        return 1 if self.row.entry.spec.deterministic else protocol.task.samples

    def sample(self, clips: Tensor, clip_ids: Sequence[str], protocol: Protocol, sample: int) -> Sampled:
        """Its clips for a batch of test clips, uint8 (B, T, C, H, W), on the clips' device.

        GeneratorError: it raised, or returned what the contract does not allow.
        """
        import torch

        task = protocol.task
        seeds = tuple(clip_seed(task.seed, clip_id, sample) for clip_id in clip_ids)
        request = Request(to_float(clips[:, : task.context]), task.frames, task.target_start, seeds)
        started = time.perf_counter()
        with torch.no_grad():
            with guarded(GeneratorError, str(self.row)):
                video = self.generator.generate(request)
            rounded = to_uint8(checked_output(video, request, generator=str(self.row)))
            if rounded.is_cuda:
                torch.cuda.synchronize(rounded.device)
        return Sampled(rounded, (time.perf_counter() - started) / len(clip_ids))

    def description(self) -> dict[str, Any]:
        """The row as a run records it."""
        description: dict[str, Any] = {
            "label": self.row.label,
            "generator": self.row.entry.full_name,
            "plugin": str(self.row.entry.plugin),
            "variant": self.row.variant,
            "parameters": self.parameters,
            "config": plain(self.generator.config),
        }
        if self.row.weights and self.checkpoint:
            description["weights"] = {
                "checkpoint": str(self.row.weights.checkpoint),
                "run": self.row.weights.run,
                "stage": self.checkpoint.stage,
                "step": self.checkpoint.step,
                "chosen": self.row.weights.chosen,
                "protocol": self.checkpoint.protocol,
            }
        return description


def build(row: Row, protocol: Protocol, device: torch.device) -> Contestant:
    """The row's generator on the device, with its weights.

    CheckpointError: the weights are damaged, of another model, or of another shape than the protocol asks.
    """
    if row.weights is None:
        return Contestant(row, construct(row.entry, protocol, [Layer("the variant", row.settings)], device), None)
    path = row.weights.checkpoint
    checkpoint = load_checkpoint(path)
    if checkpoint.generator != row.entry.full_name:
        raise CheckpointError(f"{path} is a checkpoint of {checkpoint.generator}, not of {row.entry.full_name}.")
    _check_shape(checkpoint, protocol, path)
    layers = [Layer("the checkpoint", _own_values(checkpoint.config)), Layer("the variant", row.settings)]
    generator = construct(row.entry, protocol, layers, device)
    restore(generator, checkpoint, name=row.entry.full_name, path=path)
    return Contestant(row, generator, checkpoint)


def build_published(row: Row, files: Mapping[str, Path], settings: Sequence[str], protocol: Protocol, device: torch.device) -> Contestant:
    """The row's generator with weights that the method's authors published: part of the model → file.

    ConfigError: a setting.  CheckpointError: a file is damaged, hostile or of another model.
    """
    states = load_states(files)
    layer = parse_settings(settings)
    refuse_fixed(layer, row.entry.config_class(), protocol)
    generator = construct(row.entry, protocol, [layer, Layer("the variant", row.settings)], device)
    with guarded(CheckpointError, str(row)):
        generator.load_published(states)
    return Contestant(row, generator, None)


def construct(entry: Entry[GeneratorSpec], protocol: Protocol, layers: Sequence[Layer], device: torch.device) -> Generator:
    """A generator with the configuration that the layers and the protocol's shape give."""
    config_class = entry.config_class()
    config = None
    if config_class is not None:
        config = resolve(config_class, [*layers, shape_layer(config_class, protocol)], owner=f"generator {entry.short_name}").config
    elif any(layer.values for layer in layers):
        raise GeneratorError(f"generator {entry.short_name} has no configuration, so nothing of it can be set.")
    who = f"generator '{entry.short_name}' ({entry.plugin})"
    target = entry.load()
    with guarded(GeneratorError, who):
        generator = target(config, device=device)
    if not isinstance(generator, Generator):
        raise GeneratorError(f"{who} is a {type(generator).__name__}, not a vgbench.Generator.")
    return generator


def shape_layer(config_class: type, protocol: Protocol) -> Layer:
    """The configuration values that the protocol fixes, for those fields that the class has."""
    fields: Mapping[str, Any] = config_class.__dataclass_fields__  # type: ignore[attr-defined]
    return Layer(f"protocol {protocol.name}", {key: value for key, value in shape_of(protocol).items() if key in fields})


def refuse_fixed(settings: Layer, config_class: type | None, protocol: Protocol) -> None:
    """ConfigError: the user sets what the protocol fixes."""
    fixed = sorted(set(settings.values) & set(shape_layer(config_class, protocol).values)) if config_class is not None else []
    if fixed:
        raise ConfigError(f"{fixed[0]} is fixed by protocol {protocol.name}; choose another protocol instead of --set {fixed[0]}=….")


def _own_values(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if value is not None}


def _check_shape(checkpoint: Checkpoint, protocol: Protocol, path: Path) -> None:
    wanted = {key: value for key, value in protocol.compared().items() if key in _SHAPE_KEYS}
    trained = {key: value for key, value in checkpoint.protocol.items() if key in _SHAPE_KEYS}
    differing = differing_keys(trained, wanted)
    if differing:
        raise CheckpointError(f"{path} was trained for another shape than protocol {protocol.name} asks: {'; '.join(differing)}.")


_SHAPE_KEYS = {"video.size", "video.channels", "task.context", "task.frames", "task.target_start"}


def learns_by_fitting(generator: Generator) -> bool:
    """Whether the generator overrides `fit`."""
    return type(generator).fit is not Generator.fit


def fit(contestant: Contestant, data: ProtocolData, device: torch.device, *, workers: int, on_clip: Callable[[int, int], None]) -> None:
    """Let a generator learn from all training clips.

    on_clip: called with (clips read, clips in all).  DataError: the protocol has no training split.
    """
    clips = data.clips("train")
    groups = [clips[start : start + FIT_BATCH] for start in range(0, len(clips), FIT_BATCH)]

    def batches() -> Iterable[Batch]:
        done = 0
        read = read_ahead(groups, lambda group: stacked(group, data.read), workers=workers, ahead=2 * workers)
        for group, frames in zip(groups, read, strict=True):
            done += len(group)
            on_clip(done, len(clips))
            yield as_batch(group, frames.to(device))

    with guarded(GeneratorError, str(contestant.row)):
        contestant.generator.fit(batches())
