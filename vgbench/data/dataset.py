"""A protocol's data set, found, configured and opened; every call of a plugin's own code goes through a guard."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgbench.config import Layer, resolve
from vgbench.errors import DataError
from vgbench.interfaces import Dataset, Source
from vgbench.plugins.guard import guarded
from vgbench.plugins.registry import Entry, load_registry
from vgbench.protocol import Protocol
from vgbench.specs import DatasetSpec

if TYPE_CHECKING:
    from torch import Tensor


class OpenDataset(Dataset):
    """A plugin's data set at work.

    DataError: the plugin's code raised; the message names it.
    """

    def __init__(self, entry: Entry[DatasetSpec], config: Any, root: Path | None) -> None:
        self._entry = entry
        dataset_class = entry.load()
        with self._guarded():
            self._dataset: Dataset = dataset_class(config, root)
        if not isinstance(self._dataset, Dataset):
            raise DataError(f"{self._who} is a {type(self._dataset).__name__}, not a vgbench.Dataset.")
        super().__init__(self._dataset.config, self._dataset.root)

    @property
    def _who(self) -> str:
        return f"data set '{self._entry.short_name}' ({self._entry.plugin})"

    def _guarded(self) -> AbstractContextManager[None]:
        return guarded(DataError, self._who, self._entry.spec.target)

    @property
    def streams(self) -> bool:
        """Whether it has a way of its own to read a whole video, because reading from the middle costs decoding from the beginning."""
        return type(self._dataset).stream is not Dataset.stream

    def sources(self, split: str) -> Sequence[Source]:
        with self._guarded():
            return list(self._dataset.sources(split))

    def read(self, source_id: str, start: int, length: int, size: tuple[int, int] | None = None) -> Tensor:
        with self._guarded():
            return self._dataset.read(source_id, start, length, size)

    def probe(self, split: str) -> tuple[Sequence[Source], Mapping[str, str]]:
        with self._guarded():
            sources, unreadable = self._dataset.probe(split)
            return list(sources), dict(unreadable)

    def formats(self, split: str) -> Collection[str]:
        with self._guarded():
            return list(self._dataset.formats(split))

    def stream(self, source: Source, length: int, size: tuple[int, int] | None = None) -> Iterator[Tensor]:
        with self._guarded():
            chunks = iter(self._dataset.stream(source, length, size))
        while True:
            with self._guarded():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def fingerprint(self, split: str) -> str:
        with self._guarded():
            return self._dataset.fingerprint(split)

    def defects(self, split: str) -> Mapping[str, str]:
        with self._guarded():
            return dict(self._dataset.defects(split))


def open_dataset(protocol: Protocol, roots: Mapping[str, Path]) -> OpenDataset:
    """The protocol's data set at its folder, which `roots` or the environment variable VGBENCH_DATA gives."""
    entry = load_registry().datasets.get(protocol.data.dataset)
    known = {name for known in load_registry().datasets for name in (known.short_name, known.full_name)}
    for name in roots:
        if name not in known:
            load_registry().datasets.get(name)
    config_class = entry.config_class()
    config = None
    if config_class is not None:
        config = resolve(config_class, [Layer("the protocol", protocol.data.config)], owner=f"data set {entry.short_name}").config
    return OpenDataset(entry, config, data_root(entry.short_name, entry.full_name, roots))


def data_root(name: str, full_name: str, roots: Mapping[str, Path]) -> Path | None:
    """Where a data set lies: what `--data` says, else VGBENCH_DATA, which holds NAME=DIR pairs or a folder of folders named so."""
    for given in (full_name, name):
        if given in roots:
            return Path(roots[given])
    text = os.environ.get("VGBENCH_DATA", "")
    for part in filter(None, text.split(os.pathsep)):
        key, separator, folder = part.partition("=")
        if separator and key in (name, full_name):
            return Path(folder)
        if not separator and (Path(part) / name).is_dir():
            return Path(part) / name
    return None
