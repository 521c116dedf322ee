"""vgbench eval."""

from __future__ import annotations

from typing import Any

import click

from vgbench.cli import options


@click.command("eval")
@options.names_option("--generators", help="Rows: [label=]generator[:variant][@RUN-or-file]. Default: everything that fits.")
@options.protocol_option
@options.data_option
@options.names_option("--metrics", help="Names such as mse,psnr,ssim or full ids such as ssim@skimage. Default: mse,psnr,ssim.")
@click.option("--as", "peer", metavar="PEER", help="The metrics of a peer, as its code computes them: openstl, torchmetrics, skimage, ….")
@options.limit_option
@click.option("--generated", metavar="DIR|FILE", help="Clips that any program made: videos, folders of frames, or .npy/.npz.")
@click.option("--reference", metavar="DIR|FILE", help="The real clips for --generated, paired by name (arrays: by order).")
@click.option("--allow-missing", is_flag=True, help="With --generated: score the pairs there are, and count the others.")
@click.option(
    "--score-from", type=click.IntRange(min=0), metavar="FRAME", help="With --generated: the first frame that counts. Default: 0."
)
@click.option(
    "--max-memory",
    default="2G",
    show_default=True,
    metavar="BYTES",
    callback=options.parsed_bytes,
    help="With --generated: how many pixels may be held at once (500M, 4G); longer clips are measured in chunks.",
)
@options.runs_option
@click.option("--resume", metavar="RUN|latest", help="Finish an interrupted evaluation.")
@options.device_option
@options.batch_size_option
@options.workers_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--per-frame", is_flag=True, help="Also the mean at each frame.")
@click.pass_context
def command(context: click.Context, /, metrics: list[str] | None, peer: str | None, as_json: bool, per_frame: bool, **given: Any) -> int:
    """Score generators on a protocol's test clips, or given clips against their references, and print the table.

    \b
    vgbench eval --metrics mse,psnr,ssim
    vgbench eval --generators mdgan,copy-first --protocol sky-timelapse-128x32 --data sky-timelapse=/data/sky
    vgbench eval --generated out/ --reference real/ --metrics psnr,ssim --json
    """
    are_given = _check_forms(context, given["generated"], given["reference"])
    if peer is not None and metrics is not None:
        raise click.UsageError("--as chooses the metrics, so it does not go with --metrics.")

    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.cli.results import show_results
    from vgbench.config import DEFAULT_METRICS
    from vgbench.evaluation.evaluate import evaluate
    from vgbench.evaluation.folders import evaluate_folders
    from vgbench.scoring.lookup import peer_metrics

    chosen = peer_metrics(peer) if peer is not None else metrics or DEFAULT_METRICS
    with ConsoleObserver(stderr_console()).showing() as observer:
        if are_given:
            options_of = {name: value for name, value in given.items() if name not in _OF_GENERATORS}
            options_of["score_from"] = given["score_from"] or 0
            run = evaluate_folders(metrics=chosen, observer=observer, **options_of)
        else:
            options_of = {name: value for name, value in given.items() if name not in _OF_GIVEN_CLIPS}
            try:
                run = evaluate(metrics=chosen, observer=observer, **options_of)
            except KeyboardInterrupt:
                click.echo("Interrupted. Go on with the same command and --resume latest.", err=True)
                return 1
    return show_results(run, as_json=as_json, per_frame=per_frame)


_OF_GENERATORS = ("generators", "protocol", "data", "resume", "batch_size")
_OF_GIVEN_CLIPS = ("generated", "reference", "allow_missing", "score_from", "max_memory")


def _check_forms(context: click.Context, generated: str | None, reference: str | None) -> bool:
    """Whether clips are given; options of the other form are refused, none is passed over in silence."""
    if (generated is None) != (reference is None):
        raise click.UsageError("--generated and --reference go together: the clips, and the real ones to compare them with.")
    for name in _OF_GENERATORS if generated is not None else _OF_GIVEN_CLIPS:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            reason = "does not go with --generated" if generated is not None else "goes with --generated and --reference"
            raise click.UsageError(f"--{name.replace('_', '-')} {reason}.")
    return generated is not None
