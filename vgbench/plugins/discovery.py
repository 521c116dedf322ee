"""Finding and loading plugins, each alone, so that a broken one costs only itself.

Plugins are entry points of the group `vgbench`. What pluggy does not do by itself is done here: an import error, a wrong API
number, a misspelt hook or a hook that raises drops that plugin (or that hook of it) and is kept as a `Problem`, which
`vgbench plugins` shows and which is quoted wherever a name the plugin might have offered is missing.

Environment: `VGBENCH_PLUGINS=a,b` is an allow-list, applied before anything is imported; `VGBENCH_STRICT_PLUGINS=1` turns a
problem into a `PluginError`.
"""

from __future__ import annotations

import difflib
import inspect
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import pluggy

from vgbench.errors import PluginError
from vgbench.plugins import hookspecs
from vgbench.plugins.guard import described, place_of, stdout_to_stderr
from vgbench.version import VGBENCH_API, __version__

ENTRY_POINT_GROUP = "vgbench"
BUILT_IN = "vgbench"
"""The name under which the core registers what it ships; no distribution may claim it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A plugin that was found, loaded or not."""

    name: str
    """The entry point's name."""
    distribution: str
    version: str
    module: str = ""
    """What the entry point names."""

    def __str__(self) -> str:
        return f"plugin {self.name} ({self.distribution} {self.version})"


CORE = Plugin(name=BUILT_IN, distribution="vgbench", version=__version__, module="vgbench")
"""The core as a plugin."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a plugin, or a hook of it, is left out."""

    plugin: Plugin
    message: str

    def __str__(self) -> str:
        return f"{self.plugin} {self.message}"


class Plugins:
    """The plugins of this environment, and their problems."""

    def __init__(self) -> None:
        self.loaded: list[Plugin] = []
        self.problems: list[Problem] = []
        self.strict = os.environ.get("VGBENCH_STRICT_PLUGINS", "") not in ("", "0")
        self._manager = pluggy.PluginManager("vgbench")
        self._manager.add_hookspecs(hookspecs)

    def register(self, plugin: Plugin, implementation: object) -> None:
        """Add a plugin's hooks; whatever is wrong with them becomes a problem."""
        api = getattr(implementation, "VGBENCH_API", VGBENCH_API)
        if api != VGBENCH_API:
            self.report(plugin, f"was written for VGBENCH_API {api!r}, this is {VGBENCH_API}; install a version of it that fits")
            return
        try:
            self._manager.register(implementation, name=plugin.name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            self._manager.unregister(name=plugin.name)
            self.report(plugin, f"has a hook that does not exist or does not fit: {error}{self._nearest_hook(implementation)}")
            return
        self.loaded.append(plugin)
        for name in _undecorated(implementation):
            self.report(plugin, f"defines {name} without @vgbench.hookimpl above it, so it is never called")

    def call(self, hook: str, **arguments: Any) -> Iterator[tuple[Plugin, Any]]:
        """What each plugin returns for a hook; each is called alone, and one that raises becomes a problem."""
        everyone = {plugin.name: self._manager.get_plugin(plugin.name) for plugin in self.loaded}
        callers = {implementation.plugin_name for implementation in getattr(self._manager.hook, hook).get_hookimpls()}
        for plugin in list(self.loaded):
            if plugin.name not in callers:
                continue
            others = [implementation for name, implementation in everyone.items() if name != plugin.name]
            try:
                with stdout_to_stderr():
                    results = self._manager.subset_hook_caller(hook, others)(**arguments)
                    results = [result if hookspecs.HOOKS[hook] is None else list(result) for result in results]
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                module = getattr(everyone[plugin.name], "__name__", type(everyone[plugin.name]).__module__)
                self.report(plugin, f"failed in {hook}: {described(error)}{_at(error, module)}")
                continue
            for result in results:
                yield plugin, result

    def report(self, plugin: Plugin, message: str) -> None:
        """Keep a problem, once; in strict mode raise it."""
        problem = Problem(plugin=plugin, message=message)
        if self.strict:
            raise PluginError(f"{problem}\n(VGBENCH_STRICT_PLUGINS is set, so this stops the program.)")
        if problem not in self.problems:
            self.problems.append(problem)
            logger.warning("%s", problem)

    def _nearest_hook(self, implementation: object) -> str:
        known = sorted(hookspecs.HOOKS)
        for name in dir(implementation):
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
            if name.startswith("vgbench_") and name not in known and nearest:
                return f". Did you mean {nearest[0]}?"
        return f". The hooks are {', '.join(known)}."


@cache
def load_plugins() -> Plugins:
    """The plugins of this environment, found and loaded once per process."""
    from vgbench.plugins import builtin

    plugins = Plugins()
    plugins.register(CORE, builtin)
    allowed = _allow_list()
    for plugin, entry_points in _claims():
        if allowed is not None and plugin.name not in allowed:
            continue
        if len(entry_points) > 1 or plugin.name == BUILT_IN:
            _refuse(plugins, entry_points)
            continue
        try:
            with stdout_to_stderr():
                implementation = entry_points[0].load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            plugins.report(plugin, f"failed to import: {described(error)}{_at(error, entry_points[0].module)}")
            continue
        plugins.register(plugin, implementation)
    return plugins


def _allow_list() -> set[str] | None:
    text = os.environ.get("VGBENCH_PLUGINS")
    return None if text is None else {name.strip() for name in text.split(",") if name.strip()}


def _claims() -> Iterator[tuple[Plugin, list[metadata.EntryPoint]]]:
    """Each plugin name with every entry point that claims it, in the order of the names."""
    claims: dict[str, list[metadata.EntryPoint]] = {}
    for entry_point in metadata.entry_points(group=ENTRY_POINT_GROUP):
        claims.setdefault(entry_point.name, []).append(entry_point)
    for name in sorted(claims):
        yield _plugin_of(claims[name][0]), claims[name]


def _plugin_of(entry_point: metadata.EntryPoint) -> Plugin:
    distribution = entry_point.dist
    if distribution is None:
        return Plugin(name=entry_point.name, distribution=entry_point.module, version="unknown", module=entry_point.module)
    return Plugin(name=entry_point.name, distribution=distribution.name, version=distribution.version, module=entry_point.module)


def _refuse(plugins: Plugins, entry_points: list[metadata.EntryPoint]) -> None:
    claimants = [_plugin_of(entry_point) for entry_point in entry_points]
    names = " and ".join(f"{claimant.distribution} {claimant.version}" for claimant in claimants)
    if claimants[0].name == BUILT_IN:
        reason = f"is refused: the plugin name {BUILT_IN} is the core's own, but {names} claims it; rename that entry point"
    else:
        reason = f"is refused: {names} both claim the plugin name {claimants[0].name}; uninstall one of them"
    for claimant in claimants:
        plugins.report(claimant, reason)


def _at(error: BaseException, module: str) -> str:
    place = place_of(error, module)
    return f" ({place})" if place else ""


def _undecorated(implementation: object) -> list[str]:
    home = getattr(implementation, "__name__", type(implementation).__module__)
    members = ((name, getattr(implementation, name, None)) for name in dir(implementation) if name.startswith("vgbench_"))
    return [
        name
        for name, value in members
        if inspect.isroutine(value) and getattr(value, "__module__", home) == home and not hasattr(value, "vgbench_impl")
    ]
