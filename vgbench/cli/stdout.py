"""Stdout for results alone, whatever else the process calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def results_only() -> Iterator[None]:
    """Within the block file descriptor 1 leads to stderr, and `sys.stdout` to where it led.

    Compiled libraries and programs that a plugin starts write to descriptor 1, past `sys.stdout`; in the middle of `--json` that would
    cost the reader the whole answer.  A process without stdout or stderr is left as it is.
    """
    before = sys.stdout
    try:
        before.flush()
        results = os.dup(1)
        os.dup2(2, 1)
    except (AttributeError, OSError):
        yield
        return
    is_terminal = os.isatty(results)
    with open(results, "w", encoding=before.encoding, errors="replace", buffering=1 if is_terminal else -1) as stream:
        sys.stdout = stream
        try:
            yield
        finally:
            sys.stdout = before
            try:
                stream.flush()
            except OSError:  # said already, by whoever wrote; what is left in the buffer goes nowhere
                os.dup2(os.open(os.devnull, os.O_WRONLY), results)
            os.dup2(results, 1)
