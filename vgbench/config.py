"""Configurations: a frozen dataclass is the only home of a default; TOML files and options fill it, each value checked.

Order: defaults < preset < file < options. Where each value came from is kept beside it.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from vgbench.errors import ConfigError, UnknownName, did_you_mean

# What the verbs do where nothing is said; the command line and the functions take them from here.
DEFAULT_PROTOCOL = "synthetic-sky-64x16"
DEFAULT_METRICS = ("mse", "psnr", "ssim")
DEFAULT_RUNS = Path("runs")
DEFAULT_BATCH = 8
"""Clips generated per batch."""
DEFAULT_WORKERS = 2
"""Threads that read clips ahead."""
DEFAULT_MEMORY = 2 << 30
"""Bytes of pixels that may be held at once."""
CHECKPOINT_EVERY = 500
"""Training steps."""
PREVIEW_EVERY = 200
VALIDATE_EVERY = 200
DEFAULT_AUDIT_CLIPS = 16


class Layer(NamedTuple):
    """Values from one origin, such as a file or the options."""

    origin: str
    values: Mapping[str, Any]


class Resolved(NamedTuple):
    """A configuration, and for each field where its value came from."""

    config: Any
    origins: dict[str, str]


def resolve(config_class: type, layers: Sequence[Layer], *, owner: str, way: str = "with --set KEY=VALUE") -> Resolved:
    """The configuration that the layers give, later ones winning.

    way: how a value is given, for the message about one that is missing.

    ConfigError: an unknown key (with the nearest name), a value of the wrong type, or one that the class itself refuses.
    """
    fields = {field.name: field for field in dataclasses.fields(config_class) if field.init}
    hints = typing.get_type_hints(config_class)
    values: dict[str, Any] = {}
    origins = dict.fromkeys(fields, "default")
    for layer in layers:
        for key, value in layer.values.items():
            if key not in fields:
                raise ConfigError(unknown_key(key, fields, where=f"{layer.origin} for {owner}"))
            values[key] = checked(value, hints[key], where=f"{owner}: {key} from {layer.origin}")
            origins[key] = layer.origin
    missing = [
        name
        for name, field in fields.items()
        if name not in values and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"{owner} needs a value for {', '.join(missing)}: give it {way.replace('KEY', missing[0])}.")
    try:
        return Resolved(config_class(**values), origins)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{owner}: {error}") from error


def presets(config_class: type | None) -> Mapping[str, Mapping[str, Any]]:
    """The presets a configuration class names; empty where it has none."""
    return getattr(config_class, "presets", {})


def preset_layer(config_class: type | None, name: str, *, owner: str) -> Layer:
    """A preset's values.

    UnknownName: the class has no preset of that name.
    """
    known = presets(config_class)
    if name not in known:
        raise UnknownName(f"preset of {owner}", name, known)
    return Layer(f"preset {name}", known[name])


def parse_settings(settings: Sequence[str]) -> Layer:
    """`key=value` texts as typed values: TOML where it parses as TOML, else the bare text."""
    values: dict[str, Any] = {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator or not key.strip():
            raise ConfigError(f"--set {setting}: write it as key=value, such as --set lr=0.0001.")
        values[key.strip()] = parse_value(text.strip())
    return Layer("--set", values)


def parse_value(text: str) -> Any:
    """A TOML value (1, 0.5, true, [64, 64], "text"), or the text itself where it is none."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, KeyError, RecursionError):
        return text


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's table.

    ConfigError: the file cannot be read or is no TOML; the message names the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a byte order mark
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # also a text that is not UTF-8, or a number of too many digits
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise ConfigError(
            f"{path} cannot be read: its values are nested too deep. Write them flat, as protocols and options are."
        ) from error


def option_texts(config_class: type) -> dict[str, str]:
    """Option → what the class says of it in the text below its field, on one line; empty where it says nothing, or has no source."""
    texts = {one.name: "" for one in dataclasses.fields(config_class)}
    for owner in reversed(config_class.__mro__):
        try:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        except (OSError, TypeError, SyntaxError, ValueError):
            continue
        for line, below in itertools.pairwise(tree.body if isinstance(tree, ast.ClassDef) else ()):
            match line, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    texts[name] = " ".join(text.split())
    return {name: texts[name] for name in (one.name for one in dataclasses.fields(config_class))}


def choices_of(config_class: type, name: str) -> tuple[Any, ...]:
    """The values that an option may have, where they are listed; else empty."""
    hint = typing.get_type_hints(config_class)[name]
    return typing.get_args(hint) if typing.get_origin(hint) is Literal else ()


def unknown_key(key: str, known: typing.Iterable[str], *, where: str) -> str:
    """The sentence about a key that does not exist, with the nearest one."""
    names = sorted(known)
    return f"Unknown key '{key}' in {where}.{did_you_mean(key, names)}\nKnown: {', '.join(names)}."


def plain(value: Any) -> Any:
    """Dataclasses, mappings and sequences as dicts and lists of plain values, for TOML and JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return value


def without_none(value: Any) -> Any:
    """The same table without its None values, which TOML cannot write."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return value


def checked(value: Any, hint: Any, *, where: str) -> Any:
    """The value as the annotated type wants it.

    ConfigError: it does not fit; an integer fits a float, a list fits a tuple of its length, nothing else is converted.
    """
    fitted = _fitted(value, hint)
    if fitted is _MISFIT:
        raise ConfigError(f"{where}: {value!r} is not {_described(hint)}.")
    return fitted


_MISFIT = object()


def _fitted(value: Any, hint: Any) -> Any:  # noqa: PLR0911 - one return a kind of type
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return value
    if origin in (typing.Union, types.UnionType):
        return next((fitted for part in arguments if (fitted := _fitted(value, part)) is not _MISFIT), _MISFIT)
    if origin is Literal:
        return next((choice for choice in arguments if choice == value and type(choice) is type(value)), _MISFIT)
    if origin is tuple:
        return _fitted_tuple(value, arguments)
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return dict(value) if isinstance(value, Mapping) else _MISFIT
    if hint is type(None):
        return None if value is None else _MISFIT
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if isinstance(hint, type) and isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    return _MISFIT


def _fitted_tuple(value: Any, arguments: tuple[Any, ...]) -> Any:
    if not isinstance(value, list | tuple):
        return _MISFIT
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(value)
    if len(arguments) != len(value):
        return _MISFIT
    items = tuple(_fitted(item, part) for item, part in zip(value, arguments, strict=True))
    return _MISFIT if _MISFIT in items else items


def _described(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_described(part) for part in arguments)
    if origin is tuple:
        return "a list [" + ", ".join("…" if part is Ellipsis else _described(part) for part in arguments) + "]"
    return {int: "a whole number", float: "a number", str: "a text", bool: "true or false", type(None): "nothing"}.get(hint, str(hint))


def check_counts(**counts: int | None) -> None:
    """ConfigError: a count that was given is below 1."""
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ConfigError(f"{name} is {count}; it must be at least 1.")
