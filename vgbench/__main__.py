"""The entry point: runs the command line and turns what the user can mend into one clear message."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 the user can mend it, 2 usage, 130 interrupted.

    arguments: None for those of this process, which then is the command's own, and dies of the signal that interrupts it.
    """
    if arguments is not None:
        return _run(list(arguments))
    try:
        from vgbench.cli.ending import end, nothing_to_save
        from vgbench.cli.stdout import results_only

        nothing_to_save()
        with results_only():
            status = _run(None)
    except KeyboardInterrupt:  # between the lines that catch it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    return end(status)


def _run(arguments: list[str] | None) -> int:  # noqa: PLR0911 - one return for each kind of ending
    import click

    from vgbench.cli import cli
    from vgbench.cli.ending import BY_SIGNAL
    from vgbench.errors import VgbenchError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character must not cost the table
    try:
        result = cli.main(args=arguments, prog_name="vgbench", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except VgbenchError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return BY_SIGNAL + signal.SIGINT
    except BrokenPipeError:
        # The reader of a pipe has gone, as in `vgbench list metrics | head`; what is left unsaid goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    except MemoryError as error:
        click.echo(f"Error: there is not enough memory for this size: {error}", err=True)
        return 1
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
