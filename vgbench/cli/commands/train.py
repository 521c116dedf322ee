"""vgbench train."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vgbench.cli import options
from vgbench.cli.ending import BY_SIGNAL
from vgbench.cli.option_list import options_of, preset_lines
from vgbench.cli.suggestion import command_line
from vgbench.devices import PRECISIONS
from vgbench.training.options import SETTLED, ResumeOptions, TrainingOptions

if TYPE_CHECKING:
    from vgbench.runs.run import TrainRun


def _number(name: str, least: int, default: int, text: str) -> Callable[[options.Command], options.Command]:
    return click.option(name, type=click.IntRange(min=least), default=default, show_default=True, metavar="N", help=text)


_NAMED = "vgbench.train.generator"


class _Train(click.Command):
    """The command, whose help has the options of a generator that was named first."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_NAMED] = args[0] if args and not args[0].startswith("-") else None  # --help is answered before arguments are looked at
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        generator = ctx.meta[_NAMED]
        if generator is None:
            formatter.write_paragraph()
            formatter.write_text("With a generator's name, as in `vgbench train mdgan --help`, its own options are listed here.")
            return
        from vgbench.errors import VgbenchError
        from vgbench.plugins.registry import load_registry

        try:
            config_class = load_registry().generators.get(generator).config_class()
        except VgbenchError as error:
            formatter.write_paragraph()
            formatter.write_text(str(error))
            return
        if config_class is None:
            return
        with formatter.section(f"Options of {generator}, for --set KEY=VALUE"):
            formatter.write_dl(list(options_of(config_class)), col_max=24)
        with formatter.section("Presets, for --preset"):
            for line in preset_lines(config_class):
                formatter.write_text(line)


@click.command("train", cls=_Train)
@click.argument("generator")
@options.protocol_option
@options.data_option
@click.option("--preset", metavar="NAME", help="A named set of options. Default: the first, as published.")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.toml", help="Options from the [config] table of a TOML file."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One option of the generator; may be repeated.")
@click.option("--stage", default=TrainingOptions.stage, show_default=True, metavar="STAGE|all", help="Train one stage alone.")
@click.option(
    "--from", "start_from", metavar="RUN|FILE", help="With a later --stage: the weights it builds on. Default: the newest that fit."
)
@click.option(
    "--select-by",
    metavar="METRIC",
    help="Evaluate each stage's best checkpoint by this metric on the validation split. Default: the last.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    help="Steps of the whole training, shared between the stages. With --resume: more than it had; its last stage goes on.",
)
@click.option("--max-minutes", type=click.FloatRange(min=0, min_open=True), metavar="MINUTES", help="Time of the whole training.")
@options.device_option
@_number("--devices", 1, ResumeOptions.devices, "Devices per machine that train together.")
@_number("--nodes", 1, ResumeOptions.nodes, "Number of machines, each with --devices.")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=TrainingOptions.precision,
    show_default=True,
    help="auto: bf16 on a GPU, else 32.",
)
@click.option("--compile", "compiles", is_flag=True, help="Put the networks through torch.compile.")
@click.option("--seed", type=click.IntRange(min=0, max=2**31 - 1), metavar="S", help="Default: drawn at random and recorded.")
@click.option("--resume", metavar="RUN|latest", help="Continue an interrupted training, or lengthen one with --steps.")
@options.runs_option
@_number("--checkpoint-every", 0, ResumeOptions.checkpoint_every, "Steps; 0: by time and at a stage's end.")
@_number("--preview-every", 0, ResumeOptions.preview_every, "Steps; 0: at a stage's end.")
@_number("--validate-every", 0, TrainingOptions.validate_every, "Steps, with --select-by; 0: at a stage's end.")
@options.workers_option
@click.option("--dry-run", is_flag=True, help="Print what would be done, and stop.")
@click.pass_context
def command(context: click.Context, /, generator: str, resume: str | None, dry_run: bool, **given: Any) -> int:
    """Train GENERATOR on a protocol's training clips.

    \b
    vgbench train mdgan --preset small --max-minutes 10
    vgbench train mdgan --protocol synthetic-sky-128x32 --set lr=0.0001
    vgbench train mdgan --resume latest
    vgbench train mdgan --device cuda --devices 4
    torchrun --nproc-per-node 4 -m vgbench train mdgan --device cuda
    """
    if resume is not None:
        _check_resume(context)
        if dry_run:
            raise click.UsageError("--dry-run shows what a new training would do; it does not go with --resume.")
    if dry_run:
        return _print_plan(generator, TrainingOptions(**given))

    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.plugins.observers import Observer
    from vgbench.training.host import is_first_process
    from vgbench.training.train import resume_training, train

    with ConsoleObserver(stderr_console()).showing() if is_first_process() else nullcontext(Observer()) as observer:
        if resume is not None:
            kept = {key: value for key, value in given.items() if key not in SETTLED}
            run = resume_training(resume, ResumeOptions(**kept), generator=generator, observer=observer)
        else:
            run = train(generator, TrainingOptions(**given), observer=observer)
    protocol = given["protocol"] if resume is None else _protocol_of(run)
    return _say_how_it_ended(run, generator, protocol, given["data"], run.path.parent) if is_first_process() else 0


def _protocol_of(run: TrainRun) -> str:
    """What named a run's protocol on the command line that began it; else its name."""
    words = [*run.record.argv, ""]
    for word, value in pairwise(words):
        if word == "--protocol":
            return value
        if word.startswith("--protocol="):
            return word.partition("=")[2]
    return str(run.record.protocol["name"])


def _say_how_it_ended(run: TrainRun, generator: str, protocol: str, data: dict[str, Path], runs: Path) -> int:
    seconds = sum(float(one) for one in run.record.elapsed.values())
    spent = f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} minutes"
    click.echo(f"{run.record.status.capitalize()} after {run.record.step} steps, {spent} of training: {run.path}")
    for stage, losses in _last_losses(run).items():
        click.echo(f"Stage {stage}, last losses: {', '.join(f'{name} {value:.4g}' for name, value in losses.items())}")
    if run.record.status == "interrupted":
        click.echo(f"Resume with: {command_line('train', generator, resume=run.path, data=data)}", err=True)
        return BY_SIGNAL + (run.ended_by or signal.SIGINT)
    for stage, best in run.record.best.items():
        click.echo(f"Stage {stage}: best at step {best.step}, {run.record.select_by} {best.value:.4g} on the validation clips.")
    for stage in run.record.budgets:
        for preview in sorted((run.path / "clips").glob(f"preview-{stage}-*.mp4"))[-1:]:
            click.echo(f"Preview of stage {stage}: {preview}")
    click.echo(f"Score it with: {command_line('eval', protocol=protocol, data=data, runs=runs)}")
    return 0


def _last_losses(run: TrainRun) -> dict[str, dict[str, float]]:
    """Stage → the losses of its last logged step."""
    from vgbench.runs.log import read_log

    return {line["stage"]: line["losses"] for line in read_log(run.path) if "losses" in line}


def _check_resume(context: click.Context) -> None:
    """Refuse options that the run has settled already."""
    for parameter in context.command.params:
        if parameter.name in SETTLED and context.get_parameter_source(parameter.name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} does not go with --resume: the run continues with the options it began with.")


def _print_plan(generator: str, asked: TrainingOptions) -> int:
    from vgbench.training.plan import plan_training

    plan = plan_training(generator, asked)
    click.echo(plan.to_toml())
    for key, origin in plan.origins.items():
        if origin != "default":
            click.echo(f"# {key} from {origin}")
    return 0
