"""What a training will do, settled before it starts: configuration, protocol, stages and their budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vgbench.config import Layer, parse_settings, plain, preset_layer, presets, read_toml, resolve, without_none
from vgbench.devices import choose_device, choose_precision, has_short_types
from vgbench.errors import ConfigError, GeneratorError, RunError, UnknownName
from vgbench.generation.builder import build_trainable, refuse_fixed, shape_layer
from vgbench.generation.rows import LeftOut, choose_checkpoint
from vgbench.interfaces import Schedule, TrainableGenerator
from vgbench.plugins.guard import guarded
from vgbench.plugins.registry import Entry, load_registry
from vgbench.protocol import Protocol, as_protocol, parse_protocol, protocol_table, shape_of
from vgbench.runs.checkpoints import load_checkpoint
from vgbench.runs.records import TrainRecord
from vgbench.runs.run import TrainRun
from vgbench.scoring.lookup import find_metric
from vgbench.specs import GeneratorSpec, MetricSpec
from vgbench.training.budget import Budget, share_budget
from vgbench.training.host import random_seed
from vgbench.training.options import TrainingOptions

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Everything a training needs to be run, or run again."""

    entry: Entry[GeneratorSpec]
    config: Any
    origins: Mapping[str, str]
    """Configuration field → where its value came from."""
    preset: str | None
    protocol: Protocol
    schedule: Schedule
    stages: Sequence[str]
    """All stages of the generator."""
    budgets: Mapping[str, Budget]
    """The stages that are trained, in order."""
    start: str | None
    """The checkpoint whose weights the first of them builds on."""
    select_by: str | None
    """The id of the metric by which each stage's best checkpoint on the validation clips is chosen; None: the last one counts."""
    validate_every: int
    """Steps between two looks, where a metric chooses; 0: at a stage's end."""
    compiles: bool
    """Whether the networks go through torch.compile."""
    seed: int
    device: torch.device
    precision: str

    def build(self, device: torch.device) -> TrainableGenerator:
        """The generator, untrained, on a process's device."""
        return build_trainable(self.entry, self.config, device)

    def limits_time(self) -> bool:
        """Whether a number of minutes ends the training."""
        return any(budget.seconds is not None for budget in self.budgets.values())

    def smaller_presets(self) -> list[str]:
        """The presets after the chosen one: they are listed from the full one down."""
        names = list(presets(self.entry.config_class()))
        return names[names.index(self.preset) + 1 :] if self.preset in names else names[1:]

    def record(self) -> TrainRecord:
        """The plan as run.json holds it."""
        return TrainRecord(
            generator=self.entry.full_name,
            preset=self.preset,
            config=plain(self.config),
            config_origins=self.origins,
            protocol={"name": self.protocol.name, **self.protocol.compared()},
            protocol_table=protocol_table(self.protocol),
            shape=plain(shape_of(self.protocol)),
            stages=tuple(self.stages),
            budgets={stage: plain(budget) for stage, budget in self.budgets.items()},
            start=self.start,
            select_by=self.select_by,
            validate_every=self.validate_every,
            compiles=self.compiles,
            seed=self.seed,
            device=str(self.device),
            precision=self.precision,
        )

    def to_toml(self) -> str:
        """The plan as config.toml holds it; `--config` reads its [config] again."""
        import tomli_w

        training = {"generator": self.entry.full_name, "preset": self.preset, "seed": self.seed, "precision": self.precision}
        training |= {"select_by": self.select_by, "validate_every": self.validate_every, "compiles": self.compiles}
        budgets = {stage: plain(budget) for stage, budget in self.budgets.items()}
        tables = {"training": training, "budgets": budgets, "config": plain(self.config), "protocol": protocol_table(self.protocol)}
        return tomli_w.dumps(without_none(tables))


def plan_training(generator: str, options: TrainingOptions) -> TrainingPlan:
    """The plan of a new training.

    UnknownName: generator, preset, protocol or stage.  ConfigError: a value is wrong, or the generator is not trained.
    """
    entry = load_registry().generators.get(generator)
    if not entry.spec.trainable:
        raise ConfigError(f"{generator} is not trained; it can be evaluated as it is: vgbench eval --generators {generator}")
    protocol, stage = as_protocol(options.protocol), options.stage
    if protocol.train is None:
        raise ConfigError(f"Protocol {protocol.name} has no [train] section, so nothing can be trained under it.")
    device = choose_device(options.device)
    start = _start_weights(entry, stage, options.start_from, protocol, options.runs)
    preset = options.preset
    names = presets(entry.config_class())
    if preset is None and names and start is None and options.config is None:
        preset = next(iter(names))
    config, origins = _config(entry, _layers(entry, preset, start, options), protocol)
    schedule, stages = _course(entry, config, device)
    if stage != "all" and stage not in stages:
        raise UnknownName(f"stage of {generator}", stage, [*stages, "all"])
    trained = stages if stage == "all" else [stage]
    return TrainingPlan(
        entry=entry,
        config=config,
        origins=origins,
        preset=preset,
        protocol=protocol,
        schedule=schedule,
        stages=stages,
        budgets=share_budget(schedule, trained, steps=options.steps, max_minutes=options.max_minutes),
        start=start,
        select_by=None if options.select_by is None else _selecting_metric(options.select_by, protocol).short_name,
        validate_every=options.validate_every,
        compiles=options.compiles,
        seed=random_seed() if options.seed is None else options.seed,
        device=device,
        precision=choose_precision(options.precision, device),
    )


def _layers(entry: Entry[GeneratorSpec], preset: str | None, start: str | None, options: TrainingOptions) -> list[Layer]:
    """Where the configuration's values come from, the later ones winning."""
    layers = [preset_layer(entry.config_class(), preset, owner=entry.short_name)] if preset else []
    if start is not None and not preset:
        checkpoint = load_checkpoint(Path(start))
        layers.append(Layer("the weights it starts from", {key: value for key, value in checkpoint.config.items() if value is not None}))
    if options.config is not None:
        layers.append(Layer(str(options.config), read_toml(options.config).get("config", {})))
    return [*layers, parse_settings(options.settings)]


def _selecting_metric(name: str, protocol: Protocol) -> Entry[MetricSpec]:
    """The metric that checkpoints are chosen by.

    UnknownName, AmbiguousName: the name.  ConfigError: the protocol has no validation clips of its own, or the metric compares sets.
    """
    if protocol.validation is None:
        raise ConfigError(
            f"Protocol {protocol.name} has no validation split, so no checkpoint can be chosen on one (and never on the test split): "
            "leave out --select-by, which evaluates the last, or add a [validation] section to the protocol."
        )
    if protocol.validation.split == protocol.test.split:
        raise ConfigError(
            f"Protocol {protocol.name} validates on its test split '{protocol.test.split}'; a checkpoint chosen on it would have seen the "
            "test. Give [validation] another split, or leave out --select-by."
        )
    entry = find_metric(name)
    if entry.spec.kind == "set":
        raise ConfigError(
            f"--select-by {name}: a distance between sets needs many clips at every look; choose a metric of single clips, such as psnr."
        )
    return entry


def _config(entry: Entry[GeneratorSpec], layers: Sequence[Layer], protocol: Protocol) -> tuple[Any, dict[str, str]]:
    config_class = entry.config_class()
    if config_class is None:
        if any(layer.values for layer in layers):
            raise ConfigError(f"{entry.short_name} has no configuration, so --set and --config do not apply.")
        return None, {}
    shape = shape_layer(config_class, protocol)
    for layer in layers:
        if layer.origin == "--set":
            refuse_fixed(layer, config_class, protocol)
    return resolve(config_class, [*layers, shape], owner=f"generator {entry.short_name}")


def _start_weights(entry: Entry[GeneratorSpec], stage: str, origin: str | None, protocol: Protocol, runs: Path) -> str | None:
    """The checkpoint that a training of a later stage alone builds on."""
    if stage == "all" and origin is None:
        return None
    stages = _stages_without_building(entry, protocol)
    if stage not in stages or stages.index(stage) == 0:
        if origin is not None:
            raise ConfigError(f"--from gives the weights of an earlier stage, so it goes with --stage {stages[-1]}, not with {stage}.")
        return None
    earlier = stages[stages.index(stage) - 1]
    try:
        choice = choose_checkpoint(entry, earlier, origin, protocol, runs, entry.short_name)
    except LeftOut as reason:
        raise RunError(
            f"Stage {stage} of {entry.short_name} builds on stage {earlier}, which no run in {runs} has that fits {protocol.name}. "
            f"Train it first: vgbench train {entry.short_name} --protocol {protocol.typed} --stage {earlier}, or name it with --from."
        ) from reason
    return str(choice.checkpoint)


def _precision_here(recorded: str, device: torch.device) -> str:
    """The precision a run resumes with: TF32 is float32 where the device has none."""
    return "32" if recorded == "tf32" and not has_short_types(device) else choose_precision(recorded, device)


def _stages_without_building(entry: Entry[GeneratorSpec], protocol: Protocol) -> list[str]:
    """The stages, from a generator of the default configuration at the protocol's shape."""
    import torch

    config, _ = _config(entry, [], protocol)
    return _course(entry, config, torch.device("cpu")).stages


class _Course(NamedTuple):
    """How a generator is trained, as it says itself."""

    schedule: Schedule
    stages: list[str]


def _course(entry: Entry[GeneratorSpec], config: Any, device: torch.device) -> _Course:
    """GeneratorError: the generator cannot be made or asked."""
    generator = build_trainable(entry, config, device)
    with guarded(GeneratorError, f"generator '{entry.short_name}' ({entry.plugin})", entry.spec.target):
        return _Course(generator.schedule(), list(generator.stages()))


def plan_from_run(run: TrainRun, device: str) -> TrainingPlan:
    """The plan that a run recorded.

    RunError: the record lacks what a plan needs.
    """
    record, file = run.record, f"{run.path}/run.json"
    try:
        entry = load_registry().generators.get(record.generator)
        protocol = parse_protocol(dict(record.protocol_table), name=record.protocol["name"], where=file)
        config_class = entry.config_class()
        layer = Layer(file, {key: value for key, value in (record.config or {}).items() if value is not None})
        config = resolve(config_class, [layer], owner=f"generator {entry.short_name}").config if config_class else None
        torch_device = choose_device(device)
        schedule, stages = _course(entry, config, torch_device)
        return TrainingPlan(
            entry=entry,
            config=config,
            origins=record.config_origins,
            preset=record.preset,
            protocol=protocol,
            schedule=schedule,
            stages=stages,
            budgets={stage: Budget(**budget) for stage, budget in record.budgets.items()},
            start=record.start,
            select_by=record.select_by,
            validate_every=record.validate_every,
            compiles=record.compiles,
            seed=record.seed,
            device=torch_device,
            precision=_precision_here(record.precision, torch_device),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{file} is damaged and cannot be resumed: {type(error).__name__} {error}.") from error
