"""A suite's file says what is wrong with it, and where."""

from __future__ import annotations

import re

import pytest

from vgbench.errors import ConfigError
from vgbench.suite.suite import Budget, load_suite


def test_a_file_says_all_and_what_it_leaves_out_has_a_default(write_suite):
    loaded = load_suite(
        write_suite('preset = "tiny"', 'preset = "tiny"\noptions = { lr = 0.001, size_of = "x" }\nbudget = { minutes = 2 }')
    )
    assert loaded.suite.name == "suite"
    assert [member.name for member in loaded.members] == ["mdgan", "copy-first", "static"]
    assert loaded.members[0].settings == ("lr=0.001", 'size_of="x"')
    assert loaded.budgets == {"mdgan": Budget(minutes=2.0), "copy-first": Budget(steps=8), "static": Budget(steps=8)}
    plain = load_suite(write_suite(text='[[members]]\ngenerator = "noise"\n'))
    assert plain.suite.protocol == "synthetic-sky-64x16"
    assert (plain.suite.metrics, plain.suite.seeds, plain.budgets) == (("mse", "psnr", "ssim"), (0,), {"noise": None})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metrics", "metrcs", r"Unknown key 'metrcs' in the file for suite .*suite.toml. Did you mean metrics\?"),
        ("preset", "presset", r"Unknown key 'presset' in the file for member mdgan of suite .*suite.toml. Did you mean preset\?"),
        ("steps", "step", r"Unknown key 'step' in the file for \[budget\] of suite .*suite.toml. Did you mean steps\?"),
        ('name = "static"', 'name = "mdgan"', r"has 2 members called 'mdgan'; give each a name of its own: name = \"…\"."),
        ('name = "static"', 'name = "a=b"', r"the name 'a=b' cannot be a row's label; begin it with a letter or digit, and leave out"),
        ('name = "static"', 'name = "a/b"', r"the name 'a/b' cannot be a row's label; begin it with a letter or digit, and leave out"),
        ("[0, 1]", "[0, 0]", r"seeds are \[0, 0\]; give at least one, each once, none below 0"),
        ("[0, 1]", "[]", r"seeds are \[\]; give at least one"),
        ("[0, 1]", "[-1]", r"seeds are \[-1\]; give at least one"),
        ("[0, 1]", '["a"]', r"seeds from the file: \['a'\] is not a list"),
        ("steps = 8", "steps = 0", r"\[budget\] of suite .*: steps is 0, it must be at least 1"),
        ("steps = 8", "steps = 8\nminutes = 1", r"\[budget\] of suite .*: give steps or minutes, one of them"),
        ("steps = 8", "minutes = -1", r"minutes is -1, it must be above 0"),
        ('["mse", "ssim"]', "[]", r"metrics are empty; name at least one"),
        ('generator = "copy-first"', "", r"member 2 of suite .*suite.toml needs a value for generator"),
        ('protocol = "tiny.toml"', 'name = "../a"', r"name '../a' is to become a folder's"),
        ("[budget]", "[budget", r"is not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_the_nearest_name(write_suite, old, new, message):
    with pytest.raises(ConfigError, match=message):
        load_suite(write_suite(old, new))


def test_a_file_without_members_or_that_is_missing_is_refused(write_suite, tmp_path):
    with pytest.raises(ConfigError, match=r"has no members; write a \[\[members\]\] section for each"):
        load_suite(write_suite(text="seeds = [1]\n"))
    with pytest.raises(ConfigError, match=f"{re.escape(str(tmp_path))}/none.toml cannot be read: No such file"):
        load_suite(tmp_path / "none.toml")
