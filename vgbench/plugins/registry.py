"""Names → specs: what the plugins offer, looked up by the names that users type."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from typing import Any, Generic, TypeVar, get_type_hints

from vgbench.config import checked
from vgbench.errors import AmbiguousName, ConfigError, PluginError, UnknownName
from vgbench.plugins.discovery import BUILT_IN, Plugin, Plugins, load_plugins
from vgbench.plugins.guard import guarded
from vgbench.plugins.hookspecs import HOOKS
from vgbench.specs import DatasetSpec, GeneratorSpec, MetricSpec, ProtocolSpec, ReportSpec, Spec

SpecT = TypeVar("SpecT", bound=Spec)

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class Entry(Generic[SpecT]):
    """A spec and the plugin that offers it."""

    plugin: Plugin
    spec: SpecT

    @property
    def short_name(self) -> str:
        """The name without the plugin: for a metric its id."""
        return self.spec.id

    @property
    def full_name(self) -> str:
        """`plugin/name`, unique among all plugins."""
        return f"{self.plugin.name}/{self.short_name}"

    def load(self) -> Any:
        """The target itself.

        PluginError: a needed module is missing, or the target cannot be imported.
        """
        missing = [name for name in getattr(self.spec, "needs", ()) if not _is_installed(name)]
        if missing:
            raise PluginError(f"'{self.short_name}' of {self.plugin} needs {', '.join(missing)}: install it into this environment first.")
        assert hasattr(self.spec, "target"), "protocols are read, never loaded"
        return self.load_target(self.spec.target)

    def load_target(self, target: str) -> Any:
        """The object a "package.module:Name" of this entry's plugin stands for."""
        module, _, attribute = target.partition(":")
        with guarded(PluginError, f"'{self.short_name}' of {self.plugin} cannot be loaded: '{target}'", target):
            return getattr(import_module(module), attribute)

    def config_class(self) -> type | None:
        """The configuration dataclass of a generator or data set; None where it has no options."""
        config = getattr(self.spec, "config", None)
        loaded = self.load_target(config) if isinstance(config, str) else config
        if loaded is not None and not hasattr(loaded, "__dataclass_fields__"):
            raise PluginError(f"the config of '{self.short_name}' of {self.plugin} is {loaded!r}, not a dataclass.")
        return loaded


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


class Catalogue(Generic[SpecT]):
    """Everything of one kind that the plugins offer."""

    def __init__(self, kind: str, entries: Mapping[str, Entry[SpecT]], plugins: Plugins) -> None:
        self.kind = kind
        self._entries = entries
        self._plugins = plugins

    def __iter__(self) -> Iterator[Entry[SpecT]]:
        return iter(self._entries.values())

    def display_name(self, entry: Entry[SpecT]) -> str:
        """The shortest name that finds the entry."""
        return entry.short_name if len(self._offering(entry.short_name)) == 1 else entry.full_name

    def get(self, name: str) -> Entry[SpecT]:
        """The entry of a name, full (`plugin/name`) or bare; a metric's bare name means its first variant.

        UnknownName: nothing offers it; the message quotes the plugins that failed.  AmbiguousName: two plugins do.
        """
        found = self._offering(name)
        if not found:
            notes = [str(problem) for problem in self._plugins.problems]
            raise UnknownName(self.kind, name, {self.display_name(entry) for entry in self}, notes, {entry.spec.name for entry in self})
        if len(found) > 1:
            raise AmbiguousName(self.kind, name, [entry.full_name for entry in found])
        return found[0]

    def _offering(self, name: str) -> list[Entry[SpecT]]:
        own = next((entry for entry in self if entry.plugin.name == BUILT_IN and entry.spec.name == name), None)
        if own is not None:
            return [own]
        exact = [entry for entry in self if name in (entry.short_name, entry.full_name)]
        if exact or "@" in name:
            return exact
        first_of_plugin: dict[str, Entry[SpecT]] = {}
        for entry in self:
            if name in (entry.spec.name, f"{entry.plugin.name}/{entry.spec.name}"):
                first_of_plugin.setdefault(entry.plugin.name, entry)
        return list(first_of_plugin.values())


@dataclass(frozen=True, kw_only=True)
class Registry:
    """All catalogues, each named as its hook, and the plugins behind them."""

    plugins: Plugins
    generators: Catalogue[GeneratorSpec]
    datasets: Catalogue[DatasetSpec]
    metrics: Catalogue[MetricSpec]
    reports: Catalogue[ReportSpec]
    protocols: Catalogue[ProtocolSpec]


@cache
def load_registry() -> Registry:
    """What is installed, collected once per process; imports no target."""
    plugins = load_plugins()
    catalogues: dict[str, Any] = {
        hook.removeprefix("vgbench_"): _collect(plugins, hook, spec_class) for hook, spec_class in HOOKS.items() if spec_class is not None
    }
    return Registry(plugins=plugins, **catalogues)


def forget_plugins() -> None:
    """Let the next look-up find the installed plugins again."""
    load_plugins.cache_clear()
    load_registry.cache_clear()


def _misfit(spec: Spec, spec_class: type[Spec]) -> str:
    """Which field of a plugin's record has a value of the wrong type, as a sentence; empty where all fit."""
    hints = get_type_hints(spec_class)
    try:
        for field in fields(spec_class):
            checked(getattr(spec, field.name), hints[field.name], where=field.name)
    except ConfigError as error:
        return str(error)
    return ""


def _collect(plugins: Plugins, hook: str, spec_class: type[SpecT]) -> Catalogue[SpecT]:
    kind = spec_class.noun
    entries: dict[str, Entry[SpecT]] = {}
    for plugin, specs in plugins.call(hook):
        for spec in specs:
            if not isinstance(spec, spec_class):
                plugins.report(plugin, f"returned {spec!r} from {hook}, which asks for {spec_class.__name__} records")
                continue
            wrong = _misfit(spec, spec_class)
            if wrong:
                plugins.report(plugin, f"returned a {spec_class.__name__} that does not fit: {wrong}")
                continue
            entry = Entry(plugin=plugin, spec=spec)
            if f"{BUILT_IN}/{entry.short_name}" in entries:
                plugins.report(plugin, f"offers the {kind} '{entry.short_name}', which is the core's own; give it another name")
            elif not all(NAME.fullmatch(part) for part in entry.short_name.split("@")):
                plugins.report(
                    plugin, f"offers the {kind} name '{entry.short_name}'; names are lower-case letters, digits, '.', '_' and '-'"
                )
            elif entry.full_name in entries:
                plugins.report(plugin, f"offers the {kind} '{entry.short_name}' twice; the second is left out")
            else:
                entries[entry.full_name] = entry
    return Catalogue(kind, entries, plugins)
