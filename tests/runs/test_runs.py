"""Run folders survive a full disk, a folder that cannot be written, and files that were damaged."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vgbench.errors import RunError
from vgbench.files import write_text
from vgbench.runs.records import EvalRecord, RowRecord
from vgbench.runs.run import EvalRun, Run, TrainRun, create_run, find_runs, locate_run, open_run

LIMITED = """
import resource, signal, sys
from vgbench.__main__ import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[2:]))
"""


def run_limited(limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that may write no file past `limit` bytes: the system refuses it as it refuses a write to a full disk."""
    assert resource.RLIMIT_FSIZE
    assert signal.SIGXFSZ
    return subprocess.run([sys.executable, "-c", LIMITED, str(limit), *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_disk_that_fills_while_a_checkpoint_is_written_keeps_the_run_and_says_so(tiny):
    ran = run_limited(200_000, "train", "mdgan", "--protocol", str(tiny), "--preset", "tiny", "--steps", "4", "--device", "cpu")
    assert ran.returncode == 1
    assert "checkpoints/step-000002.pt cannot be written" in ran.stderr
    assert "Free some space, or give another folder with --runs." in ran.stderr
    assert "Traceback" not in ran.stderr
    (path,) = Path("runs").iterdir()
    assert open_run(path).record.status == "failed"
    assert list((path / "checkpoints").iterdir()) == []


def test_a_disk_that_fills_while_scores_are_written_says_so(tiny):
    arguments = ["eval", "--protocol", str(tiny), "--generators", "copy-first,noise", "--metrics", "mse,psnr,ssim"]
    ran = run_limited(6000, *arguments)
    assert ran.returncode == 1
    assert "scores.jsonl cannot be written: File too large." in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_folder_that_cannot_be_written_says_so(tiny, vgbench):
    Path("taken").write_text("a file")
    for folder in ("/proc/runs", "taken/runs"):
        ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-first", "--metrics", "mse", "--runs", folder)
        assert ran.status == 1
        assert f"{folder} cannot be written: " in ran.err


def test_two_runs_in_one_second_get_two_folders(folder):
    record = EvalRecord(protocol={"id": "", "name": "x"}, metrics=(), rows=())
    paths = {create_run(EvalRun, Path("runs"), "x", record).path for _ in range(3)}
    assert len(paths) == 3
    assert [run.path for run in find_runs(Path("runs"), TrainRun)] == []
    assert {run.path for run in find_runs(Path("runs"), Run)} == paths


def test_a_file_is_replaced_whole_or_not_at_all(folder):
    path = folder / "text"
    write_text(path, "old")
    assert run_limited(10, "--help").returncode == 0
    with pytest.raises(RunError, match="cannot be written: No such file or directory"):
        write_text(folder / "absent" / "text", "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in folder.iterdir()] == ["text"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "run.json cannot be read"),
        ("[1, 2]", "has schema_version None; this vgbench reads 1"),
        ('{"schema_version": 1}', "is damaged: its status or verb is missing or unknown"),
    ],
)
def test_a_damaged_record_is_named_and_passed_over_in_lists(folder, content, message):
    path = folder / "runs" / "x"
    path.mkdir(parents=True)
    (path / "run.json").write_text(content)
    with pytest.raises(RunError, match=message):
        open_run(path)
    assert find_runs(folder / "runs", Run) == []


def test_a_run_that_is_not_there_says_where_it_was_looked_for(folder):
    with pytest.raises(RunError, match="There is no run 'x', neither as a folder nor in runs"):
        locate_run("x", Path("runs"), EvalRun)
    with pytest.raises(RunError, match="There is no eval run in runs"):
        locate_run("latest", Path("runs"), EvalRun)


def test_a_record_is_read_as_it_was_written_and_keeps_what_another_version_wrote(folder):
    row = RowRecord(label="a", generator="x/a", n_lines=2, weights={"step": 3}, others={"colour": "red"})
    record = EvalRecord(protocol={"id": "1", "name": "x"}, metrics=("mse@mean",), rows=(row,), others={"later": [1, {"a": None}]})
    run = create_run(EvalRun, folder, "x", record)
    opened = open_run(run.path)
    assert opened.record == run.record
    opened.save()
    assert open_run(run.path).record == run.record
    table = json.loads((run.path / "run.json").read_text())
    assert table["later"] == [1, {"a": None}]
    assert table["rows"][0]["colour"] == "red"
