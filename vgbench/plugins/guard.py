"""Calling code that others wrote: what it raises becomes an error that names it, and what it prints goes to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from vgbench.errors import VgbenchError


@contextmanager
def guarded(error_class: type[VgbenchError], who: str) -> Iterator[None]:
    """Within the block a plugin's exception, or its attempt to exit, becomes `error_class` with its name; stdout stays for results.

    Set VGBENCH_TRACEBACK=1 to have the exception itself, with its traceback.
    """
    with redirect_stdout(sys.stderr):
        try:
            yield
        except VgbenchError:
            raise
        except (Exception, SystemExit) as error:
            if wants_traceback():
                raise
            text = str(error).strip()
            raise error_class(f"{who} raised {type(error).__name__}" + (f": {text}" if text else "")) from error


def wants_traceback() -> bool:
    """Whether the user asked for a plugin's own tracebacks."""
    return os.environ.get("VGBENCH_TRACEBACK", "") not in ("", "0")
