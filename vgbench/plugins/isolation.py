"""The process's global state, kept apart for each plugin: what one changes holds within its own calls, and is said.

Kept apart are the global random states of Python, numpy and torch; torch's and numpy's settings that change numbers; and the public
functions of torch and numpy, which a plugin may replace.  Code that changes them from another thread, or below Python, is not seen.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from operator import is_
from types import ModuleType
from typing import Any, NamedTuple

from vgbench.plugins.discovery import BUILT_IN, Plugin

logger = logging.getLogger(__name__)


class _Setting(NamedTuple):
    """Something that is set for the whole process, and changes numbers."""

    name: str
    get: Callable[[], Any]
    set: Callable[[Any], object]


class _Place(NamedTuple):
    """Where a function of torch or numpy is looked up."""

    table: ModuleType | type
    name: str

    def put(self, value: object) -> None:
        if value is None:
            delattr(self.table, self.name)
        else:
            setattr(self.table, self.name, value)

    def __str__(self) -> str:
        inside = f"{self.table.__module__}." if isinstance(self.table, type) else ""
        return f"{inside}{self.table.__name__}.{self.name}"


class _World:
    """What a plugin has changed so far."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._settings: dict[_Setting, Any] = {}
        self._functions: dict[_Place, object] = {}
        self._said: set[str] = set()
        self.notes: list[str] = []
        """What was said of it."""

    @contextmanager
    def entered(self, seed: int) -> Iterator[None]:
        """Within the block the plugin's changes hold, and the random states begin at the seed; afterwards all is as it was."""
        restore_random = _seeded(seed)
        settings, functions = {setting: setting.get() for setting in _settings()}, _functions()
        for setting, value in self._settings.items():
            setting.set(value)
        for place, value in self._functions.items():
            place.put(value)
        try:
            yield
        finally:
            self._functions = _put_back(functions)
            self._settings = {setting: now for setting, before in settings.items() if (now := setting.get()) != before}
            for setting in self._settings:
                setting.set(settings[setting])
            restore_random()
            self._say(settings)

    def _say(self, before: Mapping[_Setting, Any]) -> None:
        changes = {str(place): f"replaced {place}" for place in self._functions}
        changes |= {setting.name: f"changed {setting.name} from {before[setting]} to {now}" for setting, now in self._settings.items()}
        new = [change for name, change in changes.items() if name not in self._said]
        if new:
            self._said.update(changes)
            self.notes.append(f"{self._plugin} {', '.join(new)}; that holds within its own calls alone, and for no other row or metric.")
            logger.warning(self.notes[-1])


_worlds: dict[Plugin, _World] = {}


@contextmanager
def isolated(plugin: Plugin, seed: int = 0) -> Iterator[None]:
    """A call of a generator's or metric's code, whose changes of global state reach no other plugin.

    seed: where the global random states begin, so that what a plugin draws from them does not depend on what was called before.
    """
    if plugin.name == BUILT_IN:
        yield
        return
    with _worlds.setdefault(plugin, _World(plugin)).entered(seed):
        yield


def changes_of(plugins: Iterable[Plugin]) -> list[str]:
    """What these plugins were found to change in this process, a sentence each."""
    return [note for plugin in dict.fromkeys(plugins) if plugin in _worlds for note in _worlds[plugin].notes]


def _seeded(seed: int) -> Callable[[], None]:
    """Let the global random states begin at the seed; what it returns puts them back as they were."""
    import numpy as np
    import torch

    python, numbers, tensors = random.getstate(), np.random.get_state(), torch.get_rng_state()
    on_gpu = torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    if on_gpu is not None:
        torch.cuda.manual_seed(seed)

    def restore() -> None:
        random.setstate(python)
        np.random.set_state(numbers)
        torch.set_rng_state(tensors)
        if on_gpu is not None:
            torch.cuda.set_rng_state(on_gpu)

    return restore


@cache
def _settings() -> tuple[_Setting, ...]:
    import numpy as np
    import torch

    cudnn = torch.backends.cudnn
    settings = [
        _Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
        _Setting("torch's default device", torch.get_default_device, _set_default_device),
        _Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
        _Setting("torch's recording of gradients", torch.is_grad_enabled, torch.set_grad_enabled),
        _Setting("torch's deterministic algorithms", torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
        _Setting("torch's float32 matrix precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        _Setting("numpy's error handling", np.geterr, lambda handling: np.seterr(**handling)),
    ]
    names = ("enabled", "benchmark", "deterministic", "allow_tf32")
    settings += [_Setting(f"cuDNN's {name}", partial(getattr, cudnn, name), partial(setattr, cudnn, name)) for name in names]
    return tuple(settings)


def _set_default_device(device: Any) -> None:
    import torch

    # None takes away what intercepts each call; naming the CPU would leave it there.
    torch.set_default_device(None if device.type == "cpu" else device)


@cache
def _tables() -> tuple[tuple[ModuleType | type, tuple[str, ...]], ...]:
    """Where functions are looked up, and the names of those that anyone may call."""
    import numpy as np
    import torch
    from torch.nn import functional

    tables: list[ModuleType | type] = [torch, functional, torch.linalg, torch.Tensor, np, np.linalg, math]
    return tuple((table, tuple(name for name in dir(table) if _is_public(table, name))) for table in tables)


def _is_public(table: ModuleType | type, name: str) -> bool:
    value = getattr(table, name, None)
    is_operator = isinstance(table, type) and name.startswith("__") and name not in dir(object)
    return (is_operator or not name.startswith("_")) and callable(value) and not isinstance(value, type)


def _functions() -> list[list[object]]:
    """What the names of each table stand for now; None where a class has a name from its base."""
    return [list(map(vars(table).get, names)) for table, names in _tables()]


def _put_back(before: list[list[object]]) -> dict[_Place, object]:
    """Put back what was replaced; returns what it was replaced by."""
    replaced: dict[_Place, object] = {}
    for (table, names), functions, now in zip(_tables(), before, _functions(), strict=True):
        if not all(map(is_, functions, now)):
            for name, function, other in zip(names, functions, now, strict=True):
                if function is not other:
                    place = _Place(table, name)
                    replaced[place] = other
                    place.put(function)
    return replaced
