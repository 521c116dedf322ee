"""Scores kept between runs: what is found is what was kept, and damage is missed, not believed."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings, strategies as st

from vgbench.scoring.score_store import KeptClip, KeptScore, ScoreStore

CLIP = KeptClip("row", "video/000000", 0, b"p" * 32, 0.25, 3)
SCORE = KeptScore("metric", b"p" * 32, b"r" * 32, [1.5, math.nan, -math.inf])


def test_what_was_kept_is_found_to_the_bit(tmp_path):
    store = ScoreStore(tmp_path / "scores.sqlite")
    store.keep([CLIP, CLIP._replace(sample=1, seconds=None)], [SCORE])
    store.close()
    again = ScoreStore(tmp_path / "scores.sqlite")
    assert again.clip("row", "video/000000", 0) == CLIP
    assert again.clip("row", "video/000000", 1) == CLIP._replace(sample=1, seconds=None)
    assert str(again.score("metric", b"p" * 32, b"r" * 32)) == str(SCORE.values)
    assert again.clip("other", "video/000000", 0) is again.clip("row", "video/000000", 2) is again.score("metric", b"p" * 32, b"x") is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(), min_size=1), st.binary(min_size=32, max_size=32), st.text())
def test_any_values_come_back_as_they_were(tmp_path_factory, values, pixels, metric):
    store = ScoreStore(tmp_path_factory.mktemp("store") / "scores.sqlite")
    usable = metric.encode("utf-8", "replace").decode()
    store.keep([], [KeptScore(usable, pixels, pixels, values)])
    assert str(store.score(usable, pixels, pixels)) == str(values)
    store.close()


def test_what_is_computed_afresh_is_not_looked_up_and_replaces_what_was_kept(tmp_path):
    store = ScoreStore(tmp_path / "scores.sqlite")
    store.keep([CLIP], [SCORE])
    fresh = ScoreStore(tmp_path / "scores.sqlite", fresh=True)
    assert fresh.clip("row", "video/000000", 0) is fresh.score(*SCORE[:3]) is None
    fresh.keep([CLIP._replace(seconds=9.0)], [])
    assert store.clip("row", "video/000000", 0).seconds == 9.0


@pytest.mark.parametrize(
    "damage",
    [
        "update scores set numbers = zeroblob(24)",
        "update scores set numbers = x'00'",
        "update scores set check_bytes = x'0000000000000000'",
        "update clips set pixels = zeroblob(32)",
        "update clips set seconds = 0.5",
        "update clips set perfect = 'many'",
    ],
)
def test_a_damaged_entry_counts_as_missing_and_is_counted(tmp_path, damage):
    path = tmp_path / "scores.sqlite"
    store = ScoreStore(path)
    store.keep([CLIP], [SCORE])
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()
    store = ScoreStore(path)
    found = [store.clip("row", "video/000000", 0), store.score(*SCORE[:3])]
    assert found.count(None) == 1
    assert len(store.damaged) == 1
    store.keep([CLIP], [SCORE])
    assert store.clip("row", "video/000000", 0) == CLIP
    assert store.score(*SCORE[:3]) is not None


def test_a_file_that_is_no_database_costs_nothing_but_time(tmp_path):
    (tmp_path / "scores.sqlite").write_bytes(b"no database" * 100)
    store = ScoreStore(tmp_path / "scores.sqlite")
    store.keep([CLIP], [SCORE])
    assert store.clip("row", "video/000000", 0) is None
    assert f"Scores are not kept between runs: {tmp_path / 'scores.sqlite'}: file is not a database" in store.problem


WRITER = """
import sys, time
from pathlib import Path
from vgbench.scoring.score_store import KeptClip, ScoreStore

folder, writer, begin = sys.argv[1], sys.argv[2], float(sys.argv[3])
for number in range(20):
    time.sleep(max(0.0, begin + number * 0.05 - time.time()))  # all at one moment
    store = ScoreStore(Path(folder) / f"{number}.sqlite")
    store.keep([KeptClip(f"row {writer}", str(number), 0, bytes(32), 0.1, 0)], [])
    assert store.problem == "", store.problem
    store.close()
"""


def test_several_processes_open_a_new_file_at_once_and_nothing_is_lost(tmp_path):
    begin = str(time.time() + 1.5)
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(writer), begin]) for writer in range(6)]
    assert [writer.wait() for writer in writers] == [0] * 6
    for number in range(20):
        store = ScoreStore(tmp_path / f"{number}.sqlite")
        assert all(store.clip(f"row {writer}", str(number), 0) for writer in range(6))
        store.close()
