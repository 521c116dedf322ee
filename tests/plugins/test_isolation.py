"""What a plugin changes of the process's global state reaches no other row or metric, and is said; one that hangs is named."""

from __future__ import annotations

import logging
import random
import time

import numpy as np
import pytest
import torch

from vgbench.errors import ConfigError
from vgbench.evaluation.evaluate import evaluate
from vgbench.plugins import watchdog
from vgbench.plugins.discovery import BUILT_IN, Plugin
from vgbench.plugins.isolation import changes_of, isolated
from vgbench.runs.scores import read_scores

DRAWING = """
import random
import numpy, torch
from vgbench import Generator, GeneratorSpec, hookimpl

class Draws(Generator):
    # Noise from the global states, as a program that was made for itself alone has it.
    def generate(self, request):
        shape = (len(request.context), request.frames, *request.context.shape[2:])
        clips = torch.rand(shape) * 0.5 + numpy.random.rand() * 0.25 + random.random() * 0.25
        return clips.clamp(0, 1)

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="draws", summary="x", target=f"{__name__}:Draws")]
"""

CHANGING = """
import torch
from vgbench import Generator, GeneratorSpec, MetricSpec, PairedMetric, hookimpl

class Changes(Generator):
    # Rounds all that anybody clamps, and computes in another precision.
    def __init__(self, config, *, device):
        super().__init__(config, device=device)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(1)
        plain = torch.Tensor.clamp
        torch.Tensor.clamp = lambda tensor, *bounds: plain(tensor, *bounds).round()
        torch.rand = lambda *shape, **options: torch.full(*shape, 0.75, **options)

    def generate(self, request):
        assert torch.get_default_dtype() == torch.float64
        return torch.rand((len(request.context), request.frames, *request.context.shape[2:])).clamp(0, 1).float()

class Replaces(PairedMetric):
    span = 1
    def measure(self, clips, references):
        torch.mean = lambda *args, **options: torch.tensor(7.0)
        return torch.ones(clips.shape[:2])

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="changes", summary="x", target=f"{__name__}:Changes")]

@hookimpl
def vgbench_metrics():
    return [MetricSpec(name="replaces", kind="paired", summary="x", target=f"{__name__}:Replaces", better="lower")]
"""


@pytest.fixture
def changing(install_plugin):
    install_plugin("drawing", DRAWING)
    install_plugin("changing", CHANGING)


def values_of(run, generator):
    return [(line.clip_id, line.sample, line.scores["mse@mean"]) for line in read_scores(run.path) if line.generator == generator]


@pytest.mark.usefixtures("changing")
def test_a_rows_numbers_do_not_depend_on_which_others_there_are(tiny, tmp_path):
    def scored(*generators, metrics=("mse",)):
        return evaluate(generators, protocol=tiny, metrics=metrics, runs=tmp_path / "-".join((*generators, *metrics)), fresh=True)

    alone = {name: values_of(scored(name), name) for name in ("draws", "noise", "changes")}
    assert len({str(value) for _, _, value in alone["draws"]}) > 1
    threads = torch.get_num_threads()
    together = scored("changes", "draws", "noise", metrics=("mse", "replaces"))
    for name, expected in alone.items():
        assert values_of(together, name) == expected
    assert torch.get_num_threads() == threads
    assert torch.rand(3).dtype == torch.float32
    assert torch.full((2,), 1.5).clamp(0, 2).eq(1.5).all()
    assert torch.mean(torch.zeros(2)) == 0


@pytest.mark.usefixtures("changing")
def test_what_was_changed_is_said_once_and_recorded_with_each_run(tiny, tmp_path, vgbench):
    first, second = (
        vgbench(
            "eval", "--protocol", tiny, "--metrics", "mse,replaces", "--generators", "changes", "--json", "--runs", str(tmp_path / name)
        )
        for name in ("a", "b")
    )
    said = "replaced torch.rand, replaced torch.Tensor.clamp, changed torch's default dtype from torch.float32 to torch.float64"
    for ran in (first, second):
        (warning,) = [text for text in ran.json()["warnings"] if "default dtype" in text]
        assert warning.startswith("plugin changing (")
        assert said in warning
        assert warning.endswith("that holds within its own calls alone, and for no other row or metric.")
        assert any("replaced torch.mean" in text for text in ran.json()["warnings"])


@pytest.fixture
def plugin(request):
    return Plugin(name=f"some-{request.node.name}", distribution="some", version="1")


def test_random_states_go_on_as_if_nothing_had_been_called(plugin):
    def drawn():
        return random.random(), np.random.rand(), torch.rand(2).tolist()

    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = [drawn(), drawn()]
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    inside = []
    found = []
    for seed in (5, 6):
        with isolated(plugin, seed):
            inside.append(drawn())
        found.append(drawn())
    assert found == expected
    with isolated(plugin, 5):
        assert drawn() == inside[0]
    assert inside[0] != inside[1]


def test_changes_hold_within_the_plugins_own_calls(plugin, caplog):
    own = torch.sum
    for _ in range(2):
        with isolated(plugin):
            np.seterr(all="raise")
            torch.sum = torch.prod
        assert torch.sum is own
        assert np.geterr()["divide"] != "raise"
        with isolated(plugin):
            assert torch.sum is torch.prod
            assert np.geterr()["divide"] == "raise"
        with isolated(Plugin(name="another", distribution="some", version="1")):
            assert torch.sum is own
    (note,) = changes_of([plugin])
    assert "replaced torch.sum, changed numpy's error handling" in note
    assert [record.message for record in caplog.records] == [note]
    with isolated(plugin):
        torch.sum = own
        np.seterr(**np.geterr() | {"divide": "warn"})
    with isolated(plugin):
        assert torch.sum is own


def test_an_error_inside_puts_back_what_was_changed(plugin):
    def fail():
        torch.set_default_dtype(torch.float64)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), isolated(plugin):
        fail()
    assert torch.get_default_dtype() == torch.float32


def test_the_core_and_a_plugin_that_changes_nothing_say_nothing(plugin, caplog):
    for one in (plugin, Plugin(name=BUILT_IN, distribution="vgbench", version="1")):
        with isolated(one):
            torch.nn.functional.relu(torch.randn(2).clamp(0, 1))
        assert changes_of([one]) == []
    assert not caplog.records


HANGING = """
import time
from vgbench import Generator, GeneratorSpec, hookimpl

class Sleeps(Generator):
    def generate(self, request):
        time.sleep(2.5)
        return request.context[:, -1:].expand(-1, request.frames, -1, -1, -1)

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="sleeps", summary="x", target=f"{__name__}:Sleeps")]
"""


def test_a_plugin_that_hangs_is_named(tiny, install_plugin, vgbench, monkeypatch, caplog):
    install_plugin("hanging", HANGING)
    monkeypatch.setenv("VGBENCH_PATIENCE", "0.5")
    ran = vgbench("eval", "--protocol", tiny, "--metrics", "mse", "--generators", "sleeps", "--limit", "1", "--json")
    assert ran.status == 0
    named = [record.message for record in caplog.records if "at work for" in record.message]
    assert named
    assert all(text.startswith("generator 'sleeps' (plugin hanging (") for text in named)
    assert "If it hangs, Ctrl-C ends it; what was done is kept, and --resume goes on." in named[0]


def test_a_call_is_named_again_when_it_has_taken_twice_as_long_and_not_when_it_calls_back(monkeypatch, caplog):
    monkeypatch.setattr(watchdog, "_LOOK_EVERY", 0.02)
    monkeypatch.setattr(watchdog, "_watchdog", watchdog._Watchdog())
    monkeypatch.setenv("VGBENCH_PATIENCE", "0.1")
    caplog.set_level(logging.WARNING)
    with watchdog.watched("one"):
        time.sleep(0.8)
    assert 1 <= len(caplog.records) <= 4
    caplog.clear()
    monkeypatch.setenv("VGBENCH_PATIENCE", "5")
    with watchdog.watched("another"):
        watchdog.still_alive()
    assert not caplog.records
    monkeypatch.setenv("VGBENCH_PATIENCE", "0")
    with watchdog.watched("a third"):
        time.sleep(0.1)
    assert not caplog.records


@pytest.mark.parametrize("text", ["soon", "-1", "inf", "nan"])
def test_a_patience_that_is_no_number_of_seconds_is_refused(monkeypatch, text):
    monkeypatch.setenv("VGBENCH_PATIENCE", text)
    with pytest.raises(ConfigError, match=f"VGBENCH_PATIENCE={text}: not a number of seconds"), watchdog.watched("x"):
        pass
