"""A SQLite file of the cache, safe for several processes and for a kill; it may be deleted at any time."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

_PATIENCE = 60.0
"""Seconds to wait for another process's write."""


class KeptFile:
    """Tables that are kept between runs. Where the file cannot be used nothing is found in it, and `problem` says why."""

    def __init__(self, path: Path, tables: Iterable[str], *, what: str) -> None:
        """tables: the statements that make them, where they are not there yet.  what: is kept, as the first word of a sentence."""
        self.path, self.problem, self._what = path, "", what
        self._connection: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
            _patiently(partial(_set_up, self._connection, list(tables)))
        except (OSError, sqlite3.Error) as error:
            self.give_up(error)

    def find(self, query: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The first row of a query; None where there is none."""
        if self._connection is None:
            return None
        try:
            found: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
        except sqlite3.Error as error:
            self.give_up(error)
            return None
        return found

    def put(self, *statements: tuple[str, Sequence[Sequence[Any]]]) -> None:
        """Statements, each with the rows it is done for: all of them or none."""
        if self._connection is None:
            return
        try:
            self._connection.execute("begin immediate")
            for statement, rows in statements:
                self._connection.executemany(statement, rows)
            self._connection.execute("commit")
        except sqlite3.Error as error:
            self.give_up(error)

    def absorb(self, path: Path, table: str) -> None:
        """Take over what another such file holds in a table; what is there already is replaced."""
        if self._connection is None:
            return
        try:
            self._connection.execute("attach database ? as other", (str(path),))
            try:
                self._connection.execute(f"insert or replace into main.{table} select * from other.{table}")
            finally:
                self._connection.execute("detach database other")
        except sqlite3.Error as error:
            self.give_up(error)

    def give_up(self, error: Exception) -> None:
        """Use the file no longer, since something in it is not as it was written."""
        self.problem = f"{self._what} are not kept between runs: {self.path}: {error}."
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _set_up(connection: sqlite3.Connection, tables: Iterable[str]) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    for table in tables:
        connection.execute(table)


def _patiently(work: Callable[[], None]) -> None:
    """Do the work, again where others are opening or closing the file just now: there SQLite does not wait by itself."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(random.uniform(0.005, 0.05))
