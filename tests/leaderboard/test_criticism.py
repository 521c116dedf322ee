"""What a table says against its own rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vgbench.leaderboard.ranking import build_leaderboard


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(size=(4, 20)) * 0.1


def clips(level, noise, motion=1.0):
    return [[{"mse@mean": [level + one] * 2, "motion-ratio": [motion]}] for one in noise]


def table_of(run, **changes):
    """The table of a run, whose rows' records are changed: label → fields."""
    names = {label.replace("_", "-"): fields for label, fields in changes.items()}
    run.record = replace(run.record, rows=tuple(replace(row, **names.get(row.label, {})) for row in run.record.rows))
    return build_leaderboard([run])


COPY = {"generator": "baselines/copy-first", "parameters": 0}


def doubts(table, *words):
    return [text for text in table.warnings if any(word in text for word in words)]


def test_a_lead_that_the_clips_cannot_show_is_called_so(made_run, noise):
    near = table_of(made_run({"one": clips(1.0, noise[0]), "other": clips(1.01, noise[1])}))
    (doubt,) = doubts(near, "is not known")
    assert doubt.startswith(f"{near.rows[0].label} and {near.rows[1].label}, the first two by mse@mean, are ")
    assert "these clips show a difference of" in doubt
    assert doubts(table_of(made_run({"one": clips(1.0, noise[0]), "other": clips(2.0, noise[1])})), "not known") == []


def test_models_that_copying_is_better_than_are_named(made_run, noise):
    rows = {"good": clips(1.0, noise[0]), "copy-first": clips(2.0, noise[1]), "bad": clips(3.0, noise[2]), "noise": clips(9.0, noise[3])}
    table = table_of(made_run(rows), copy_first=COPY, noise={"parameters": 0})
    assert doubts(table, "copies a frame") == ["By mse@mean copy-first, which copies a frame, is better than bad."]


def test_a_model_that_is_better_than_copying_and_hardly_moves_is_named(made_run, noise):
    rows = {"blur": clips(1.0, noise[0], 0.2), "moves": clips(1.5, noise[1], 0.9), "copy-first": clips(2.0, noise[2], 0.0)}
    (doubt,) = doubts(table_of(made_run(rows), copy_first=COPY), "little motion")
    assert doubt.startswith("Better than copy-first by mse@mean, but with little motion: blur 0.20 of the real clips' (motion-ratio).")


def test_without_a_copy_or_a_motion_ratio_nothing_is_said(made_run, noise):
    rows = {"one": clips(1.0, noise[0], 0.1), "other": clips(3.0, noise[1])}
    assert doubts(table_of(made_run(rows)), "copies a frame", "little motion") == []


@pytest.mark.parametrize(("vary", "is_said"), [(0.0, True), (0.5, False)])
def test_a_generator_that_ignores_its_seed_is_found_by_its_pixels(install_plugin, tiny, vgbench, vary, is_said):
    install_plugin(
        "seedless",
        f"""
import torch
from vgbench import Generator, GeneratorSpec, hookimpl

class Seedless(Generator):
    def generate(self, request):
        clips = request.context[:, :1].expand(-1, request.frames, -1, -1, -1).clone()
        shifts = torch.tensor([{vary} * (seed % 7) / 7 for seed in request.seeds]).view(-1, 1, 1, 1, 1)
        return (clips * (1 - shifts)).clamp(0, 1)

@hookimpl
def vgbench_generators():
    return [GeneratorSpec(name="seedless", summary="S.", target=f"{{__name__}}:Seedless", deterministic=False)]
""",
    )
    tiny.write_text(tiny.read_text() + "samples = 3\n")
    ran = vgbench("eval", "--protocol", tiny, "--generators", "seedless,copy-first", "--metrics", "mse", "--json")
    said = [text for text in ran.json()["warnings"] if "ignores its seed" in text]
    sentence = "seedless was sampled 3 times for each clip and gave the same clip each time: it ignores its seed."
    assert said == ([sentence] if is_said else [])
