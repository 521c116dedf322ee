"""A row of a table at work: its generator built, its weights in place, its output checked and rounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgbench.config import Layer, parse_settings, resolve
from vgbench.errors import CheckpointError, ConfigError, GeneratorError
from vgbench.generation.rows import Row
from vgbench.generation.sampler import Sampler
from vgbench.interfaces import Generator, ReferenceGenerator, TrainableGenerator
from vgbench.plugins.guard import guarded
from vgbench.plugins.isolation import isolated
from vgbench.plugins.registry import Entry
from vgbench.protocol import Protocol, differing_keys, shape_of
from vgbench.runs.checkpoints import Checkpoint, load_checkpoint, load_states, restore
from vgbench.specs import GeneratorSpec

if TYPE_CHECKING:
    import torch


def build(row: Row, protocol: Protocol, device: torch.device) -> Sampler:
    """The row's generator on the device, with its weights.

    CheckpointError: the weights are damaged, of another model, or of another shape than the protocol asks.
    """
    with isolated(row.entry.plugin):
        return _built(row, protocol, device)


def _built(row: Row, protocol: Protocol, device: torch.device) -> Sampler:
    if row.choice is None:
        return Sampler(row, construct(row.entry, protocol, [Layer("the variant", row.settings)], device), None)
    path = row.choice.checkpoint
    checkpoint = load_checkpoint(path)
    if checkpoint.generator != row.entry.full_name:
        raise CheckpointError(f"{path} is a checkpoint of {checkpoint.generator}, not of {row.entry.full_name}.")
    _check_shape(checkpoint, protocol, path)
    layers = [Layer("the checkpoint", _own_values(checkpoint.config)), Layer("the variant", row.settings)]
    generator = construct(row.entry, protocol, layers, device)
    restore(generator, checkpoint, name=row.entry.full_name, path=path)
    return Sampler(row, generator, checkpoint)


def build_published(row: Row, files: Mapping[str, Path], settings: Sequence[str], protocol: Protocol, device: torch.device) -> Sampler:
    """The row's generator with weights that the method's authors published: part of the model → file.

    ConfigError: a setting.  CheckpointError: a file is damaged, hostile or of another model.
    """
    states = load_states(files)
    layer = parse_settings(settings)
    refuse_fixed(layer, row.entry.config_class(), protocol)
    with isolated(row.entry.plugin):
        generator = construct(row.entry, protocol, [layer, Layer("the variant", row.settings)], device)
        with guarded(CheckpointError, str(row), row.entry.spec.target):
            generator.load_published(states)
        return Sampler(row, generator, None)


def construct(entry: Entry[GeneratorSpec], protocol: Protocol, layers: Sequence[Layer], device: torch.device) -> Generator:
    """A generator with the configuration that the layers and the protocol's shape give."""
    config_class = entry.config_class()
    config = None
    if config_class is not None:
        config = resolve(config_class, [*layers, shape_layer(config_class, protocol)], owner=f"generator {entry.short_name}").config
    elif any(layer.values for layer in layers):
        raise GeneratorError(f"generator {entry.short_name} has no configuration, so nothing of it can be set.")
    return _made(entry, config, device)


def _made(entry: Entry[GeneratorSpec], config: Any, device: torch.device) -> Generator:
    who = f"generator '{entry.short_name}' ({entry.plugin})"
    target = entry.load()
    with guarded(GeneratorError, who, entry.spec.target):
        generator = target(config, device=device)
    if not isinstance(generator, Generator):
        raise GeneratorError(f"{who} is a {type(generator).__name__}, not a vgbench.Generator.")
    if isinstance(generator, ReferenceGenerator) != entry.spec.sees_reference:
        raise GeneratorError(
            f"{who} is {'a' if not entry.spec.sees_reference else 'not a'} vgbench.ReferenceGenerator, and its spec has sees_reference = "
            f"{entry.spec.sees_reference}; only the two together are shown the real clips."
        )
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


def build_trainable(entry: Entry[GeneratorSpec], config: Any, device: torch.device) -> TrainableGenerator:
    """The generator of a configuration.

    GeneratorError: it cannot be made.  ConfigError: its spec says trainable, and its class is not a TrainableGenerator.
    """
    generator = _made(entry, config, device)
    if not isinstance(generator, TrainableGenerator):
        raise ConfigError(f"'{entry.short_name}' of {entry.plugin} says it is trainable, but its class is no TrainableGenerator.")
    return generator
