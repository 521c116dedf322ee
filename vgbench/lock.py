"""One process at a time in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import IO


def lock_folder(folder: Path) -> IO[bytes]:
    """A lock on the folder, held until the file that is returned is closed.

    BlockingIOError: another process holds it.  OSError: the folder cannot be written.
    """
    lock = open(folder / ".lock", "wb")
    try:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # a system without flock: there, two processes in one folder are the user's care
        pass
    except OSError:
        lock.close()
        raise
    return lock
