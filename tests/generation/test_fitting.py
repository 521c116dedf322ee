"""What a generator learned from training clips is learned once, as long as nothing of it changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from vgbench.data.protocol_data import ProtocolData
from vgbench.generation import fitting
from vgbench.generation.builder import build
from vgbench.generation.fitting import fit
from vgbench.generation.rows import resolve_rows
from vgbench.protocol import load_protocol

CPU = torch.device("cpu")


def learned(path):
    """The mean that train-mean has after it was fitted on a protocol's clips, and what was told of reading them."""
    protocol = load_protocol(path)
    data = ProtocolData(protocol)
    (row,) = resolve_rows(["train-mean"], protocol, Path("runs")).rows
    sampler = build(row, protocol, CPU)
    told = []
    fit(sampler, data, CPU, workers=0, on_clip=lambda done, total: told.append((done, total)))
    return sampler.generator.mean, told


def kept():
    return sorted((fitting.cache_folder() / "fitted").glob("*"))


def test_it_is_learned_once_for_one_protocol_and_its_pixels(tiny):
    first, told = learned(tiny)
    assert told == [(12, 12)]
    assert len(kept()) == 1
    again, told = learned(tiny)
    assert not told
    assert again.equal(first)
    for change in (("train_sources = 6", "train_sources = 7"), ("stride = 8", "stride = 4"), ("size = [32, 32]", "size = [16, 16]")):
        other = tiny.with_name("other.toml")
        other.write_text(tiny.read_text().replace(*change, 1))
        mean, told = learned(other)
        assert told
        assert mean.shape != first.shape or not mean.equal(first)


def test_other_code_learns_anew(tiny, monkeypatch):
    learned(tiny)
    monkeypatch.setattr(fitting, "code_of", lambda plugin: {"sha256": f"another {plugin.name}"})
    assert learned(tiny)[1]
    monkeypatch.setattr(fitting, "code_of", lambda _: {})
    assert learned(tiny)[1]
    assert learned(tiny)[1]  # what code it is is not known, so nothing is kept


@pytest.mark.parametrize("damage", [lambda data: data[:-40], lambda data: b"", lambda data: data.replace(b"\x3f", b"\x3e", 3)])
def test_a_damaged_file_is_as_none(tiny, damage):
    first, _ = learned(tiny)
    (file,) = kept()
    file.write_bytes(damage(file.read_bytes()))
    again, told = learned(tiny)
    assert told
    assert again.equal(first)
    assert not learned(tiny)[1]


def test_a_state_of_something_else_is_as_none(tiny):
    first, _ = learned(tiny)
    (file,) = kept()
    torch.save({"median": first}, file)
    assert learned(tiny)[0].equal(first)


def test_much_is_not_kept_and_a_cache_that_cannot_be_written_is_done_without(tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(fitting, "_MOST_BYTES", 100)
    learned(tiny)
    assert not kept()
    monkeypatch.setattr(fitting, "_MOST_BYTES", 1 << 30)
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("VGBENCH_CACHE", str(tmp_path / "a-file"))
    assert learned(tiny)[1]


FITS = """
from vgbench import Generator, GeneratorSpec, hookimpl

class Fits(Generator):
    def needs_fit(self):
        return ANSWER
    def fit(self, clips):
        raise RuntimeError("it was fitted")
    def generate(self, request):
        return request.context[:, :1].expand(-1, request.frames, -1, -1, -1).clone()

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="fits", summary="Fits.", target=f"{__name__}:Fits")]
"""


def test_what_needs_no_fit_is_not_fitted_and_does_without_training_clips(tiny, vgbench, install_plugin):
    install_plugin("fits", FITS.replace("ANSWER", "False"))
    tiny.write_text(re.sub(r"\[(train|validation)\](.|\n)*?\n\n", "", tiny.read_text()))
    ran = vgbench("eval", "--protocol", tiny, "--generators", "fits", "--metrics", "mse")
    assert ran.status == 0
    assert vgbench("generate", "fits", "--protocol", tiny, "--out", "made").status == 0


@pytest.mark.parametrize(("answer", "reason"), [("True", "it was fitted"), ("1 / 0", "division by zero")])
def test_a_generator_that_fails_before_it_is_asked_costs_its_row(tiny, vgbench, install_plugin, answer, reason):
    install_plugin("fits", FITS.replace("ANSWER", answer))
    ran = vgbench("eval", "--protocol", tiny, "--generators", "fits,copy-first", "--metrics", "mse", "--json")
    assert ran.status == 1
    assert [row["generator"] for row in ran.json()["rows"]] == ["copy-first"]
    assert reason in ran.err
    assert "fits" in ran.err.lower()
