"""vgbench generate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vgbench.cli import options


@click.command("generate")
@click.argument("generator", metavar="GENERATOR[:VARIANT][@RUN]")
@options.protocol_option
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="DIR", help="A new or empty folder.")
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
def command(generator: str, out: Path, **given: Any) -> int:
    """Write GENERATOR's clips for a protocol's test clips, lossless (FFV1 in .mkv).

    \b
    vgbench generate mdgan --out clips --reference-out real
    vgbench generate mdgan --protocol sky-timelapse-128x32 --checkpoint base=netG_S1.pth --checkpoint refine=netG_S2.pth --out clips
    """
    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.generation.generate import generate

    with ConsoleObserver(stderr_console()).showing() as observer:
        written = generate(generator, out, observer=observer, **given)
    click.echo(f"{written} clips in {out}")
    return 0
