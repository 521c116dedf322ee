"""-q leaves results and errors, -v adds what the library logs; before the verb or behind it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PIL import Image

from vgbench.cli import cli


@pytest.mark.parametrize("place", ["before", "behind"])
def test_quiet_leaves_results_and_errors(vgbench, tiny, place):
    before, behind = (["-q"], []) if place == "before" else ([], ["--quiet"])
    evaluation = ["--protocol", tiny, "--metrics", "mse,psnr", "--limit", "2"]
    ran = vgbench(*before, "eval", *evaluation, *behind)
    assert (ran.status, ran.err) == (0, "")
    assert "copy-first" in ran.out
    assert vgbench("eval", *evaluation).err != ""
    assert vgbench(*before, "report", *behind, "-o", "table.csv").err == ""
    failed = vgbench(*before, "eval", *evaluation, "--generators", "copy-first,nothing", *behind)
    assert failed.status == 1
    assert failed.err.startswith("Error: Unknown generator 'nothing'")


def test_a_quiet_training_prints_its_results_alone(vgbench, tiny):
    ran = vgbench("train", "mdgan", "-q", "--preset", "tiny", "--protocol", tiny, "--steps", "2", "--seed", "0")
    assert (ran.status, ran.err) == (0, "")
    assert "Done after 2 steps" in ran.out


def test_verbose_says_what_is_passed_over(tmp_path, folder):
    for number in range(2):
        (folder / "clips" / f"{number}").mkdir(parents=True)
        for frame in range(2):
            Image.new("RGB", (16, 16)).save(folder / "clips" / f"{number}" / f"{frame}.png")
    Image.new("RGB", (16, 16)).save(folder / "clips" / "poster.png")
    command = [sys.executable, "-m", "vgbench", "eval", "--generated", "clips", "--reference", "clips", "--metrics", "mse"]
    quiet, loud = (subprocess.run([*command, *more], capture_output=True, text=True, check=True).stderr for more in ([], ["-v"]))
    assert "1 pictures beside clips are passed over" in loud
    assert "passed over" not in quiet


def test_both_at_once_are_refused(vgbench):
    for arguments in (["-q", "list", "generators", "-v"], ["list", "generators", "-q", "-v"], ["-v", "list", "generators", "-q"]):
        ran = vgbench(*arguments)
        assert ran.status == 2
        assert "--quiet and --verbose contradict each other" in ran.err


def commands(command, words=()):
    """Every command, those below groups too."""
    yield words, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from commands(command.get_command(None, name), (*words, name))


def test_every_command_has_both():
    found = list(commands(cli))
    assert len(found) > 20
    for words, command in found:
        names = [name for parameter in command.params for name in parameter.opts]
        assert names.count("-q") == names.count("-v") == 1, words
