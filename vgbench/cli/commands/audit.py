"""vgbench audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vgbench.cli import options
from vgbench.cli.verbosity import say
from vgbench.config import DEFAULT_AUDIT_CLIPS

if TYPE_CHECKING:
    from vgbench.audit.audit import Audit


@click.command("audit")
@click.argument("metrics", nargs=-1, required=True, metavar="METRIC…")
@click.option("--dataset", metavar="NAME", help="Clips of the first shipped protocol of this data set.")
@options.protocol_option
@options.data_option
@click.option(
    "--clips",
    type=click.IntRange(min=2),
    default=DEFAULT_AUDIT_CLIPS,
    show_default=True,
    metavar="N",
    help="Number of test clips to distort.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="S", help="Seed of noise and shuffles.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH", help="Also a plot (.png .svg .pdf .html), or a table (.md)."
)
@options.device_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every grade.")
@click.pass_context
def command(
    context: click.Context,
    /,
    metrics: tuple[str, ...],
    dataset: str | None,
    protocol: str,
    data: dict[str, Path],
    clips: int,
    seed: int,
    out: Path | None,
    device: str,
    as_json: bool,
) -> int:
    """Show how metrics answer graded blur, noise, JPEG, freeze, shuffle, reversal, … of real clips: what they see, what they do not.

    \b
    vgbench audit psnr ssim motion-ratio flow-epe
    vgbench audit lpips fvd --dataset sky-timelapse --data sky-timelapse=/data/sky --out audit.svg
    """
    if dataset is not None and context.get_parameter_source("protocol") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--dataset chooses the protocol, so it does not go with --protocol.")
    from vgbench.audit.audit import audit, protocol_of
    from vgbench.audit.table import markdown, records
    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.files import OUT_ADVICE, write_text

    chosen = protocol_of(dataset) if dataset is not None else protocol
    names = [name for text in metrics for name in text.split(",") if name]
    with ConsoleObserver(stderr_console()).showing() as observer:
        found = audit(names, protocol=chosen, data=data, clips=clips, seed=seed, device=device, observer=observer)
    if as_json:
        known = {"protocol": dict(found.protocol), "undistorted": dict(found.undistorted), "responses": records(found)}
        click.echo(json.dumps(known | {"failures": dict(found.failures)}, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _print(found)
    if out is not None and out.suffix == ".md":
        write_text(out, markdown(found), advice=OUT_ADVICE)
    elif out is not None:
        from vgbench.audit.plot import save_plot

        save_plot(found, out)
    if out is not None:
        say(f"Wrote {out}")
    for metric, failure in found.failures.items():
        click.echo(f"Error: {metric} has no column: {failure}", err=True)
    return 1 if found.failures else 0


def _print(found: Audit) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from vgbench.audit.distortions import DISTORTIONS
    from vgbench.audit.table import cell
    from vgbench.report.cells import ARROWS

    console = Console()
    console.print(
        f"[bold]{found.protocol['name']}[/]  {found.protocol['n_clips']} clips of {found.protocol['n_frames']} frames", highlight=False
    )
    at_once = max(1, (console.width - 24) // 18)
    for start in range(0, len(found.metrics), at_once):
        specs = found.metrics[start : start + at_once]
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("distortion")
        table.add_column("grades", style="dim")
        for spec in specs:
            table.add_column(f"{spec.id} {ARROWS[spec.better]}", justify="right", no_wrap=True)
        table.add_row("none", "", *(f"{found.undistorted[spec.id]:.3g}" for spec in specs))
        for distortion in DISTORTIONS:
            grades = "" if len(distortion.grades) == 1 else f"{distortion.grades[0]:g} → {distortion.grades[-1]:g}"
            cells = [cell(found, spec.id, distortion.name) for spec in specs]
            styled = [text if found.sees(spec.id, distortion.name) else f"[dim]{text}[/]" for text, spec in zip(cells, specs, strict=True)]
            table.add_row(distortion.name, grades, *styled)
        console.print(table)
    console.print(
        "Values under the weakest and the strongest grade; · where no grade moves the metric by 2 % of its largest response.",
        highlight=False,
    )
