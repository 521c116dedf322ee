"""vgbench data list|prepare|verify|preview."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vgbench.cli import options
from vgbench.cli.aligned import aligned

roles_option = options.names_option("--roles", help="Of train, validation and test. Default: those that the protocol has.")


@click.group("data")
def command() -> None:
    """Prepare, check and look at data sets."""


@command.command("list")
@options.data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_data(data: dict[str, Path], as_json: bool) -> int:
    """Print the data sets, where each lies, and which of their splits are packed."""
    from vgbench.cache import packs_folder
    from vgbench.packed import find_packs
    from vgbench.registry import load_registry
    from vgbench.windows import data_root

    rows = [
        {"name": entry.short_name, "folder": data_root(entry.short_name, entry.full_name, data), "source": entry.spec.source}
        for entry in load_registry().datasets
    ]
    packs = find_packs(packs_folder())
    if as_json:
        described = [{"path": str(pack.path), "frames": pack.n_frames, "bytes": pack.n_bytes, **pack.key} for pack in packs]
        click.echo(json.dumps({"datasets": rows, "packs": described}, indent=1, default=str))
        return 0
    headings = ("name", "folder", "comes from")
    click.echo(aligned([dict(zip(headings, (str(value or "–") for value in row.values()), strict=True)) for row in rows]))
    for pack in packs:
        click.echo(f"packed: {pack.path.name}  {len(pack.places)} videos, {pack.n_frames} frames, {pack.n_bytes / 2**20:.0f} MiB")
    return 0


@command.command("prepare")
@options.protocol_option
@options.data_option
@roles_option
@options.workers_option
def prepare(roles: list[str] | None, **given: Any) -> int:
    """Decode a protocol's videos once, at its size, into a cache that training and evaluation then read.

    It lies in $VGBENCH_CACHE, else in the folder vgbench of your cache; a killed call is gone on with by the next.
    """
    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.prepare import ROLES, prepare as pack

    with ConsoleObserver(stderr_console()).showing() as observer:
        for done in pack(roles=roles or ROLES, observer=observer, **given):
            speed = "was there" if done.was_there else f"{done.pack.n_frames / max(done.seconds, 1e-9):.0f} frames/s"
            damaged = f", {len(done.pack.damaged)} damaged" if done.pack.damaged else ""
            click.echo(f"{done.split}: {len(done.pack.places)} videos, {done.pack.n_frames} frames{damaged}, {speed}: {done.pack.path}")
    return 0
