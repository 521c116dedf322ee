"""Calling code that others wrote: what it raises becomes an error that names it, what it prints goes to stderr, and hanging is said."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import FrameType
from typing import TextIO

from vgbench.devices import is_out_of_memory
from vgbench.errors import OutOfMemory, VgbenchError
from vgbench.plugins.watchdog import watched


@contextmanager
def guarded(
    error_class: type[VgbenchError], who: str, target: str, *, unless: Callable[[BaseException], bool] | None = None
) -> Iterator[None]:
    """Within the block whatever a plugin raises, also an attempt to exit, becomes `error_class` with its name; stdout stays for results.

    who: how the message names the plugin.  target: what is called, "package.module:Name"; the message gives the innermost line of that
    package.  unless: exceptions that are left as they are.  Where memory runs out, the error is OutOfMemory.

    Set VGBENCH_TRACEBACK=1 to have the exception itself, with its traceback.
    """
    with stdout_to_stderr(), watched(who):
        try:
            yield
        except (VgbenchError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            if wants_traceback() or (unless is not None and unless(error)):
                raise
            if is_out_of_memory(error):
                raise OutOfMemory(f"{who} ran out of memory: {described(error)}") from error
            place = place_of(error, target)
            rest = f"{place}; VGBENCH_TRACEBACK=1 shows the rest" if place else "VGBENCH_TRACEBACK=1 shows where"
            raise error_class(f"{who} raised {described(error)} ({rest})") from error


def wants_traceback() -> bool:
    """Whether the user asked for a plugin's own tracebacks."""
    return os.environ.get("VGBENCH_TRACEBACK", "") not in ("", "0")


def described(error: BaseException) -> str:
    """The exception's class and text."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def place_of(error: BaseException, target: str) -> str:
    """The innermost line of the target's package that an exception came through, "package/file.py, line N".

    Empty where it came through none, as when a class does not take the arguments it is given.
    """
    package = target.partition(":")[0].partition(".")[0]
    called = list(traceback.walk_tb(error.__traceback__))[2:]  # below the guard and the line that is guarded
    for frame, line in reversed(called):
        file = _file_in(package, frame)
        if file:
            return f"{file}, line {line}"
    return ""


def _file_in(package: str, frame: FrameType) -> str:
    """The frame's file from the package's folder on; empty where the frame runs code of another package, or code that has no file."""
    module = str(frame.f_globals.get("__name__", ""))
    path = Path(frame.f_code.co_filename)
    if module.partition(".")[0] != package or path.suffix != ".py":
        return ""
    return Path(*path.parts[-module.count(".") - 1 - (path.name == "__init__.py") :]).as_posix()


class _Stdout:
    """The process's stdout, which goes to stderr as long as any thread calls a plugin."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._callers = 0
        self._own: TextIO = sys.stdout

    def take(self) -> None:
        with self._lock:
            if not self._callers:
                self._own, sys.stdout = sys.stdout, sys.stderr
            self._callers += 1

    def give_back(self) -> None:
        with self._lock:
            self._callers -= 1
            if not self._callers:
                sys.stdout = self._own


_stdout = _Stdout()


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Within the block what is printed goes to stderr; blocks may overlap in several threads, as `redirect_stdout` may not."""
    _stdout.take()
    try:
        yield
    finally:
        _stdout.give_back()
