"""Naming the plugin whose code does not come back."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from vgbench.errors import ConfigError

logger = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds that a call may take before it is named; the environment variable VGBENCH_PATIENCE sets another number, 0 for never."""
_LOOK_EVERY = 0.5


class _Call(NamedTuple):
    who: str
    thread: int
    began: float
    named_at: float
    """When it is named next."""


class _Watchdog:
    """Looks at the calls under way from a thread of its own, which begins with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[int, _Call] = {}
        self._last = 0
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, who: str, patience: float) -> Iterator[None]:
        """A call under way."""
        began = time.monotonic()
        with self._lock:
            self._last += 1
            key = self._last
            self._calls[key] = _Call(who, threading.get_ident(), began, began + patience)
            if self._thread is None or not self._thread.is_alive():  # as after a fork
                self._thread = threading.Thread(target=self._look, name="vgbench-watchdog", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._calls[key]

    def begin_anew(self, thread: int) -> None:
        """The calls of a thread count as begun now."""
        now = time.monotonic()
        with self._lock:
            for key, call in self._calls.items():
                if call.thread == thread:
                    self._calls[key] = call._replace(began=now, named_at=call.named_at + now - call.began)

    def _look(self) -> None:
        while True:
            for who, seconds in self._late():
                logger.warning(
                    f"{who} has been at work for {seconds:.0f} s in one call. If it hangs, Ctrl-C ends it; what was done is kept, and "
                    "--resume goes on."
                )
            time.sleep(_LOOK_EVERY)

    def _late(self) -> list[tuple[str, float]]:
        """Calls that are to be named, and how long they have taken; they are named again when they have taken twice as long."""
        now = time.monotonic()
        with self._lock:
            late = {key: call for key, call in self._calls.items() if call.named_at <= now}
            for key, call in late.items():
                self._calls[key] = call._replace(named_at=2 * now - call.began)
        return [(call.who, now - call.began) for call in late.values()]


_watchdog = _Watchdog()


@contextmanager
def watched(who: str) -> Iterator[None]:
    """A call that is named on stderr where it takes long."""
    patience = _patience()
    if not patience:
        yield
        return
    with _watchdog.over(who, patience):
        yield


def still_alive() -> None:
    """The code that this thread has called is not hanging: it has just called back."""
    _watchdog.begin_anew(threading.get_ident())


def _patience() -> float:
    """ConfigError: VGBENCH_PATIENCE is no number of seconds."""
    text = os.environ.get("VGBENCH_PATIENCE")
    if text is None:
        return PATIENCE
    try:
        patience = float(text)
    except ValueError:
        patience = -1.0
    if not 0 <= patience < float("inf"):
        raise ConfigError(f"VGBENCH_PATIENCE={text}: not a number of seconds; give one, or 0 for no word of calls that take long.")
    return patience
