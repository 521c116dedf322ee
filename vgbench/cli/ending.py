"""How the process of a command ends, also by Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress

BY_SIGNAL = 128
"""An exit status above it says which signal ended the work, as shells have it."""


def nothing_to_save() -> None:
    """Let Ctrl-C end the process at once: imports that it interrupts may swallow it, and go on with half a module."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where whoever started the process has it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def something_to_save() -> None:
    """From here on Ctrl-C is a KeyboardInterrupt again, after `nothing_to_save`."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end(status: int) -> int:
    """The exit status; where a signal ended the work, the process dies of that very signal.

    So a shell that started it knows of Ctrl-C, and leaves its own loop as well.  What was to be saved is saved by now.
    """
    nothing_to_save()  # but Python's own end, in which Ctrl-C would leave a traceback
    if status - BY_SIGNAL not in (signal.SIGINT, signal.SIGTERM) or os.name != "posix":
        return status
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    signal.signal(status - BY_SIGNAL, signal.SIG_DFL)
    os.kill(os.getpid(), status - BY_SIGNAL)
    return status
