"""Broken plugins cost only themselves."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from vgbench.errors import AmbiguousName, PluginError, UnknownName
from vgbench.plugins.discovery import Problem, load_plugins
from vgbench.plugins.hookspecs import HOOKS
from vgbench.plugins.registry import Registry, load_registry
from vgbench.specs import DatasetSpec, GeneratorSpec, MetricSpec, ProtocolSpec, ReportSpec

GOOD = """
from vgbench import GeneratorSpec, hookimpl

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="still", summary="Stands still.", target="nowhere:Still")]
"""


def problems_of(name: str) -> list[Problem]:
    return [problem for problem in load_plugins().problems if problem.plugin.name == name]


def the_rest_works() -> bool:
    return {"copy-first", "mdgan"} <= {entry.short_name for entry in load_registry().generators}


def test_a_good_plugin_is_found_with_its_distribution(install_plugin):
    install_plugin("good", GOOD)
    entry = load_registry().generators.get("still")
    assert str(entry.plugin) == "plugin good (vgbench-good 1.5)"
    assert entry.full_name == "good/still"
    assert load_registry().generators.get("good/still") is entry


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import a_module_that_is_not_there", "failed to import: ModuleNotFoundError: No module named 'a_module_that_is_not_there'"),
        ("raise SystemExit(3)", "failed to import: SystemExit: 3"),
        ("def broken(:", "failed to import: SyntaxError"),
        ("VGBENCH_API = 7\n" + GOOD, "was written for VGBENCH_API 7, this is 1"),
        (GOOD.replace("vgbench_generators", "vgbench_generatorz"), "Did you mean vgbench_generators?"),
        (GOOD.replace("vgbench_generators()", "vgbench_generators(colour)"), "does not fit"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_dropped_and_kept_as_a_problem(install_plugin, source, message):
    install_plugin("broken", source)
    assert the_rest_works()
    (problem,) = problems_of("broken")
    assert message in str(problem)
    assert str(problem).startswith("plugin broken (vgbench-broken 1.5) ")
    assert "broken" not in {plugin.name for plugin in load_plugins().loaded}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (GOOD.replace("return [", "raise RuntimeError('no'); ["), "failed in vgbench_generators: RuntimeError: no"),
        (GOOD.replace("return [", "import sys; sys.exit(4); ["), "failed in vgbench_generators: SystemExit: 4"),
        (GOOD.replace("return [", "yield from (1 / 0 for _ in '1'); ["), "failed in vgbench_generators: ZeroDivisionError"),
        (GOOD.replace("return [", "return 5; ["), "failed in vgbench_generators: TypeError"),
        (GOOD.replace("@hookimpl", ""), "defines vgbench_generators without @vgbench.hookimpl above it, so it is never called"),
        (GOOD.replace("return [GeneratorSpec(", "return [dict("), "which asks for GeneratorSpec records"),
        (GOOD.replace('name="still"', 'name="Still Life"'), "offers the generator name 'Still Life'"),
    ],
)
def test_a_hook_that_fails_costs_only_itself(install_plugin, source, message):
    install_plugin("failing", source)
    assert the_rest_works()
    (problem,) = problems_of("failing")
    assert message in str(problem)


def test_two_plugins_with_one_name_are_both_refused(install_plugin):
    install_plugin("twin", GOOD, distribution="first-dist")
    install_plugin("twin", GOOD.replace("still", "moving"), distribution="second-dist")
    assert the_rest_works()
    names = {entry.short_name for entry in load_registry().generators}
    assert not names & {"still", "moving"}
    messages = [str(problem) for problem in problems_of("twin")]
    assert len(messages) == 2
    assert all("first-dist 1.5" in message and "second-dist 1.5 " in message for message in messages)
    assert all(message.endswith("both claim the plugin name twin; uninstall one of them") for message in messages)


def test_a_distribution_that_steals_mdgans_name_costs_both_and_nothing_else(install_plugin):
    install_plugin("mdgan", GOOD, distribution="thief")
    names = {entry.short_name for entry in load_registry().generators}
    assert "mdgan" not in names
    assert "copy-first" in names
    with pytest.raises(UnknownName, match="thief 1.5 and vgbench-mdgan|vgbench-mdgan .* and thief 1.5"):
        load_registry().generators.get("mdgan")


def test_the_cores_own_name_cannot_be_claimed(install_plugin):
    install_plugin("vgbench", GOOD, distribution="thief")
    assert the_rest_works()
    assert load_registry().metrics.get("psnr").plugin.distribution == "vgbench"
    assert any("the plugin name vgbench is the core's own" in str(problem) for problem in load_plugins().problems)


def test_one_generator_name_of_two_plugins_stays_reachable_by_its_full_name(install_plugin):
    install_plugin("rival", GOOD.replace('"still"', '"copy-first"'))
    generators = load_registry().generators
    with pytest.raises(AmbiguousName, match="baselines/copy-first, rival/copy-first"):
        generators.get("copy-first")
    assert generators.get("rival/copy-first").plugin.name == "rival"
    assert {generators.display_name(entry) for entry in generators} >= {"baselines/copy-first", "rival/copy-first", "copy-last"}


def test_an_unknown_name_suggests_the_nearest_and_quotes_broken_plugins(install_plugin):
    install_plugin("broken", "import a_module_that_is_not_there")
    with pytest.raises(UnknownName) as caught:
        load_registry().generators.get("copylast")
    lines = str(caught.value).splitlines()
    assert lines[0] == "Unknown generator 'copylast'. Did you mean copy-last?"
    assert lines[1].startswith("Known: ")
    assert {"copy-first,", "copy-last,", "linear,"} <= set(lines[1].split())
    assert lines[2] == (
        "Note: plugin broken (vgbench-broken 1.5) failed to import: ModuleNotFoundError: No module named 'a_module_that_is_not_there' "
        "(vgbench_broken_module.py, line 1)"
    )


def test_the_allow_list_is_applied_before_anything_is_imported(install_plugin, monkeypatch, tmp_path):
    install_plugin("tempting", f"open({str(tmp_path / 'imported')!r}, 'w').close()\n" + GOOD)
    monkeypatch.setenv("VGBENCH_PLUGINS", "baselines, mdgan")
    assert {plugin.name for plugin in load_plugins().loaded} == {"vgbench", "baselines", "mdgan"}
    assert not (tmp_path / "imported").exists()


def test_strict_mode_raises(install_plugin, monkeypatch):
    install_plugin("broken", "import a_module_that_is_not_there")
    monkeypatch.setenv("VGBENCH_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="a_module_that_is_not_there"):
        load_plugins()


def test_a_target_that_is_not_there_names_the_plugin(install_plugin):
    install_plugin("good", GOOD)
    with pytest.raises(
        PluginError, match=r"'still' of plugin good \(vgbench-good 1.5\) cannot be loaded: 'nowhere:Still' raised ModuleNotFoundError"
    ):
        load_registry().generators.get("still").load()


def test_a_missing_need_is_named_before_anything_is_loaded(install_plugin):
    install_plugin("good", GOOD.replace('target="nowhere:Still"', 'target="nowhere:Still", needs=("no_such_package",)'))
    with pytest.raises(PluginError, match="needs no_such_package: install it"):
        load_registry().generators.get("still").load()


def test_plugins_command_shows_the_problem(install_plugin, vgbench):
    install_plugin("broken", "raise SystemExit(3)")
    ran = vgbench("plugins")
    assert ran.status == 0
    assert "mdgan  vgbench-mdgan" in ran.out
    assert "Problem: plugin broken (vgbench-broken 1.5) failed to import: SystemExit: 3" in ran.out
    problems = vgbench("plugins", "--json").json()["problems"]
    assert [problem["name"] for problem in problems] == ["broken"]


def test_an_observer_that_raises_does_not_stop_a_run(install_plugin, vgbench):
    observer = """
from vgbench import hookimpl

@hookimpl
def vgbench_run_started(run):
    raise ValueError("not now")

@hookimpl
def vgbench_run_finished(run, outcome):
    (run.path / "outcome.txt").write_text(outcome)
"""
    install_plugin("watcher", observer)
    ran = vgbench("eval", "--generators", "copy-first", "--metrics", "mse", "--limit", 2, "--json")
    assert ran.status == 0
    assert (Path(ran.json()["run"]) / "outcome.txt").read_text() == "done"
    assert any("failed in vgbench_run_started: ValueError: not now" in str(problem) for problem in problems_of("watcher"))


def test_a_hook_says_in_its_annotation_what_it_collects():
    assert {
        "vgbench_generators": GeneratorSpec,
        "vgbench_datasets": DatasetSpec,
        "vgbench_metrics": MetricSpec,
        "vgbench_reports": ReportSpec,
        "vgbench_protocols": ProtocolSpec,
        "vgbench_run_started": None,
        "vgbench_progressed": None,
        "vgbench_run_finished": None,
    } == HOOKS


def test_the_registry_has_a_catalogue_for_every_hook_that_collects():
    catalogues = {f"vgbench_{field.name}" for field in fields(Registry)} - {"vgbench_plugins"}
    assert catalogues == {hook for hook, record in HOOKS.items() if record is not None}
    registry = load_registry()
    assert {getattr(registry, field.name).kind for field in fields(Registry) if field.name != "plugins"} == {
        record.noun for record in HOOKS.values() if record is not None
    }


def test_report_formats_are_listed_with_their_suffix(vgbench):
    listed = {entry["name"]: entry["suffix"] for entry in vgbench("list", "reports", "--json").json()}
    assert listed == {"markdown": ".md", "csv": ".csv", "latex": ".tex", "html": ".html", "json": ".json"}
