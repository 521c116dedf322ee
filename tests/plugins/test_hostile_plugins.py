"""Plugins that misbehave after they were loaded: each costs only itself, and never the numbers of others."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import vgbench as package
from vgbench.errors import GeneratorError, MetricError
from vgbench.evaluation.evaluate import evaluate
from vgbench.plugins.discovery import load_plugins
from vgbench.plugins.guard import guarded
from vgbench.plugins.registry import load_registry
from vgbench.runs.checkpoints import load_checkpoint

GENERATOR = """
import torch
from vgbench import Generator, GeneratorSpec, hookimpl

class Good(Generator):
    def generate(self, request):
        return request.context[:, -1:].expand(-1, request.frames, -1, -1, -1)

class BadStart(Good):
    def __init__(self, config, *, device):
        raise RuntimeError("no start")

class BadFit(Good):
    def fit(self, clips):
        raise RuntimeError("no fit")

class BadCount(Good):
    def parameter_count(self):
        raise RuntimeError("no count")

class Exits(Good):
    def generate(self, request):
        raise SystemExit(0)

class Halt(BaseException):
    pass

class Halts(Good):
    def generate(self, request):
        raise Halt("no more")

class Prints(Good):
    def generate(self, request):
        print("made by a plugin")
        return super().generate(request)

NOT_A_GENERATOR = lambda config, device: 5

@hookimpl
def vgbench_generators():
    print("asked for generators")
    targets = ["BadStart", "BadFit", "BadCount", "Exits", "Halts", "Prints", "NOT_A_GENERATOR", "Missing"]
    specs = [GeneratorSpec(name=target.lower().replace("_", "-"), summary="x", target=f"{__name__}:{target}") for target in targets]
    return [*specs, GeneratorSpec(name="needy", summary="x", target=f"{__name__}:Prints", needs=("nopkg.sub",))]
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("badstart", "raised RuntimeError: no start"),
        ("badfit", "raised RuntimeError: no fit"),
        ("badcount", "raised RuntimeError: no count"),
        ("exits", "raised SystemExit: 0"),
        ("halts", "raised Halt: no more"),
        ("not-a-generator", "is a int, not a vgbench.Generator"),
        ("missing", "raised AttributeError"),
        ("needy", "needs nopkg.sub: install it"),
    ],
)
def test_a_broken_generator_costs_only_its_row(tiny, install_plugin, vgbench, name, message):
    install_plugin("bad", GENERATOR)
    ran = vgbench("eval", "--protocol", tiny, "--metrics", "mse", "--generators", f"{name},copy-last", "--json")
    assert ran.status == 1
    assert f"Error: {name} has no row: " in ran.err
    assert message in ran.err
    assert [row["generator"] for row in ran.json()["rows"]] == ["copy-last"]


def test_what_a_plugin_prints_does_not_reach_stdout(tiny, install_plugin, vgbench):
    install_plugin("bad", "print('imported')\n" + GENERATOR)
    ran = vgbench("eval", "--protocol", tiny, "--metrics", "mse", "--generators", "prints", "--json")
    assert ran.status == 0
    assert [row["generator"] for row in ran.json()["rows"]] == ["prints"]
    for text in ("imported", "asked for generators", "made by a plugin"):
        assert text in ran.err


def test_a_plugins_error_names_its_innermost_line(tiny, install_plugin, vgbench, monkeypatch):
    install_plugin("bad", GENERATOR)
    arguments = ("eval", "--protocol", tiny, "--metrics", "mse", "--generators", "badfit")
    line = GENERATOR.split("\n").index('        raise RuntimeError("no fit")') + 1
    sentence = f"RuntimeError: no fit (vgbench_bad_module.py, line {line}; VGBENCH_TRACEBACK=1 shows the rest)"
    assert f"generator 'badfit' (plugin bad (vgbench-bad 1.5)) raised {sentence}" in vgbench(*arguments).err
    monkeypatch.setenv("VGBENCH_TRACEBACK", "1")
    with pytest.raises(RuntimeError, match="no fit"):
        vgbench(*arguments)


def test_the_innermost_line_is_the_plugins_even_where_torch_raised_below_it(install_plugin):
    source = "import torch\n\ndef add():\n    return torch.zeros(2) + torch.zeros(3)\n\nadd_later = lambda: add()\n"
    install_plugin("adder", source)
    module = importlib.import_module("vgbench_adder_module")
    with (
        pytest.raises(GeneratorError, match=r"^it raised RuntimeError: The size .* \(vgbench_adder_module.py, line 4; VGBENCH_TRACE"),
        guarded(GeneratorError, "it", "vgbench_adder_module:add"),
    ):
        module.add_later()


def test_an_error_that_came_through_no_line_of_the_plugin_says_how_to_see_it():
    with (
        pytest.raises(GeneratorError, match=r"^it raised TypeError: .* \(VGBENCH_TRACEBACK=1 shows where\)$"),
        guarded(GeneratorError, "it", "a_plugin.module:Name"),
    ):
        Path(1, 2)  # type: ignore[arg-type]


def test_plugins_called_in_several_threads_leave_stdout_as_it_was():
    stdout, entered, left = sys.stdout, threading.Event(), threading.Event()

    def second():
        with guarded(GeneratorError, "second", "plugin:Name"):
            entered.set()
            left.wait()

    thread = threading.Thread(target=second)
    with guarded(GeneratorError, "first", "plugin:Name"):
        thread.start()
        entered.wait()
        assert sys.stdout is sys.stderr
    left.set()
    thread.join()
    assert sys.stdout is stdout


TRAINABLE = """
import torch
from vgbench import GeneratorSpec, Schedule, Stage, StepResult, TrainableGenerator, hookimpl

WRONG = "{wrong}"

def break_at(place):
    if place == WRONG:
        raise LookupError("broken at " + place)

class Shaky(TrainableGenerator):
    def __init__(self, config, *, device):
        super().__init__(config, device=device)
        break_at("start")
    def generate(self, request): raise NotImplementedError
    def stages(self):
        break_at("stages")
        return ["only"]
    def schedule(self):
        break_at("schedule")
        return Schedule(2, 4, {{"only": 1.0}})
    def stage(self, name, host):
        break_at("stage")
        return 5 if WRONG == "no stage" else ShakyStage()
    def state_dict(self):
        break_at("generator state")
        return {{}}
    def load_state_dict(self, state):
        break_at("restored generator")

class ShakyStage(Stage):
    def step(self, batch):
        break_at("step")
        if WRONG == "exit":
            raise SystemExit(0)
        return None if WRONG == "no result" else StepResult({{"size": torch.zeros(())}})
    def preview(self, batch):
        break_at("preview")
        return {{}}
    def state_dict(self):
        break_at("stage state")
        return {{}}
    def load_state_dict(self, state):
        break_at("restored stage")

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="shaky", summary="x", target="vgbench_shaky_module:Shaky", trainable=True)]
"""


def offer_trainable(install_plugin, wrong: str) -> None:
    install_plugin("shaky", TRAINABLE.format(wrong=wrong))


@pytest.mark.parametrize(
    ("wrong", "who"),
    [
        ("start", "generator 'shaky'"),
        ("stages", "generator 'shaky'"),
        ("schedule", "generator 'shaky'"),
        ("stage", "stage only of generator 'shaky'"),
        ("step", "stage only of generator 'shaky'"),
        ("preview", "stage only of generator 'shaky'"),
        ("stage state", "stage only of generator 'shaky'"),
        ("generator state", "stage only of generator 'shaky'"),
    ],
)
def test_a_trained_plugin_that_raises_is_named_with_its_line(tiny, install_plugin, vgbench, wrong, who):
    offer_trainable(install_plugin, wrong)
    ran = vgbench("train", "shaky", "--protocol", tiny, "--device", "cpu")
    assert ran.status == 1
    assert f"Error: {who} (plugin shaky (vgbench-shaky 1.5)) raised LookupError: broken at {wrong} (vgbench_shaky_module.py, li" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("exit", "raised SystemExit: 0 (vgbench_shaky_module.py, line"),
        ("no stage", "stage only of generator 'shaky' (plugin shaky (vgbench-shaky 1.5)) is a int, not a vgbench.Stage."),
        ("no result", "stage only of generator 'shaky' (plugin shaky (vgbench-shaky 1.5)) returned a NoneType, not a vgbench.StepResult."),
    ],
)
def test_a_trained_plugin_that_breaks_the_contract_is_named(tiny, install_plugin, vgbench, wrong, message):
    offer_trainable(install_plugin, wrong)
    ran = vgbench("train", "shaky", "--protocol", tiny, "--device", "cpu")
    assert ran.status == 1
    assert message in ran.err


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("restored stage", "stage only of generator 'shaky' (plugin shaky (vgbench-shaky 1.5)) raised LookupError: broken at restored st"),
        ("restored generator", "does not fit shaky/shaky: LookupError: broken at restored generator"),
    ],
)
def test_a_plugin_that_cannot_take_up_its_own_training_is_named(tiny, install_plugin, vgbench, monkeypatch, wrong, message):
    offer_trainable(install_plugin, "")
    assert vgbench("train", "shaky", "--protocol", tiny, "--device", "cpu", "--steps", 3, "--checkpoint-every", 1).status == 0
    (path,) = Path("runs").iterdir()
    record = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    checkpoint = load_checkpoint(path / "checkpoints" / "step-000002.pt")
    (path / "checkpoints" / "step-000003.pt").unlink()
    assert not checkpoint.finished_stages
    monkeypatch.setattr(sys.modules["vgbench_shaky_module"], "WRONG", wrong)
    ran = vgbench("train", "shaky", "--resume", path)
    assert ran.status == 1
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_a_key_that_stops_a_trained_plugin_is_no_error_of_it(tiny, install_plugin, vgbench):
    install_plugin("shaky", TRAINABLE.format(wrong="start").replace('LookupError("broken at " + place)', "KeyboardInterrupt"))
    ran = vgbench("train", "shaky", "--protocol", tiny, "--device", "cpu")
    assert (ran.status, ran.err.strip()) == (130, "Interrupted.")


DATASET = """
import torch
from vgbench import Dataset, DatasetSpec, Source, hookimpl

def break_at(place):
    if place == "{wrong}":
        raise LookupError("broken at " + place)

class Shaky(Dataset):
    def __init__(self, config, root):
        super().__init__(config, root)
        break_at("start")
    def sources(self, split):
        for index in range(5):
            yield Source(f"{{split}}-{{index}}", 16, None, 32, 32)
        break_at("sources")
    def read(self, source_id, start, length, size=None):
        print("read by a plugin")
        break_at("read")
        return torch.full((length, 3, 32, 32), start, dtype=torch.uint8)
    def stream(self, source, length, size=None):
        for start in range(0, source.frames, length):
            yield self.read(source.source_id, start, min(length, source.frames - start))
            break_at("stream")
    def fingerprint(self, split):
        break_at("fingerprint")
        return "f"
    def probe(self, split):
        break_at("probe")
        return super().probe(split)
    def formats(self, split):
        break_at("formats")
        return []
    def defects(self, split):
        break_at("defects")
        return {{}}

@hookimpl
def vgbench_datasets():
    return [DatasetSpec(name="shaky", summary="x", target="vgbench_shaky_module:{target}")]
"""


def offer_dataset(install_plugin, tiny: Path, wrong: str, target: str = "Shaky") -> None:
    install_plugin("shaky", DATASET.format(wrong=wrong, target=target))
    tiny.write_text(re.sub(r"\[data\].*?\[train\]", '[data]\ndataset = "shaky"\n\n[train]', tiny.read_text(), flags=re.DOTALL))


EVAL = ("eval", "--metrics", "mse", "--generators", "copy-last", "--json")


@pytest.mark.parametrize(
    ("wrong", "command"),
    [
        ("start", EVAL),
        ("sources", EVAL),
        ("read", EVAL),
        ("fingerprint", EVAL),
        ("probe", ("data", "verify")),
        ("formats", ("data", "verify")),
        ("defects", ("data", "verify")),
        ("stream", ("data", "prepare")),
        ("start", ("train", "mdgan", "--preset", "tiny", "--steps", 2)),
    ],
)
def test_a_data_set_that_raises_is_named_with_its_line(tiny, install_plugin, vgbench, wrong, command):
    offer_dataset(install_plugin, tiny, wrong)
    ran = vgbench(*command, "--protocol", tiny)
    assert ran.status == 1
    assert (
        f"data set 'shaky' (plugin shaky (vgbench-shaky 1.5)) raised LookupError: broken at {wrong} (vgbench_shaky_module.py, line"
        in ran.err
    )
    assert "Traceback" not in ran.err


def test_a_data_set_of_the_wrong_class_is_named(tiny, install_plugin, vgbench):
    offer_dataset(install_plugin, tiny, "", target="break_at")
    assert "raised TypeError: break_at() takes 1" in vgbench(*EVAL, "--protocol", tiny).err


def test_what_a_data_set_prints_in_its_threads_does_not_reach_stdout(tiny, install_plugin, vgbench):
    offer_dataset(install_plugin, tiny, "")
    ran = vgbench(*EVAL, "--protocol", tiny)
    assert [row["generator"] for row in ran.json()["rows"]] == ["copy-last"]
    assert "read by a plugin" in ran.err


REPORT = """
from vgbench import ReportSpec, hookimpl

def raises(leaderboard):
    raise LookupError("no table")

def number(leaderboard):
    return 5

@hookimpl
def vgbench_reports():
    targets = ["raises", "number", "missing"]
    return [ReportSpec(name=target, summary="x", target=f"{__name__}:{target}", suffix=".txt") for target in targets]
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "raises",
            "report format 'raises' (plugin paper (vgbench-paper 1.5)) raised LookupError: no table (vgbench_paper_module.py, line 5;",
        ),
        ("number", "report format 'number' (plugin paper (vgbench-paper 1.5)) returned a int, not the report's text."),
        ("missing", "'missing' of plugin paper (vgbench-paper 1.5) cannot be loaded: 'vgbench_paper_module:missing' raised AttributeError"),
    ],
)
def test_a_report_that_goes_wrong_is_named(tiny, install_plugin, vgbench, name, message):
    install_plugin("paper", REPORT)
    assert vgbench(*EVAL, "--protocol", tiny).status == 0
    ran = vgbench("report", "--format", name)
    assert ran.status == 1
    assert message in ran.err
    assert "Traceback" not in ran.err


METRIC = """
import torch
from vgbench import MetricSpec, PairedMetric, hookimpl

class FortyTwo(PairedMetric):
    def measure(self, clips, references):
        return torch.full((len(clips), 1), 42.0, dtype=torch.float64)

class Writes(FortyTwo):
    def measure(self, clips, references):
        references.zero_()
        return super().measure(clips, references)

class Raises(FortyTwo):
    def measure(self, clips, references):
        raise KeyError("x")

class BadClip(FortyTwo):
    def per_clip(self, values):
        return values.sum()

class BadPool(FortyTwo):
    def pool(self, per_clip):
        raise RuntimeError("no pool")

class BadStart(FortyTwo):
    def __init__(self):
        raise RuntimeError("no start")

NAMES = {names}

@hookimpl
def vgbench_metrics():
    return [
        MetricSpec(name=name, variant=variant, summary="x", target=f"{{__name__}}:{{target}}", kind="paired", better="higher")
        for name, variant, target in NAMES
    ]
"""


def offer(install_plugin, *names: tuple[str, str, str], plugin: str = "meter") -> None:
    install_plugin(plugin, METRIC.format(names=list(names)))


def test_a_plugin_cannot_take_over_a_core_metrics_name(install_plugin, tiny):
    offer(install_plugin, ("mse", "", "FortyTwo"), ("mse", "mean", "FortyTwo"), ("mse", "mine", "FortyTwo"))
    metrics = load_registry().metrics
    assert metrics.get("mse").short_name == "mse@mean"
    assert metrics.get("mse@mean").plugin.name == "vgbench"
    assert metrics.get("mse@mine").plugin.name == "meter"
    assert any("offers the metric 'mse@mean', which is the core's own" in str(problem) for problem in load_plugins().problems)


def test_two_plugins_with_one_metric_id_are_both_reachable_and_told_apart(install_plugin, vgbench, tiny):
    offer(install_plugin, ("foo", "", "FortyTwo"), plugin="a")
    offer(install_plugin, ("foo", "", "FortyTwo"), plugin="b")
    arguments = ("eval", "--protocol", tiny, "--generators", "copy-last", "--json")
    assert "Write one of: a/foo, b/foo." in vgbench(*arguments, "--metrics", "foo").err
    ran = vgbench(*arguments, "--metrics", "a/foo,b/foo")
    assert {row["metric"]: row["value"] for row in ran.json()["rows"]} == {"a/foo": 42.0, "b/foo": 42.0}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Writes", "changed the clips it was given; measure() must leave them as they are."),
        ("Raises", "raised KeyError: 'x'"),
        ("BadStart", "raised RuntimeError: no start"),
        ("BadClip", r"per_clip() returned () for 10 clips; it returns (N,)."),
        ("BadPool", "metric foo raised RuntimeError: no pool"),
    ],
)
def test_a_metric_that_breaks_its_contract_is_named(install_plugin, vgbench, tiny, target, message):
    offer(install_plugin, ("foo", "", target))
    ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-last", "--metrics", "foo,mse")
    assert ran.status == 1
    assert message in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("name=None, summary='x', target='a:B'", "name: None is not a text."),
        ("name='x', summary='x', target=None", "target: None is not a text."),
        ("name='x', summary='x', target='a:B', variants=['v']", "variants: ['v'] is not"),
        ("name='x', summary='x', target='a:B', min_context='2'", "min_context: '2' is not a whole number."),
        ("name='x', summary='x', target='a:B', needs='numpy'", "needs: 'numpy' is not a list"),
    ],
)
def test_a_record_with_a_wrong_field_is_dropped_and_named(install_plugin, fields, message):
    source = f"from vgbench import GeneratorSpec, hookimpl\n@hookimpl\ndef vgbench_generators():\n    return [GeneratorSpec({fields})]\n"
    install_plugin("odd", source)
    assert {entry.plugin.name for entry in load_registry().generators} == {"baselines", "mdgan"}
    assert any(message in str(problem) for problem in load_plugins().problems)


def test_every_public_name_is_what_it_says_and_no_module(tmp_path):
    code = """
import importlib, types, vgbench
import vgbench.training.train, vgbench.generation.generate, vgbench.evaluation.evaluate
for name in vgbench.__all__:
    assert not isinstance(getattr(vgbench, name), types.ModuleType), name
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert "Generator" in dir(package)


def test_labels_cannot_carry_escape_sequences(vgbench, tiny):
    ran = vgbench("eval", "--protocol", tiny, "--metrics", "mse", "--generators", "\x1b[31mevil\x1b[0m=copy-last")
    assert ran.status == 1
    assert "holds characters that cannot be printed" in ran.err
    assert "[red]x[/]" in vgbench("eval", "--protocol", tiny, "--metrics", "mse", "--generators", "[red]x[/]=copy-last").out


def test_the_api_takes_texts_for_paths_and_refuses_a_bare_name(tiny):
    run = evaluate(["copy-last"], protocol=tiny, metrics=["mse"], runs="elsewhere")
    assert run.path.parent == Path("elsewhere")
    with pytest.raises(package.ConfigError, match="generators is a list of names"):
        evaluate("copy-last", protocol=tiny)
    with pytest.raises(MetricError, match="metrics is a list of names"):
        evaluate(["copy-last"], protocol=tiny, metrics="mse")
    with pytest.raises(package.ProtocolError, match="--limit -1: at least one clip must remain"):
        evaluate(["copy-last"], protocol=tiny, metrics=["mse"], limit=-1)
    with pytest.raises(package.ConfigError, match="batch_size is 0; it must be at least 1"):
        evaluate(["copy-last"], protocol=tiny, metrics=["mse"], batch_size=0)
