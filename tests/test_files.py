"""Files that are written whole, and what cannot be written."""

from __future__ import annotations

import os

import pytest

from vgbench.errors import RunError
from vgbench.files import escaped, is_utf8, write_text
from vgbench.runs.records import EvalRecord
from vgbench.runs.run import EvalRun, create_run
from vgbench.runs.scores import ClipScores, ScoreWriter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="elsewhere names are not bytes")
LATIN = os.fsdecode(b"\xc3\xbc caf\xe9")


def test_stray_bytes_are_shown_and_the_rest_stays():
    assert escaped(LATIN) == r"ü caf\xe9"
    assert not is_utf8(LATIN)
    assert is_utf8("ü café 中 \N{GRINNING FACE}")


def test_a_text_with_such_a_name_is_refused_with_it_and_leaves_nothing(tmp_path):
    with pytest.raises(RunError, match=r"a.json cannot be written: the name ü caf\\xe9 in it is not UTF-8. Rename that file or folder."):
        write_text(tmp_path / "a.json", f'{{"reference": "/data/{LATIN}/real"}}')
    assert not list(tmp_path.iterdir())


def test_no_run_is_begun_whose_record_cannot_be_written(tmp_path):
    with pytest.raises(RunError, match=r"runs cannot be written: the name ü caf\\xe9 in it"):
        create_run(EvalRun, tmp_path / "runs", "x", EvalRecord(protocol={"reference": LATIN}, metrics=(), rows=()))
    assert not list(tmp_path.iterdir())


def test_scores_of_a_clip_of_such_a_name_are_refused(tmp_path):
    line = ClipScores(LATIN, LATIN, 0, "copy-first", None, {"mse": [0.0]}, 1, 1, None)
    with ScoreWriter(tmp_path) as writer, pytest.raises(RunError, match=r"scores.jsonl cannot be written: the name ü caf\\xe9 in it"):
        writer.write([line])
