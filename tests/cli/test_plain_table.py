"""Tables of plain text fit a terminal, and are one line a row elsewhere."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, strategies as st

from vgbench.cli import plain_table
from vgbench.cli.plain_table import aligned

WORDS = st.lists(st.text("abcdef", min_size=1, max_size=9), min_size=1, max_size=20)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def at(columns, monkeypatch, stream=Terminal):
    monkeypatch.setattr(plain_table.sys, "stdout", stream())
    monkeypatch.setenv("COLUMNS", str(columns))


def test_elsewhere_a_row_is_a_line(monkeypatch):
    at(20, monkeypatch, io.StringIO)
    assert aligned([{"id": "a", "summary": "many words that run on and on"}]) == "id  summary\na   many words that run on and on"


def test_on_a_terminal_words_stay_whole(monkeypatch):
    at(40, monkeypatch)
    rows = [{"id": "long-name", "summary": "words that do not fit beside the name of it"}]
    assert aligned(rows).splitlines() == [
        "id         summary",
        "long-name  words that do not fit beside",
        "           the name of it",
    ]
    at(30, monkeypatch)
    assert aligned(rows).splitlines()[1:] == ["long-name", "    words that do not fit", "    beside the name of it"]


@given(columns=st.integers(30, 120), table=st.lists(st.tuples(st.text("xyz", max_size=12), WORDS), min_size=1, max_size=5))
def test_nothing_is_lost_and_nothing_is_too_wide(columns, table):
    with pytest.MonkeyPatch.context() as patched:
        at(columns, patched)
        shown = aligned([{"name": name, "text": " ".join(words)} for name, words in table])
    assert all(len(line) <= columns for line in shown.splitlines())
    assert shown.split() == ["name", "text", *(part for name, words in table for part in (*name.split(), *words))]
