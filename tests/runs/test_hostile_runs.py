"""A run folder may come from a stranger, be at work elsewhere, or be damaged: nothing is lost, followed or believed."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vgbench import evaluate, resume_training, train
from vgbench.errors import CheckpointError, RunError
from vgbench.files import lock_folder
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.plugins.observers import Observer, closing_run
from vgbench.runs import run as run_module
from vgbench.runs.checkpoints import Checkpoint, load_checkpoint, newest_checkpoint, save_checkpoint, step_checkpoints
from vgbench.runs.features import feature_paths, read_features
from vgbench.runs.records import EvalRecord, RowRecord
from vgbench.runs.run import EvalRun, create_run, find_runs, locate_run, open_run
from vgbench.runs.scores import ClipScores, ScoreWriter

ROW = RowRecord(label="a", generator="x/a", n_lines=1)
RECORD = EvalRecord(protocol={"id": "", "name": "x"}, metrics=("mse@mean",), rows=(ROW,))


def test_a_run_that_another_process_finished_is_not_overwritten(folder):
    run = create_run(EvalRun, folder, "x", RECORD)
    mine, theirs = open_run(run.path), open_run(run.path)
    with closing_run(theirs, Observer()):
        pass
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(RunError, match="was changed by another process in the meantime"), closing_run(mine, Observer()):
        pytest.fail("it was begun")
    assert (run.path / "run.json").read_bytes() == before
    with closing_run(open_run(run.path), Observer()):  # the lock was let go
        pass


def test_a_training_that_is_at_work_is_not_resumed(tiny):
    run = train("mdgan", protocol=str(tiny), preset="tiny", steps=2, device="cpu")
    run.record = replace(run.record, status="running")
    run.save()
    with lock_folder(run.path), pytest.raises(RunError, match="is at work in another process"):
        resume_training(str(run.path), device="cpu")


@pytest.mark.parametrize("name", ["scores.jsonl", ".lock", "log.jsonl", "checkpoints"])
def test_a_link_in_a_run_is_not_followed(folder, name):
    run = create_run(EvalRun, folder, "x", RECORD)
    secret = folder / "precious.txt"
    secret.write_text("content")
    (run.path / name).symlink_to(secret)
    with pytest.raises(RunError, match=f"{name} is a link; a run's folder holds plain files alone"):
        open_run(run.path)
    if name == ".lock":
        with pytest.raises(OSError, match="symbolic link"):
            lock_folder(run.path)
    assert secret.read_text() == "content"
    assert find_runs(folder, EvalRun) == []


def test_a_pipe_in_a_run_is_not_read(folder):
    run = create_run(EvalRun, folder, "x", RECORD)
    (run.path / "run.json").unlink()
    os.mkfifo(run.path / "run.json")
    with pytest.raises(RunError, match=r"run.json is neither a file nor a folder"):
        open_run(run.path)


def test_what_a_lock_file_holds_stays(folder):
    (folder / ".lock").write_text("content")
    lock_folder(folder).close()
    assert (folder / ".lock").read_text() == "content"


def test_checkpoints_are_ordered_by_step_and_not_by_letter(folder):
    (folder / "checkpoints").mkdir()
    for name in ("step-999999", "step-1000000", "step-000002", "best-base", "step-x"):
        (folder / "checkpoints" / f"{name}.pt").touch()
    assert [path.stem for path in step_checkpoints(folder)] == ["step-000002", "step-999999", "step-1000000"]
    assert newest_checkpoint(folder).stem == "step-1000000"


def test_a_checkpoint_with_one_flipped_bit_is_refused(tiny):
    run = train("mdgan", protocol=str(tiny), preset="tiny", steps=2, stage="base", device="cpu")
    path = newest_checkpoint(run.path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda part: part.file_size)
    for place in (largest.header_offset + 400, largest.header_offset + largest.file_size // 2):
        flipped = bytearray(whole)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        with pytest.raises(CheckpointError, match="is damaged: .* does not have the checksum it was written with"):
            load_checkpoint(path)
    path.write_bytes(whole)
    assert load_checkpoint(path).step == 2


MARKED_AS_A_FOLDER = 0x10


@pytest.mark.parametrize(
    ("signature", "offset", "value", "message"),
    [
        (b"PK\x01\x02", 38, MARKED_AS_A_FOLDER, "is marked as a folder"),  # torch then gives what happens to be in memory
        (b"PK\x06\x07", 16, 9, "span multiple disks"),
    ],
)
def test_a_checkpoint_whose_table_of_contents_was_changed_is_refused(tmp_path, signature, offset, value, message):
    path = tmp_path / "step-000001.pt"
    state = {"base": {"weight": torch.arange(8.0)}}
    parts = {"stage": "base", "stage_step": 1, "step": 1, "finished_stages": {}, "elapsed": {}, "stage_state": {}}
    rng = torch.Generator().get_state()
    save_checkpoint(path, Checkpoint(generator="x/y", config={}, protocol={}, generator_state=state, rng=rng, **parts))
    data = bytearray(path.read_bytes())
    place = data.rindex(signature) + offset
    data[place] |= value
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 3), dtype=object), np.zeros((2, 3), dtype="M8[s]"), np.zeros((2, 3), dtype="U4"), np.zeros((2, 3), dtype=complex)],
    ids=lambda array: str(array.dtype),
)
def test_an_array_of_anything_but_numbers_is_never_mapped(folder, array):
    paths = feature_paths(folder, "x")
    paths.array.parent.mkdir()
    with open(paths.array, "wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(range(1, 97)) * 8)
    paths.names.write_text(json.dumps({"generator": "", "clip_id": "a", "source": "a", "sample": 0, "rows": 2}) + "\n")
    with pytest.raises(RunError, match="is damaged: its header says 2 rows of 3 numbers of type"):
        read_features(folder, "x", [])


def test_the_newest_of_one_second_and_of_two_time_zones(folder):
    for name, started in (
        ("a-9", "2026-03-01T12:00:00+00:00"),
        ("a-12", "2026-03-01T12:00:00+00:00"),
        ("b", "2026-03-01T12:30:00+01:00"),  # half an hour earlier
        ("c", "no time"),
    ):
        run = create_run(EvalRun, folder, "x", RECORD)
        run.record = replace(run.record, started=started)
        run.save()
        run.path.rename(folder / name)
    assert [run.name for run in find_runs(folder, EvalRun)] == ["a-12", "a-9", "b", "c"]


@pytest.fixture
def at(monkeypatch):
    """Begins a run at a time that the clock says."""

    def begin(text: str) -> str:
        time = datetime.fromisoformat(text)
        clock = SimpleNamespace(now=lambda: time, fromisoformat=datetime.fromisoformat)
        monkeypatch.setattr(run_module, "datetime", clock)
        monkeypatch.setattr(run_module, "now", lambda: text)
        return create_run(EvalRun, Path("runs"), "x", RECORD).name

    return begin


@pytest.mark.usefixtures("folder")
def test_a_clock_that_is_put_back_does_not_make_a_run_older(at):
    first = at("2026-03-01T13:00:00+00:00")
    names = [first, at("2026-03-01T12:00:00+00:00"), at("2026-03-01T11:00:00+00:00"), at("2026-03-01T11:30:00+00:00")]
    assert [run.name for run in find_runs(Path("runs"), EvalRun)] == names[::-1]
    names.append(at("2026-03-01T13:00:01+00:00"))
    assert [run.name for run in find_runs(Path("runs"), EvalRun)] == names[::-1]
    assert locate_run("latest", Path("runs"), EvalRun).name == names[-1]
    assert [run.record.after for run in find_runs(Path("runs"), EvalRun)] == [None, *names[2::-1], None]


@pytest.mark.usefixtures("folder")
def test_runs_that_say_they_came_after_each_other_are_listed_all_the_same(at):
    names = [at("2026-03-01T13:00:00+00:00"), at("2026-03-01T12:00:00+00:00")]
    older = open_run(Path("runs") / names[0])
    older.record = replace(older.record, after=names[1])
    older.save()
    assert {run.name for run in find_runs(Path("runs"), EvalRun)} == set(names)


def test_a_score_file_that_was_changed_is_no_longer_believed(tiny):
    run = evaluate(["copy-first"], protocol=str(tiny), metrics=["mse"], device="cpu")
    assert build_leaderboard([open_run(run.path)]).rows
    path = run.path / "scores.jsonl"
    path.write_text(path.read_text().replace("0.0", "0.1", 1))
    with pytest.raises(RunError, match="scores.jsonl is not what the evaluation wrote"):
        build_leaderboard([open_run(run.path)])


def test_a_row_that_vanished_from_the_record_is_missed(made_run):
    run = made_run({label: [[{"mse@mean": [0.1, 0.2]}]] for label in ("a", "b")})
    assert len(build_leaderboard([open_run(run.path)]).rows) == 2
    run.record = replace(run.record, rows=run.record.rows[:1])
    run.save()
    with pytest.raises(RunError, match="run.json is damaged: it does not have the row b, which scores.jsonl has lines of"):
        build_leaderboard([open_run(run.path)])
    run.record = replace(run.record, failures={"b": "it failed after its first clip"})
    run.save()
    assert [row.label for row in build_leaderboard([open_run(run.path)]).rows] == ["a"]


def test_a_disk_that_is_full_for_the_last_bytes_too_is_one_sentence(folder):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    writer = ScoreWriter(folder)
    (descriptor,) = (int(one.name) for one in Path("/proc/self/fd").iterdir() if one.resolve() == (folder / "scores.jsonl").resolve())
    os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)
    line = ClipScores("a", "a", 0, "x", None, {"mse@mean": [1.0]}, 1, 0, None)
    with pytest.raises(RunError, match="scores.jsonl cannot be written: No space left on device"), writer:
        writer.write([line])
