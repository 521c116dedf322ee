"""How much a command says on stderr: -q leaves results and errors, -v adds what the library logs."""

from __future__ import annotations

import logging

import click

_KEY = "vgbench.verbosity"
QUIET = -1


def with_verbosity(command: click.Command) -> click.Command:
    """The command, and all below it, with -q and -v."""
    if not any(parameter.name == "quiet" for parameter in command.params):
        command.params += [
            click.Option(
                ["-q", "--quiet"], is_flag=True, expose_value=False, callback=_quieter, help="No progress and no notes; results and errors."
            ),
            click.Option(["-v", "--verbose"], count=True, expose_value=False, callback=_louder, help="Say more; -vv for all."),
        ]
    if isinstance(command, click.Group) and command.name != "vgbench":
        for below in command.commands.values():
            with_verbosity(below)
    return command


def is_quiet() -> bool:
    """Whether the command at work was asked to say nothing but results and errors."""
    context = click.get_current_context(silent=True)
    return context is not None and context.meta.get(_KEY) == QUIET


def say(text: str) -> None:
    """A line on stderr that is no error."""
    if not is_quiet():
        click.echo(text, err=True)


def _quieter(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if context.parent is None:
        logging.getLogger("vgbench").setLevel(logging.NOTSET)  # what an earlier command in this process asked for
    if value:
        _settle(context, QUIET)
        logging.getLogger("vgbench").setLevel(logging.ERROR)


def _louder(context: click.Context, parameter: click.Parameter, value: int) -> None:
    if value:
        _settle(context, value)
        logging.getLogger("vgbench").setLevel(logging.INFO if value == 1 else logging.DEBUG)


def _settle(context: click.Context, level: int) -> None:
    if context.meta.setdefault(_KEY, level) != level and QUIET in (level, context.meta[_KEY]):
        raise click.UsageError("--quiet and --verbose contradict each other.", context)
    context.meta[_KEY] = level
