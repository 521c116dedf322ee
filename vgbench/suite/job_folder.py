"""A job's folder: what its commands printed, whether somebody is at work on it, and why it failed, if it did."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from vgbench.errors import RunError
from vgbench.files import lock_folder, write_text, writing

Locked = TypeVar("Locked")

COMMAND = "$ vgbench "
"""What a line of output.log begins with that says which command follows."""


PATIENCE = 60.0
"""Seconds that processes of a suite that was killed, or of a node that was lost, get to save what they have and end."""


def patiently(lock: Callable[[], Locked]) -> Locked:
    """What `lock` gives, tried until those who had it before are gone; its RunError where they stay."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return lock()
        except RunError:
            if time.monotonic() > until:
                raise
        time.sleep(0.2)


class JobFolder:
    """`<runs>/suites/<suite>/<job>/` with output.log and, after a failure, failure.json."""

    def __init__(self, path: Path, key: str) -> None:
        """key: what decides the job; what was noted of another counts for nothing."""
        self.path, self._key = path, key
        self.log, self._failure = path / "output.log", path / "failure.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Within the block nobody else works on the job.  RunError: somebody does and stays, or the folder cannot be written."""
        lock = patiently(self._lock)
        try:
            yield
        finally:
            lock.close()

    def _lock(self) -> IO[bytes]:
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                return lock_folder(self.path)
            except BlockingIOError as error:
                raise RunError("another process is at work on it.") from error

    def is_at_work(self) -> bool:
        """Whether somebody works on the job."""
        if not self.path.is_dir():
            return False
        try:
            lock_folder(self.path).close()
        except BlockingIOError:
            return True
        except OSError:  # a folder that may only be read
            return False
        return False

    def failure(self) -> str | None:
        """Why the job failed when it was last tried; None where it did not, or was another job then."""
        try:
            noted = json.loads(self._failure.read_text(encoding="utf-8"))
            return str(noted["reason"]) if noted["key"] == self._key else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def note_failure(self, reason: str) -> None:
        """Note why the job failed.  RunError: the folder cannot be written."""
        write_text(self._failure, json.dumps({"key": self._key, "reason": reason}, ensure_ascii=False) + "\n")

    def forget_failure(self) -> None:
        """The job is tried again, or done."""
        with writing(self.path):
            self._failure.unlink(missing_ok=True)

    def last_words(self) -> str:
        """What the last command said on its end: from its last error on, else its last line."""
        try:
            lines = [line.rstrip() for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        except OSError:
            return ""
        commands = [number for number, line in enumerate(lines) if line.startswith(COMMAND)]
        lines = lines[commands[-1] + 1 :] if commands else lines
        errors = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
        words = lines[errors[-1] :] if errors else lines[-1:]
        return "\n".join(words).removeprefix("Error: ")
