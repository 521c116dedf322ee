"""Options that several commands share, with what they mean in one place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from vgbench.config import DEFAULT_BATCH, DEFAULT_PROTOCOL, DEFAULT_RUNS, DEFAULT_WORKERS

Command = TypeVar("Command", bound=Callable[..., Any])


def protocol_option(command: Command) -> Command:
    return click.option(
        "--protocol", default=DEFAULT_PROTOCOL, show_default=True, metavar="NAME|FILE.toml", help="The evaluation protocol."
    )(command)


def data_option(command: Command) -> Command:
    return click.option(
        "--data",
        multiple=True,
        metavar="NAME=DIR",
        callback=_parsed_roots,
        help="Folder of a data set; may be repeated. The environment variable VGBENCH_DATA works as well.",
    )(command)


def _parsed_roots(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    return _parsed_paths(context, parameter, values, "NAME=DIR, such as sky-timelapse=/data/sky")


def parsed_files(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    """Files by the part they are for."""
    return _parsed_paths(context, parameter, values, "PART=FILE, such as base=G1.pth")


def parsed_rows(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str] | None:
    """Folders or files of clips by their row's label: the last part of the path where none is given, or "" for a single one."""
    rows: dict[str, str] = {}
    for value in values:
        label, separator, path = value.partition("=")
        if not separator or "/" in label or Path(value).exists():
            label, path = "" if len(values) == 1 else Path(value).resolve().name, value
        if not path:
            raise click.BadParameter(f"'{value}': write DIR or NAME=DIR.", context, parameter)
        if label in rows:
            raise click.BadParameter(f"Two rows are called '{label}': give one a label of its own, NAME={path}.", context, parameter)
        rows[label] = path
    return rows or None


def _parsed_paths(context: click.Context, parameter: click.Parameter, values: tuple[str, ...], form: str) -> dict[str, Path]:
    paths = {}
    for value in values:
        name, separator, path = value.partition("=")
        if not separator or not name or not path:
            raise click.BadParameter(f"'{value}': write {form}.", context, parameter)
        paths[name] = Path(path)
    return paths


def results_options(command: Command) -> Command:
    """How a table is shown: --format, --json, --out, --per-frame."""
    for option in reversed(
        [
            click.option(
                "--format",
                "format_name",
                metavar="FORMAT",
                help="terminal, markdown, csv, json, or a plugin's. Default: the one of --out's suffix, else terminal.",
            ),
            click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
            click.option("--out", "-o", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH", help="Write a file instead."),
            click.option("--per-frame", is_flag=True, help="With terminal or json: also the mean at each frame."),
        ]
    ):
        command = option(command)
    return command


def runs_option(command: Command) -> Command:
    return click.option(
        "--runs",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_RUNS,
        show_default=True,
        help="The folder of run folders.",
    )(command)


def device_option(command: Command) -> Command:
    return click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda", help="auto: a GPU if available.")(command)


def workers_option(command: Command) -> Command:
    return click.option(
        "--workers",
        type=click.IntRange(min=0),
        default=DEFAULT_WORKERS,
        show_default=True,
        metavar="N",
        help="Threads that read clips ahead; does not affect results.",
    )(command)


def batch_size_option(command: Command) -> Command:
    return click.option(
        "--batch-size",
        type=click.IntRange(min=1),
        default=DEFAULT_BATCH,
        show_default=True,
        metavar="N",
        help="Clips generated per batch.",
    )(command)


def limit_option(command: Command) -> Command:
    return click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N test clips; gets its own protocol id.")(
        command
    )


def names_option(*declarations: str, help: str) -> Callable[[Command], Command]:
    """An option that takes names separated by commas."""
    return click.option(*declarations, metavar="NAME,…", callback=_split_names, help=help)


def _split_names(context: click.Context, parameter: click.Parameter, value: str | None) -> list[str] | None:
    if value is None:
        return None
    names = [name.strip() for name in value.split(",") if name.strip()]
    if not names:
        raise click.BadParameter("names are missing.", context, parameter)
    return names


def parsed_size(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Height and width in pixels."""
    if value is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]*)[x×]([1-9][0-9]*)", value.strip())
    if match is None:
        raise click.BadParameter(f"'{value}': write HEIGHTxWIDTH, such as 64x64.", context, parameter)
    return int(match[1]), int(match[2])


def parsed_bytes(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """A number of bytes with K, M or G behind it."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMG]?)(?:i?B)?", value.strip(), re.IGNORECASE)
    n_bytes = int(float(match[1]) * 1024 ** " KMG".index(match[2].upper() or " ")) if match else 0
    if n_bytes < 1:
        raise click.BadParameter(f"'{value}': write a number of bytes, such as 500M or 4G.", context, parameter)
    return n_bytes
