"""One network for each device: built once from named weights, and shared by all metrics that measure with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakValueDictionary

import torch


class Found(Protocol):
    """Weights that were found; their sha256 says which."""

    @property
    def sha256(self) -> str: ...


FoundT = TypeVar("FoundT", bound=Found)
NetworkT = TypeVar("NetworkT")

_shared: WeakValueDictionary[tuple[str, str, torch.device], Any] = WeakValueDictionary()
"""(network, sha256 of its weights, device) → the network, for as long as a metric holds it."""


class ByDevice(Generic[FoundT, NetworkT]):
    """A network by its name: its weights are found once, and it is built on each device that asks for it."""

    def __init__(self, name: str, find: Callable[[], FoundT], build: Callable[[FoundT, torch.device], NetworkT]) -> None:
        self.name = name
        self._find, self._build = find, build
        self._found: FoundT | None = None
        self._held: dict[torch.device, NetworkT] = {}

    def found(self) -> FoundT:
        """The weights.  WeightsError: they are missing or damaged; the message says how to get them."""
        if self._found is None:
            self._found = self._find()
        return self._found

    def sha256(self) -> str:
        """Of the weights' tensors; empty where they have not been found yet."""
        return self._found.sha256 if self._found is not None else ""

    def on(self, device: torch.device) -> NetworkT:
        """The network on a device.  WeightsError: as above."""
        if device not in self._held:
            key = self.name, self.found().sha256, device
            network: NetworkT | None = _shared.get(key)
            if network is None:
                network = _shared[key] = self._build(self.found(), device)
            self._held[device] = network
        return self._held[device]
