"""A run says which code its plugins were, and a table says where that differs under one version number."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest

from vgbench.evaluation.evaluate import evaluate
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.plugins.discovery import Plugin, load_plugins
from vgbench.plugins.sources import code_of
from vgbench.runs.run import open_run


def package(folder, name):
    """A plugin in a package of two files, on the path."""
    root = folder / name
    (root / "inner").mkdir(parents=True)
    (root / "__init__.py").write_text("one = 1\n")
    (root / "inner" / "code.py").write_text("two = 2\n")
    (root / "inner" / "notes.txt").write_text("no code")
    return root, Plugin(name=name, distribution=f"some-{name}", version="1", module=f"{name}.plugin")


def code_now(plugin):
    code_of.cache_clear()
    return code_of(plugin)


def test_the_hash_follows_the_code_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    root, plugin = package(tmp_path, "hashed_package")
    before = code_now(plugin)
    assert len(before["sha256"]) == 16
    (root / "inner" / "notes.txt").write_text("other notes")
    assert code_now(plugin) == before
    (root / "inner" / "code.py").write_text("two = 3\n")
    changed = code_now(plugin)
    assert changed != before
    (root / "inner" / "code.py").rename(root / "inner" / "renamed.py")
    assert code_now(plugin) not in (before, changed)
    assert code_now(replace(plugin, module="absent_package.plugin")) == {}


def test_an_editable_plugin_says_its_commit_and_whether_it_was_changed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    root, plugin = package(tmp_path, "edited_package")
    info = tmp_path / "some_edited_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-edited-package\nVersion: 1\n")
    (info / "direct_url.json").write_text(json.dumps({"url": "file:///x", "dir_info": {"editable": True}}))
    plugin = replace(plugin, distribution="some-edited-package")
    assert set(code_now(plugin)) == {"sha256"}  # no checkout
    for arguments in (
        ["init", "-q"],
        ["add", "edited_package"],
        ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    head = subprocess.run(["git", "-C", str(tmp_path), "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    found = code_now(plugin)
    assert (found["commit"], found["changed"]) == (head[:12], False)
    (root / "__init__.py").write_text("one = 2\n")
    assert code_now(plugin)["changed"] is True
    assert code_now(plugin)["sha256"] != found["sha256"]


def test_every_plugin_here_has_its_code_in_a_run(tiny):
    run = evaluate(["copy-first"], protocol=str(tiny), metrics=["mse"], device="cpu")
    code = open_run(run.path).record.code
    assert set(code) == {plugin.name for plugin in load_plugins().loaded}
    assert all(one["sha256"] for one in code.values())


@pytest.mark.parametrize(
    ("name", "is_said"), [("vgbench", True), ("baselines", True), ("skvideo", False)], ids=["the core", "a row's", "one that is not used"]
)
def test_two_codes_under_one_version_are_said(tiny, name, is_said):
    runs = [evaluate([generator], protocol=str(tiny), metrics=["mse"], device="cpu") for generator in ("copy-first", "noise")]
    assert not any("different code" in text for text in build_leaderboard(runs).warnings)
    runs[1].record = replace(runs[1].record, code={**runs[1].record.code, name: {"sha256": "0" * 16, "commit": "abc", "changed": True}})
    runs[1].save()
    said = [text for text in build_leaderboard([open_run(run.path) for run in runs]).warnings if "different code" in text]
    assert bool(said) == is_said
    if is_said:
        assert said[0].startswith(f"The runs were made with different code of {runs[0].record.plugins[name]}: ")
        assert "0000000000000000 (commit abc and changes)" in said[0]
        older = replace(runs[1].record, code={})
        runs[1].record = older
        runs[1].save()
        assert not any("different code" in text for text in build_leaderboard([open_run(run.path) for run in runs]).warnings)
