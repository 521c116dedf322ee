"""A sentence for each option, and the best score of each run."""

from __future__ import annotations

import dataclasses

import pytest

from vgbench.config import option_texts
from vgbench.plugins.registry import load_registry


def config_classes():
    registry = load_registry()
    entries = [*registry.generators, *registry.datasets]
    return [(entry.short_name, entry.config_class()) for entry in entries if entry.config_class() is not None]


def test_every_option_that_is_shipped_has_its_sentence():
    found = config_classes()
    assert {"mdgan", "synthetic-sky", "video-folder"} <= {name for name, _ in found}
    for name, config_class in found:
        silent = [option for option, text in option_texts(config_class).items() if not text]
        assert not silent, f"{name} does not say what {silent} are"


@dataclasses.dataclass(frozen=True)
class Plain:
    first: int = 1
    """One
    line."""
    second: int = 2
    third: int = 3
    """Three."""


@dataclasses.dataclass(frozen=True)
class Derived(Plain):
    third: int = 4
    """Four."""
    fourth: str = "x"


def test_texts_are_those_below_the_fields_a_subclass_winning():
    assert option_texts(Derived) == {"first": "One line.", "second": "", "third": "Four.", "fourth": ""}


def test_a_class_without_source_says_nothing():
    made = dataclasses.make_dataclass("Made", [("x", int, 1)])
    assert option_texts(made) == {"x": ""}


@pytest.mark.parametrize("arguments", [["explain", "mdgan"], ["train", "mdgan", "--help"]])
def test_explain_and_help_give_each_option_its_default_choices_and_sentence(vgbench, arguments):
    ran = vgbench(*arguments)
    text = " ".join(ran.out.split())
    assert ran.status == 0
    assert "rank_reduction = 'sum' (or 'mean')" in text
    assert "Adam's learning rate, for generators and discriminators." in text
    assert "Preset small:" in text


def test_help_without_a_generator_says_where_its_options_are_and_an_unknown_one_is_named(vgbench):
    assert "as in `vgbench train mdgan --help`, its own options" in " ".join(vgbench("train", "--help").out.split())
    assert "Unknown generator 'mdgn'. Did you mean mdgan?" in vgbench("train", "mdgn", "--help").out


def test_a_list_of_runs_has_the_best_score_of_each(vgbench, tiny):
    vgbench("eval", "--protocol", tiny, "--generators", "noise,copy-first", "--metrics", "psnr,mse")
    vgbench("train", "mdgan", "--preset", "tiny", "--protocol", tiny, "--steps", "2", "--seed", "0", "--select-by", "psnr")
    (row,) = (
        row for row in vgbench("report", "--json").json()["rows"] if (row["generator"], row["metric"]) == ("copy-first", "psnr@frame")
    )
    by_verb = {run["verb"]: run["best"] for run in vgbench("list", "runs", "--json").json()}
    assert by_verb["eval"] == f"copy-first psnr@frame {row['value']:.4g}"
    assert by_verb["train"].startswith("refine psnr@frame ")
    assert by_verb["train"].endswith("(validation)")
