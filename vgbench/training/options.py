"""What a training is asked for: the one list of its options, their names and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from vgbench.config import CHECKPOINT_EVERY, DEFAULT_PROTOCOL, DEFAULT_RUNS, DEFAULT_WORKERS, PREVIEW_EVERY, VALIDATE_EVERY
from vgbench.protocol import Protocol


@dataclass(frozen=True, kw_only=True)
class ResumeOptions:
    """Where and how a training runs; a resumed one may be given others."""

    data: Mapping[str, Path] = field(default_factory=dict)
    """Data set → its folder."""
    device: str = "auto"
    devices: int = 1
    """How many of a machine train together; the script that asked is started once for each, unless torchrun has done so."""
    nodes: int = 1
    """Machines, each with so many devices."""
    runs: Path = DEFAULT_RUNS
    checkpoint_every: int = CHECKPOINT_EVERY
    """Steps; 0: by time, and at a stage's end."""
    preview_every: int = PREVIEW_EVERY
    """Steps; 0: at a stage's end."""
    workers: int = DEFAULT_WORKERS
    steps: int | None = None
    """Of the whole training, shared between the stages as the preset says; of a resumed one more than it was to have: the last stage goes
    on until the whole has so many."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", Path(self.runs))  # also where a text names the folder


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(ResumeOptions):
    """Everything a new training is asked for; its own fields are settled when the run begins."""

    protocol: Protocol | str | Path = DEFAULT_PROTOCOL
    preset: str | None = None
    """None: the first that the configuration names."""
    config: Path | None = None
    """A TOML file with a [config] table."""
    settings: tuple[str, ...] = ()
    """`key=value` of the generator's configuration."""
    stage: str = "all"
    start_from: str | None = None
    """Where one later stage is trained: a run or a file with the weights it builds on; None: the newest run that fits."""
    select_by: str | None = None
    """The metric by which each stage's best checkpoint on the validation clips is chosen; None: the last one counts."""
    validate_every: int = VALIDATE_EVERY
    """Steps between two validations; 0: at a stage's end."""
    max_minutes: float | None = None
    """Of the whole training, shared between the stages as the preset says."""
    precision: str = "auto"
    compiles: bool = False
    """Whether the networks go through torch.compile."""
    seed: int | None = None
    """None: drawn, and recorded."""


SETTLED = frozenset(one.name for one in fields(TrainingOptions)) - {one.name for one in fields(ResumeOptions)}
"""The options that a resumed training takes from its run."""
