"""A protocol fixes what exactly is compared: data, splits, windows, size, context, frames, seeds.

Its id is a hash over all of that and over the test data's fingerprint: it changes whenever a number could change. Its name and
summary, and where the data lie on disk, are not part of the id.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vgbench.config import Layer, plain, read_toml, resolve, unknown_key, without_none
from vgbench.errors import ProtocolError
from vgbench.plugins.registry import load_registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which data set, and how it is set up."""

    dataset: str
    config: Mapping[str, Any] = field(default_factory=dict)
    """Values for the data set's own configuration."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Which clips are cut from a split's videos."""

    split: str
    length: int
    """Frames of a clip."""
    stride: int
    """The source's frames from the start of one window to the start of the next."""
    step: int = 1
    """Every so many of the source's frames is one of the clip's."""
    fps: float | None = None
    """Frames per second that clips are brought to by leaving frames out: frame k is the source's ⌊k · its rate / fps⌋. None: as it is."""
    which: Literal["all", "first"] = "all"
    """all: every window that fits a video; first: only its first."""
    min_motion: float = 0.0
    """Clips whose mean |x_{t+1} − x_t|, of values in [0, 1] at the protocol's size, is below this are left out; 0: none is."""

    def __post_init__(self) -> None:
        _at_least("length", self.length, 1)
        _at_least("stride", self.stride, 1)
        _at_least("step", self.step, 1)
        if self.fps is not None and self.step > 1:
            raise ValueError(f"step {self.step} and fps {self.fps:g} both choose frames; give one of them")
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"fps is {self.fps:g}, it must be above 0")
        if not 0 <= self.min_motion < 1:
            raise ValueError(f"min_motion is {self.min_motion}, it must be from 0 to below 1")


@dataclass(frozen=True, kw_only=True)
class Video:
    """What every clip is turned into."""

    size: tuple[int, int]
    """Height and width in pixels."""
    channels: Literal[1, 3] = 3
    """A grey source is repeated where 3 are asked for; for a colour source where 1 is, see `grey`."""
    grey: Literal["refuse", "bt601"] = "refuse"
    """What becomes of a colour source where 1 channel is asked for. bt601: its luma, 0.299·R + 0.587·G + 0.114·B rounded, then resized."""
    resample: Literal["bilinear", "bicubic", "area"] = "bilinear"
    """The filter, antialiased."""
    fit: Literal["squash", "center-crop"] = "squash"
    """squash: the aspect ratio may change; center-crop: the largest centred crop of the target's aspect ratio."""

    def __post_init__(self) -> None:
        _at_least("size", min(self.size), 1)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a generator is given and asked for, and what counts."""

    context: int = 1
    """Frames given, from the clip's first."""
    frames: int
    """Frames generated."""
    target_start: int = 0
    """The clip's frame that the first generated one stands for: 0 repeats the context, `context` continues it."""
    score_from: int = 0
    """The first generated frame that counts; 1 where frame 0 repeats a context frame, else copying is given a perfect frame."""
    samples: int = 1
    """Clips sampled for each test clip from a generator that is not deterministic."""
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least("context", self.context, 1)
        _at_least("frames", self.frames, 1)
        _at_least("target_start", self.target_start, 0)
        _at_least("samples", self.samples, 1)
        _at_least("seed", self.seed, 0)
        if self.target_start > self.context:
            raise ValueError(
                f"target_start {self.target_start} leaves a gap after the {self.context} context frames; at most {self.context}"
            )
        if not 0 <= self.score_from < self.frames:
            raise ValueError(f"score_from {self.score_from} must be from 0 to {self.frames - 1}, a frame that is generated")

    @property
    def length(self) -> int:
        """Frames a clip must have to give the context and the target."""
        return max(self.context, self.target_start + self.frames)

    def target(self, clips: Tensor) -> Tensor:
        """The frames of clips (…, T, C, H, W) that the generated ones stand for."""
        return clips[..., self.target_start : self.target_start + self.frames, :, :, :]

    def joined(self, clips: Tensor, generated: Tensor) -> Tensor:
        """The frames given, of clips (…, T, C, H, W), followed by the generated ones, (…, frames, C, H, W), that come after them."""
        import torch

        return torch.cat([clips[..., : self.context, :, :, :], generated[..., self.context - self.target_start :, :, :, :]], dim=-4)

    def counted(self, clips: Tensor) -> Tensor:
        """The frames of clips (…, T, C, H, W) that count."""
        return self.counted_of(self.target(clips))

    def counted_of(self, generated: Tensor) -> Tensor:
        """The frames of generated clips, or of targets, (…, frames, C, H, W), that count."""
        return generated[..., self.score_from :, :, :, :]


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The evaluation protocol."""

    name: str
    summary: str
    data: Data
    train: Windows | None = None
    validation: Windows | None = None
    test: Windows
    video: Video
    task: Task
    limit: int | None = None
    """Only the first so many test clips: a trial, with an id of its own."""
    origin: str = field(default="", compare=False)
    """What it was loaded by, a name or the path of a file."""

    def __post_init__(self) -> None:
        for role in ("train", "validation", "test"):
            windows = getattr(self, role)
            if windows is not None and windows.length < self.task.length:
                raise ProtocolError(
                    f"Protocol {self.name}: [{role}] length {windows.length} is too short for {self.task.context} context frames and "
                    f"{self.task.frames} generated frames from frame {self.task.target_start}; it takes {self.task.length}."
                )
        if self.limit is not None and self.limit < 1:
            raise ProtocolError(f"--limit {self.limit}: at least one clip must remain.")

    @property
    def typed(self) -> str:
        """What names it on a command line."""
        return self.origin or self.name

    def limited(self, limit: int | None) -> Protocol:
        """The same protocol on its first `limit` test clips."""
        return self if limit is None else replace(self, limit=limit)

    def compared(self) -> dict[str, Any]:
        """Everything that could change a number, as flat dotted keys."""
        table = plain(self)
        del table["name"], table["summary"], table["origin"]
        # A key that came later is not named where it changes nothing, so that ids stay what they were.
        return {key: value for key, value in sorted(_flat(table).items()) if _CAME_LATER.get(key.rpartition(".")[2], ...) != value}

    def id(self, fingerprint: str) -> str:
        """The protocol's id, 16 hexadecimal digits, given the test data's fingerprint."""
        return protocol_id(self.compared(), fingerprint)


_CAME_LATER: Mapping[str, Any] = {"min_motion": 0, "step": 1, "fps": None, "grey": "refuse"}
"""Keys that protocols have not always had → the value that changes nothing."""


def protocol_id(compared: Mapping[str, Any], fingerprint: str) -> str:
    """The id of a protocol's compared values, as `Protocol.compared` gives them or a run recorded them."""
    content = json.dumps([1, compared, fingerprint], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


_SECTIONS: dict[str, type] = {"data": Data, "train": Windows, "validation": Windows, "test": Windows, "video": Video, "task": Task}
_REQUIRED = ("data", "test", "video", "task")


def as_protocol(given: Protocol | str | Path) -> Protocol:
    """A protocol that is given as it is, by its name, or by a path that ends in .toml; errors as `load_protocol` has them."""
    return given if isinstance(given, Protocol) else load_protocol(given)


def load_protocol(name: str | Path) -> Protocol:
    """The protocol of a name, shipped or a plugin's, or of a path that ends in .toml.

    UnknownName: no such name.  ProtocolError or ConfigError: the file is wrong; the message names the key.
    """
    text = str(name)
    path = Path(text) if text.endswith(".toml") else load_registry().protocols.get(text).spec.path
    protocol = parse_protocol(read_toml(path), name=path.stem, where=str(path) if text.endswith(".toml") else text)
    return replace(protocol, origin=text)


def parse_protocol(table: Mapping[str, Any], *, name: str, where: str) -> Protocol:
    """The protocol that a TOML table says."""
    known = {"name", "summary", *_SECTIONS}
    for key in table:
        if key not in known:
            raise ProtocolError(unknown_key(key, known, where=f"protocol {where}"))
    missing = [section for section in _REQUIRED if section not in table]
    if missing:
        raise ProtocolError(f"Protocol {where} has no section [{missing[0]}]; it needs {', '.join(f'[{s}]' for s in _REQUIRED)}.")
    sections = {}
    for section, section_class in _SECTIONS.items():
        if section in table:
            if not isinstance(table[section], Mapping):
                raise ProtocolError(f"Protocol {where}: {section} must be a section, [{section}], not {table[section]!r}.")
            owner = f"[{section}] of protocol {where}"
            sections[section] = resolve(section_class, [Layer("the file", table[section])], owner=owner, way="in that section").config
    protocol = Protocol(name=str(table.get("name", name)), summary=str(table.get("summary", "")), **sections)
    return replace(protocol, data=replace(protocol.data, config=_resolved_data_config(protocol, where)))


def _resolved_data_config(protocol: Protocol, where: str) -> dict[str, Any]:
    """The data set's whole configuration, so that the id does not depend on whether a default is written out."""
    entry = load_registry().datasets.get(protocol.data.dataset)
    config_class = entry.config_class()
    if config_class is None:
        if protocol.data.config:
            raise ProtocolError(f"Protocol {where}: data set {protocol.data.dataset} takes no configuration, but [data.config] gives some.")
        return {}
    layer = Layer("[data.config]", protocol.data.config)
    owner = f"data set {protocol.data.dataset}"
    resolved: dict[str, Any] = plain(resolve(config_class, [layer], owner=owner, way="in [data.config]").config)
    return resolved


def differing_keys(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The sentences about what differs between two protocols' compared values."""
    keys = sorted(set(first) | set(second))
    return [f"{key}: {first.get(key)!r} against {second.get(key)!r}" for key in keys if first.get(key) != second.get(key)]


def differing_content(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """The same but for their ids and names, which say nothing about what differs."""
    return [text for text in differing_keys(first, second) if not text.startswith(("id:", "name:"))]


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} is {value}, it must be at least {least}")


def protocol_table(protocol: Protocol) -> dict[str, Any]:
    """The protocol as the TOML table that `parse_protocol` reads."""
    table: dict[str, Any] = without_none(plain(protocol))
    table.pop("limit", None)
    del table["origin"]
    return table


def shape_of(protocol: Protocol) -> dict[str, Any]:
    """What of a protocol a trained network is tied to; also the configuration fields that the host fills."""
    task, video = protocol.task, protocol.video
    return {
        "size": video.size,
        "channels": video.channels,
        "context": task.context,
        "frames": task.frames,
        "target_start": task.target_start,
    }
