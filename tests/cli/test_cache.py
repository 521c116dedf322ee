"""What is kept between runs can be seen and removed, and nothing else is."""

from __future__ import annotations

import os
import re
from pathlib import Path

from vgbench.cli.commands.cache import KEPT
from vgbench.files import cache_folder

ROOT = Path(__file__).parents[2]


def test_what_evaluations_keep_is_shown_and_goes(vgbench, tiny):
    vgbench("data", "prepare", "--protocol", tiny)
    vgbench("eval", "--protocol", tiny, "--generators", "train-mean", "--metrics", "mse")
    shown = vgbench("cache", "show", "--json").json()
    assert shown["folder"] == str(cache_folder())
    assert set(shown["bytes"]) == set(KEPT)
    assert min(shown["bytes"]["packed"], shown["bytes"]["fitted"], shown["bytes"]["honesty"]) > 0
    assert {path.name for path in cache_folder().iterdir()} <= set(KEPT)
    assert vgbench("cache", "show").status == 0
    gone = vgbench("cache", "prune", "packed")
    assert gone.status == 0
    assert f"Removed {cache_folder() / 'packed'}, " in gone.out
    assert not (cache_folder() / "packed").exists()
    assert (cache_folder() / "fitted").exists()
    assert vgbench("cache", "prune", "--all").status == 0
    assert not [path for path in cache_folder().iterdir() if path.name in KEPT]
    assert vgbench("cache", "prune", "--all").out == ""
    assert vgbench("eval", "--protocol", tiny, "--generators", "train-mean", "--metrics", "mse").status == 0


def test_what_is_to_go_must_be_named(vgbench):
    assert vgbench("cache", "prune").status == 2
    assert vgbench("cache", "prune", "weights").status == 2
    assert vgbench("cache", "prune", "packed", "--all").status == 2


def test_a_link_is_removed_and_not_what_it_leads_to(vgbench, folder):
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("mine")
    cache_folder().mkdir(parents=True, exist_ok=True)
    os.symlink(elsewhere, cache_folder() / "packed")
    assert vgbench("cache", "prune", "packed").status == 0
    assert (elsewhere / "mine").read_text() == "mine"
    assert not (cache_folder() / "packed").is_symlink()


def test_the_page_has_every_variable_that_the_code_reads():
    code = [path for place in ("vgbench", "plugins", "datasets") for path in (ROOT / place).rglob("*.py") if "tests" not in path.parts]
    read = {name for path in code for name in re.findall(r"VGBENCH_[A-Z_]+", path.read_text(encoding="utf-8"))} - {"VGBENCH_API"}
    page = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
    assert set(re.findall(r"VGBENCH_[A-Z_]+", page)) == read
