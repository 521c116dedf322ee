"""What a verb says where it is called from Python and names no observer."""

from __future__ import annotations

import io
import sys
import warnings
from types import SimpleNamespace

import pytest

import vgbench
from vgbench.plugins import telling
from vgbench.plugins.observers import TrainingProgress
from vgbench.plugins.telling import Telling


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(telling, "sys", SimpleNamespace(stderr=stream, _getframe=sys._getframe))
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(telling, "_EVERY", 0)
    return stream


def test_notes_are_warnings_at_the_callers_line(tiny):
    with pytest.warns(vgbench.VgbenchWarning, match="A trial on the first 2 test clips") as caught:
        vgbench.evaluate(["copy-first"], protocol=tiny, metrics=["mse"], limit=2, device="cpu")
    assert {record.filename for record in caught} == {__file__}


def test_an_observer_of_ones_own_is_told_instead(tiny, terminal):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vgbench.evaluate(["copy-first"], protocol=tiny, metrics=["mse"], limit=2, device="cpu", observer=vgbench.Observer())
    assert not terminal.getvalue()


@pytest.mark.filterwarnings("ignore::vgbench.VgbenchWarning")
def test_progress_is_a_line_on_a_terminal_and_nothing_elsewhere(tiny, terminal, monkeypatch):
    run = vgbench.evaluate(["copy-first"], protocol=tiny, metrics=["mse"], device="cpu", batch_size=3)
    lines = terminal.getvalue().split("\r")
    assert lines[1].startswith("clips   30 %  0:0")
    assert lines[1].endswith(" left  3/10\x1b[K")
    assert lines[-1].startswith("clips  100 %  0:0")
    assert lines[-1].endswith("  10/10\x1b[K\n")
    monkeypatch.setattr(telling.sys, "stderr", io.StringIO())
    vgbench.evaluate(["copy-first"], protocol=tiny, metrics=["mse"], device="cpu")
    assert not telling.sys.stderr.getvalue()
    assert run.record.status == "done"


def test_training_shows_its_losses_in_what_space_there_is(terminal):
    shown = Telling()
    losses = {"adversarial": 0.7, "content": 0.1, "discriminator": 1.3}
    shown.trained(TrainingProgress("base", 5, 5, 10, 0.5, losses, 27.123))
    line = terminal.getvalue().strip("\r").removesuffix("\x1b[K")
    assert line.startswith("stage base   50 %  0:00 left  27.1 clips/s  adversarial 0.7")
    assert len(line) <= 59


def test_a_process_without_stderr_is_no_reason_to_fail(monkeypatch):
    monkeypatch.setattr(telling, "sys", SimpleNamespace(stderr=None))
    shown = Telling()
    shown.advanced("clips", 1, 2)
    assert not shown._began
