"""Rows of real clips: only what is declared to see the reference is shown it, and it is scored only where it is named."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from vgbench.data.protocol_data import ProtocolData
from vgbench.protocol import load_protocol
from vgbench.video.folder import open_clips

LATER = """
import torch
from vgbench import BASE, GeneratorSpec, hookimpl

class Later(BASE):
    def generate(self, request):
        held = request.context.untyped_storage().nbytes() // request.context.element_size()
        assert held == request.context.numel(), "it could reach more than the context"
        assert request._fields == ("context", "frames", "target_start", "seeds")
        return request.context[:, :1].expand(-1, request.frames, -1, -1, -1).clone()

    def generate_from(self, request, references):
        return references

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="later", summary="Later.", target=f"{__name__}:Later", sees_reference=SEES)]
"""


def values(ran) -> dict[tuple[str, str], float]:
    return {(row["generator"], row["metric"]): row["value"] for row in ran.json()["rows"]}


def continued(tiny: Path, **task: int) -> Path:
    """The protocol with two context frames and a target behind them."""
    lines = "".join(f"{key} = {value}\n" for key, value in {"context": 2, "frames": 6, "target_start": 2, **task}.items())
    tiny.write_text(re.sub(r"\[task\](.|\n)*", f"[task]\n{lines}", tiny.read_text()))
    return tiny


def test_the_real_clip_has_each_metrics_perfect_value(tiny, vgbench):
    metrics = "mse,psnr,ssim,motion-ratio"
    for protocol in (tiny, continued(tiny), continued(tiny, target_start=1, score_from=1)):
        ran = vgbench("eval", "--protocol", protocol, "--generators", "real,copy-first", "--metrics", metrics, "--json")
        assert ran.status == 0
        assert [values(ran)["real", metric] for metric in ("mse@mean", "psnr@frame", "ssim@wang")] == [0, 100, pytest.approx(1)]
        assert values(ran)["real", "motion-ratio"] == 1
        marks = {row["generator"]: (row["is_reference"], row["tied_with_best"], row["p_against_best"]) for row in ran.json()["rows"]}
        assert marks == {"real": (True, None, None), "copy-first": (False, None, None)}


def test_an_ordinary_generator_gets_the_context_and_nothing_else(tiny, vgbench, install_plugin):
    install_plugin("later", LATER.replace("BASE", "Generator").replace("SEES", "False"))
    ran = vgbench("eval", "--protocol", tiny, "--generators", "later", "--metrics", "mse", "--json")
    assert ran.status == 0
    assert values(ran)["later", "mse@mean"] > 0


@pytest.mark.parametrize(
    ("base", "sees", "reason"),
    [
        ("ReferenceGenerator", "False", "is a vgbench.ReferenceGenerator, and its spec has sees_reference = False"),
        ("Generator", "True", "is not a vgbench.ReferenceGenerator, and its spec has sees_reference = True"),
    ],
)
def test_one_that_declares_half_of_it_is_shown_nothing(tiny, vgbench, install_plugin, base, sees, reason):
    install_plugin("later", LATER.replace("BASE", base).replace("SEES", sees))
    ran = vgbench("eval", "--protocol", tiny, "--generators", "later,copy-first", "--metrics", "mse", "--json")
    assert ran.status == 1
    assert {row["generator"] for row in ran.json()["rows"]} == {"copy-first"}
    assert f"generator 'later' (plugin later (vgbench-later 1.5)) {reason}" in ran.err


def test_what_a_declared_one_returns_is_checked_like_any_output(tiny, vgbench, install_plugin):
    source = LATER.replace("BASE", "ReferenceGenerator").replace("SEES", "True")
    install_plugin("later", source.replace("return references", "return references[:, 1:]"))
    ran = vgbench("eval", "--protocol", tiny, "--generators", "later,copy-first", "--metrics", "mse")
    assert ran.status == 1
    assert re.search(r"generator 'later' .* returned shape \(\d+, 7, 3, 32, 32\); asked for .* 8, 3, 32, 32\)", ran.err)


def test_the_other_clips_are_training_clips(tiny, vgbench):
    assert vgbench("generate", "real:other", "--protocol", tiny, "--out", "made").status == 0
    data = ProtocolData(load_protocol(tiny))
    training = [data.read(clip) for clip in data.clips("train")]
    made = [clip.read() for clip in open_clips("made").clips]
    assert len(made) == 10
    assert all(any(torch.equal(clip, one) for one in training) for clip in made)
    assert len({clip.numpy().tobytes() for clip in made}) > 3


def test_each_sample_is_another_clip_and_no_column_is_made_for_it(tiny, vgbench):
    protocol = continued(tiny, samples=2)
    assert vgbench("generate", "real:other", "--protocol", protocol, "--out", "made").status == 0
    first, second = ([clip.read() for clip in open_clips(f"made/sample-{sample}").clips] for sample in range(2))
    assert any(not torch.equal(one, other) for one, other in zip(first, second, strict=True))
    ran = vgbench("eval", "--protocol", protocol, "--generators", "real,real:other,copy-last", "--metrics", "mse", "--json")
    assert values(ran)["real", "mse@mean"] == 0 < values(ran)["copy-last", "mse@mean"] < values(ran)["real:other", "mse@mean"]
    assert not [row for row in ran.json()["rows"] if "best-of" in row["metric"]]
    ran = vgbench("eval", "--protocol", protocol, "--generators", "real:other,noise", "--metrics", "mse", "--json")
    assert values(ran)["real:other", "mse@mean:best-of-2"] < values(ran)["real:other", "mse@mean"]


def test_without_training_clips_the_other_ones_row_is_missing_and_said(tiny, vgbench):
    tiny.write_text(re.sub(r"\[(train|validation)\](.|\n)*?\n\n", "", tiny.read_text()))
    ran = vgbench("eval", "--protocol", tiny, "--generators", "real,real:other", "--metrics", "mse", "--json")
    assert ran.status == 1
    assert {row["generator"] for row in ran.json()["rows"]} == {"real"}
    assert "real:other has no row: it learns from training clips, and protocol tiny has none." in ran.err


def test_packed_data_and_a_resumed_run_give_the_same_rows(tiny, vgbench):
    command = ("eval", "--protocol", tiny, "--generators", "real,real:other", "--metrics", "mse", "--json", "--batch-size", 3)
    before = vgbench(*command)
    (path,) = Path("runs").iterdir()
    scores = (path / "scores.jsonl").read_bytes()
    (path / "scores.jsonl").write_bytes(scores[: len(scores) // 2])
    record = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(record | {"status": "running"}))
    assert values(vgbench(*command, "--resume", "latest")) == values(before)
    assert vgbench("data", "prepare", "--protocol", tiny).status == 0
    assert values(vgbench(*command)) == values(before)


def test_explain_says_that_it_sees_the_real_clips(vgbench):
    assert "reference      is shown the real clips" in vgbench("explain", "real").out
    assert "real clips" not in vgbench("explain", "copy-last").out


TURNING = """
from vgbench import Generator, GeneratorSpec, ReferenceGenerator, hookimpl

class Turning(Generator):
    def generate(self, request):
        self.__class__ = Turned
        return request.context[:, :1].expand(-1, request.frames, -1, -1, -1).clone()

class Turned(ReferenceGenerator):
    generate = Turning.generate

    def generate_from(self, request, references):
        return references

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="turning", summary="Turns.", target=f"{__name__}:Turning")]
"""


def test_one_that_turns_into_the_other_kind_on_its_way_is_shown_nothing(tiny, vgbench, install_plugin):
    install_plugin("turning", TURNING)
    command = ("eval", "--protocol", tiny, "--metrics", "mse", "--batch-size", 2, "--json")
    made = values(vgbench(*command, "--generators", "turning"))["turning", "mse@mean"]
    assert made == values(vgbench(*command, "--generators", "copy-first"))["copy-first", "mse@mean"] > 0
