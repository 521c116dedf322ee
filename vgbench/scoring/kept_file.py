"""A SQLite file of the cache, safe for several processes and for a kill; it may be deleted at any time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
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
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = normal")
            for table in tables:
                self._connection.execute(table)
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
