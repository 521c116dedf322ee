"""The documentation's examples run as they stand."""

from __future__ import annotations

import json
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
    plugin, generator = blocks("docs/plugins.md", "python")[:2]
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


def test_the_trained_generator_of_the_guide_trains_resumes_and_is_scored(install_plugin, tiny, vgbench):
    install_plugin("tint", blocks("docs/plugins.md", "python")[2])
    assert vgbench("train", "tint", "--protocol", tiny, "--steps", 12, "--seed", 0, "--checkpoint-every", 5).status == 0
    (path,) = Path("runs").iterdir()
    record = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(record | {"status": "running"}))
    (path / "checkpoints/step-000012.pt").unlink()
    assert vgbench("train", "tint", "--resume", "latest").status == 0
    ran = vgbench("eval", "--protocol", tiny, "--generators", "tint", "--metrics", "mse", "--json")
    assert (ran.status, ran.json()["rows"][0]["parameters"]) == (0, 8)


def test_the_network_and_the_loss_of_the_guide_are_a_generator(install_plugin, tiny, vgbench):
    install_plugin("drift", blocks("docs/plugins.md", "python")[3])
    given = ["--steps", 6, "--seed", 0, "--set", "lr_schedule=cosine", "--set", "ema_decay=0.9", "--set", "batch_size=2"]
    assert vgbench("train", "drift", "--protocol", tiny, *given).status == 0
    ran = vgbench("eval", "--protocol", tiny, "--generators", "drift", "--metrics", "mse", "--json")
    assert (ran.status, ran.json()["rows"][0]["parameters"]) == (0, 3 * (3 * 9 + 1))


def test_the_data_set_and_the_metric_of_the_guide_work_together(install_plugin, tiny, vgbench):
    install_plugin("ramp", blocks("docs/plugins.md", "python")[4])
    install_plugin("largest", blocks("docs/plugins.md", "python")[5])
    protocol = re.sub(r"dataset = .*\nconfig = .*", 'dataset = "ramp"', tiny.read_text())
    protocol = re.sub(r"\[validation\](.|\n)*?\n\n", "", protocol)
    Path("ramp.toml").write_text(protocol)
    ran = vgbench("eval", "--protocol", "ramp.toml", "--generators", "copy-first", "--metrics", "largest-error", "--json")
    assert ran.status == 0
    assert ran.json()["rows"][0]["value"] == pytest.approx(sum(4 * step for step in range(1, 8)) / 7 / 255)


def test_the_set_metric_of_the_guide_is_scored(install_plugin, tiny, vgbench, tmp_path, monkeypatch):
    monkeypatch.setenv("VGBENCH_CACHE", str(tmp_path / "cache"))
    install_plugin("brightness", blocks("docs/plugins.md", "python")[6])
    ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-first,noise", "--metrics", "brightness-distance", "--json")
    assert ran.status == 0
    assert ran.json()["rows"][0]["n_real"] == 10


def test_the_protocol_of_the_guide_can_be_used():
    (text,) = blocks("docs/protocols.md", "toml")
    assert parse_protocol(tomllib.loads(text), name="mine", where="mine").task.frames == 14


def test_the_suites_of_the_guide_are_planned_and_run(tiny, vgbench):
    first, second = blocks("docs/suites.md", "toml")
    Path("baselines.toml").write_text(first)
    planned = vgbench("suite", "plan", "baselines.toml", "--json").json()
    assert [job["job"] for job in planned["jobs"]] == [
        "copy-first",
        *(f"mdgan{slow}/{seed}" for seed in range(3) for slow in ("", "-slow")),
    ]
    assert planned["seconds"] == 3 * (10 + 20) * 60
    Path("mine.toml").write_text(second)
    ran = vgbench("suite", "run", "mine.toml", "--json")
    assert (ran.status, [row["member"] for row in ran.json()["rows"]]) == (0, ["copy-first", "static"])


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
