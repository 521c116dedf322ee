"""vgbench generate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vgbench.cli import options


@click.command("generate")
@click.argument("generator", metavar="[GENERATOR[:VARIANT][@RUN]]", required=False)
@options.protocol_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="A new or empty folder for the clips.")
@click.option(
    "--contexts",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Instead: what any other program needs to make the clips, the context frames (PNG) and a list of what is asked.",
)
@click.option(
    "--reference-out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Also the real clips, under the same names."
)
@click.option(
    "--checkpoint",
    multiple=True,
    metavar="PART=FILE",
    callback=options.parsed_files,
    help="Weights that the method's authors published, one file a part of the model: base=G1.pth, refine=G2.pth.",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="With --checkpoint: one option of the generator.")
@options.data_option
@options.limit_option
@options.runs_option
@options.device_option
@options.batch_size_option
@options.workers_option
@click.pass_context
def command(context: click.Context, /, generator: str | None, out: Path | None, contexts: Path | None, **given: Any) -> int:
    """Write GENERATOR's clips for a protocol's test clips, lossless (FFV1 in .mkv).

    \b
    vgbench generate mdgan --out clips --reference-out real
    vgbench generate mdgan --protocol sky-timelapse-128x32 --checkpoint base=netG_S1.pth --checkpoint refine=netG_S2.pth --out clips
    vgbench generate --protocol sky-timelapse-128x32 --contexts asked
    """
    if contexts is not None:
        return _write_contexts(context, generator, out, contexts, given)
    if generator is None or out is None:
        raise click.UsageError("Name a generator and --out DIR for its clips; or --contexts DIR for what another program needs.")

    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.generation.generate import generate

    with ConsoleObserver(stderr_console()).showing() as observer:
        written = generate(generator, out, observer=observer, **given)
    click.echo(f"{written} clips in {out}")
    return 0


_OF_CONTEXTS = ("protocol", "data", "limit", "workers")


def _write_contexts(context: click.Context, generator: str | None, out: Path | None, contexts: Path, given: dict[str, Any]) -> int:
    if generator is not None or out is not None:
        raise click.UsageError("--contexts goes without a generator and --out: it writes what a program outside of vgbench needs.")
    for name in given.keys() - set(_OF_CONTEXTS):
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{'set' if name == 'settings' else name.replace('_', '-')} does not go with --contexts.")

    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.generation.contexts import LIST, write_contexts

    with ConsoleObserver(stderr_console()).showing() as observer:
        written = write_contexts(contexts, observer=observer, **{name: given[name] for name in _OF_CONTEXTS})
    click.echo(f"The context frames of {written} clips in {contexts}, and what is asked in {contexts / LIST}")
    return 0
