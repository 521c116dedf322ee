"""The command line: one file a verb, loaded when it is called; the only place that prints."""

from __future__ import annotations

import logging
from importlib import import_module

import click

from vgbench.version import __version__

_COMMANDS = {
    "train": "Train a generator on a protocol's training clips.",
    "generate": "Write a generator's clips for a protocol's test clips.",
    "eval": "Score generators beside the baselines, or clips that any program made.",
    "report": "Print the table of evaluation runs again, in any format.",
    "list": "List generators, datasets, metrics, reports, protocols or runs.",
    "explain": "Say what a metric, generator, data set or protocol is.",
    "audit": "Show what metrics see of graded distortions, and what they are blind to.",
    "protocol": "Show a protocol, or how two differ.",
    "data": "Prepare, check and look at data sets.",
    "weights": "Show, get, add and check the weights of networks that metrics use.",
    "plugins": "Show the plugins and what is wrong with them.",
    "demo": "The whole road in a few minutes: train, score, report.",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"vgbench.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            import difflib

            nearest = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean {nearest[0]}?" if nearest else ""
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="vgbench")
def cli() -> None:
    """Train, sample, score and compare video generators, and know what each number means."""
    logging.basicConfig(level=logging.WARNING, format="vgbench: %(message)s")
