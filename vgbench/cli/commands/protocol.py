"""vgbench protocol show|diff."""

from __future__ import annotations

from pathlib import Path

import click

from vgbench.cli import options
from vgbench.cli.verbosity import say
from vgbench.config import DEFAULT_PROTOCOL


@click.group("protocol")
def command() -> None:
    """Show a protocol, or how two differ."""


@command.command("show")
@click.argument("name", default=DEFAULT_PROTOCOL)
@options.data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(name: str, data: dict[str, Path], as_json: bool) -> int:
    """Print a protocol, every value resolved, and its id where the test data are there."""
    import json

    from vgbench.data.protocol_data import ProtocolData
    from vgbench.errors import DataError
    from vgbench.protocol import load_protocol, protocol_table

    protocol = load_protocol(name)
    try:
        opened = ProtocolData(protocol, data)
        identity, fingerprint, clips = opened.protocol_id, opened.fingerprint, len(opened.clips("test"))
    except DataError as error:
        say(f"Note: no id without the test data. {error}")
        identity, fingerprint, clips = None, None, None
    if as_json:
        known = {"id": identity, "name": protocol.name, "summary": protocol.summary, "fingerprint": fingerprint, "n_test_clips": clips}
        click.echo(json.dumps(known | protocol.compared(), indent=1, ensure_ascii=False))
        return 0
    import tomli_w

    click.echo(tomli_w.dumps(protocol_table(protocol)).rstrip())
    if identity is not None:
        click.echo(f"\n# id {identity}, {clips} test clips, test data {fingerprint}")
    return 0


@command.command("diff")
@click.argument("first")
@click.argument("second")
def diff(first: str, second: str) -> int:
    """Print what differs between two protocols, key by key; nothing: they ask for the same."""
    from vgbench.protocol import differing_keys, load_protocol

    for line in differing_keys(load_protocol(first).compared(), load_protocol(second).compared()):
        click.echo(line)
    return 0
