"""A command of vgbench in a process of its own, which ends when the process that started it does: `python -m vgbench.suite.child PID …`."""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the command that the arguments name, after the id of the parent process."""
    parent = int(sys.argv.pop(1))
    if sys.platform == "linux":
        # So that a suite that is killed leaves nothing running; a training that is told to end saves its checkpoint first.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was gone before the line above
            sys.exit(128 + signal.SIGTERM)
    runpy.run_module("vgbench", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
