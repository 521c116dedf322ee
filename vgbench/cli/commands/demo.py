"""vgbench demo."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import click

from vgbench.cli import options
from vgbench.cli.ending import BY_SIGNAL
from vgbench.cli.suggestion import command_line


@click.command("demo")
@click.option("--preset", default="small", show_default=True, metavar="NAME", help="mdgan's preset.")
@click.option("--steps", type=click.IntRange(min=2), metavar="N", help="Training steps. Default: as the preset says.")
@click.option("--max-minutes", type=click.FloatRange(min=0, min_open=True), metavar="MINUTES", help="Time of the training.")
@click.option("--seed", type=click.IntRange(min=0, max=2**31 - 1), default=0, show_default=True, metavar="S")
@options.protocol_option
@options.data_option
@options.limit_option
@options.runs_option
@options.device_option
def command(protocol: str, data: dict[str, Path], limit: int | None, runs: Path, device: str, **training: Any) -> int:
    """Train mdgan (preset small), score it beside the baselines, print the table and what was written."""
    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.cli.results import Form, show_results
    from vgbench.evaluation.evaluate import evaluate
    from vgbench.protocol import load_protocol
    from vgbench.training.options import TrainingOptions
    from vgbench.training.train import train

    with ConsoleObserver(stderr_console()).showing() as observer:
        asked = TrainingOptions(protocol=protocol, data=data, runs=runs, device=device, **training)
        trained = train("mdgan", asked, observer=observer)
    if trained.record.status != "done":
        click.echo(f"Interrupted. Resume with: {command_line('train', 'mdgan', resume=trained.path, data=data)}", err=True)
        return BY_SIGNAL + (trained.ended_by or signal.SIGINT)
    with ConsoleObserver(stderr_console()).showing() as observer:
        rows = _everything_with(trained.path, load_protocol(protocol).task.context)
        run = evaluate(rows, protocol=protocol, data=data, limit=limit, runs=runs, device=device, observer=observer)
    status = show_results(run, Form("terminal", None, False))
    click.echo(f"Training: {trained.path}")
    for preview in sorted((trained.path / "clips").glob("*.mp4")):
        click.echo(f"Preview (input, real, base, refine): {preview}")
    click.echo(f"Scores of each clip: {run.path / 'scores.jsonl'}")
    return status


def _everything_with(training: Path, context: int) -> list[str]:
    """Every generator that is not trained and does with so many context frames, and mdgan with its variants from this very training."""
    from vgbench.plugins.registry import load_registry

    generators = load_registry().generators
    specs = {generators.display_name(entry): entry.spec for entry in generators}
    baselines = [name for name, spec in specs.items() if not (spec.trainable or spec.sees_reference) and spec.min_context <= context]
    return [f"mdgan@{training}", *(f"mdgan:{variant}@{training}" for variant in generators.get("mdgan").spec.variants), *baselines]
