"""Plugins that misbehave after they were loaded: each costs only itself, and never the numbers of others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import vgbench as package
from vgbench.errors import MetricError
from vgbench.evaluation.evaluate import evaluate
from vgbench.plugins.discovery import load_plugins
from vgbench.plugins.registry import load_registry

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

class Prints(Good):
    def generate(self, request):
        print("made by a plugin")
        return super().generate(request)

NOT_A_GENERATOR = lambda config, device: 5

@hookimpl
def vgbench_generators():
    print("asked for generators")
    targets = ["BadStart", "BadFit", "BadCount", "Exits", "Prints", "NOT_A_GENERATOR", "Missing"]
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
