"""The documentation's examples run as they stand."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from vgbench.cli import cli
from vgbench.protocol import load_protocol, parse_protocol

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    "README.md",
    *(str(path.relative_to(ROOT)) for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("*/*/README.md"), *ROOT.glob("*/README.md")]),
]


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


def test_the_plugin_of_the_guide_works_as_it_is_written(install_plugin, tmp_path, tiny, vgbench):
    plugin, generator = (source for source in blocks("docs/plugins.md", "python"))
    (entry_point,) = tomllib.loads(blocks("docs/plugins.md", "toml")[0])["project"]["entry-points"]["vgbench"].items()
    assert entry_point == ("blur", "vgbench_blur.plugin")
    package = tmp_path / "site" / "vgbench_blur"
    package.mkdir()
    for name, source in (("__init__", ""), ("blur", generator)):
        (package / f"{name}.py").write_text(source)
    install_plugin("blur", plugin)
    ran = vgbench("eval", "--protocol", tiny, "--generators", "blur,copy-last", "--metrics", "mse", "--json")
    assert ran.status == 0
    assert {row["generator"] for row in ran.json()["rows"]} == {"blur", "copy-last"}


def test_the_protocol_of_the_guide_can_be_used():
    (text,) = blocks("docs/protocols.md", "toml")
    assert parse_protocol(tomllib.loads(text), name="mine", where="mine").task.frames == 14


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_a_page_shows_exists_with_its_options(document):
    for line in re.findall(r"^\s*(vgbench [a-z].*)$", "\n".join(blocks(document, "")), re.MULTILINE):
        name, *arguments = shlex.split(line.replace("…", ""), comments=True)[1:]
        command = cli.get_command(None, name)
        assert command is not None, line
        known = {option for parameter in command.params for option in parameter.opts}
        if hasattr(command, "commands"):
            continue
        assert {argument for argument in arguments if argument.startswith("--")} <= known, line
        if "--protocol" in arguments:
            named = arguments[arguments.index("--protocol") + 1]
            assert named.endswith(".toml") or load_protocol(named)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_to_a_file_leads_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text()):
        if "://" not in target:
            assert (ROOT / document).parent.joinpath(target).exists(), target
