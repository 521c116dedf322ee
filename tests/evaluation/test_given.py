"""Clips that any program made under a protocol are rows beside the generators."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vgbench.data.protocol_data import ProtocolData
from vgbench.evaluation.evaluate import evaluate
from vgbench.generation.generate import generate
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.protocol import load_protocol
from vgbench.runs.scores import read_scores
from vgbench.video import read_pictures, write_lossless


def program(asked: Path, out: Path) -> None:
    """A program that knows the contexts and their list alone: it brightens the last context frame a little more in each frame."""
    table = json.loads((asked / "contexts.json").read_text())
    for clip in table["clips"]:
        last = read_pictures(asked / clip["id"])[-1]
        frames = torch.stack([(last.int() + number).clamp(0, 255).to(torch.uint8) for number in range(table["frames"])])
        path = out / f"{clip['id']}.mkv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_lossless(path, frames, clip["fps"])


def test_the_list_says_all_that_a_program_needs(vgbench, tiny):
    ran = vgbench("generate", "--protocol", tiny, "--contexts", "asked")
    assert ran.status == 0
    assert "The context frames of 10 clips in asked, and what is asked in asked/contexts.json" in ran.out
    table = json.loads(Path("asked/contexts.json").read_text())
    protocol = load_protocol(tiny)
    data = ProtocolData(protocol)
    assert table["protocol"]["id"] == data.identity["id"]
    shape = {"context": 1, "frames": 8, "target_start": 0, "score_from": 1, "samples": 1, "size": [32, 32], "channels": 3}
    assert {key: table[key] for key in shape} == shape
    clips = data.clips("test")
    assert [(clip["id"], clip["source"]) for clip in table["clips"]] == [(clip.clip_id, clip.source_id) for clip in clips]
    assert all(clip["fps"] == 25 and len(clip["seeds"]) == 1 for clip in table["clips"])
    for clip in clips:
        assert read_pictures(Path("asked") / clip.clip_id).equal(data.read(clip)[:1])
    assert "holds something already" in vgbench("generate", "--protocol", tiny, "--contexts", "asked").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["copy-first", "--contexts", "x"], "--contexts goes without a generator and --out"),
        (["--contexts", "x", "--batch-size", "3"], "--batch-size does not go with --contexts"),
        ([], "Name a generator and --out DIR"),
        (["copy-first"], "Name a generator and --out DIR"),
    ],
)
def test_options_that_do_not_go_together_are_refused(vgbench, arguments, message):
    ran = vgbench("generate", *arguments)
    assert ran.status == 2
    assert message in ran.err


def test_a_programs_clips_stand_beside_the_baselines(vgbench, tiny):
    vgbench("generate", "--protocol", tiny, "--contexts", "asked")
    program(Path("asked"), Path("made"))
    ran = vgbench("eval", "--protocol", tiny, "--generated", "ours=made", "--generators", "copy-first", "--metrics", "mse,psnr", "--json")
    assert ran.status == 0
    rows = {(row["generator"], row["metric"]): row for row in ran.json()["rows"]}
    assert {generator for generator, _ in rows} == {"ours", "copy-first"}
    ours = rows["ours", "mse@mean"]
    assert (ours["n_clips"], ours["n_sources"], ours["seconds_per_clip"]) == (10, 5, None)
    data = ProtocolData(load_protocol(tiny))
    errors = []
    for clip in data.clips("test"):
        real = data.read(clip).double()
        made = (real[:1] + torch.arange(8).view(8, 1, 1, 1)).clamp(0, 255)
        errors.append(((made - real)[1:] / 255).square().mean().item())
    assert ours["value"] == pytest.approx(np.mean(errors), rel=1e-12)
    everything = vgbench("eval", "--protocol", tiny, "--generated", "made", "--metrics", "mse", "--json").json()
    assert {"made", "copy-first", "noise", "train-mean"} <= {row["generator"] for row in everything["rows"]}
    assert vgbench("report").status == 0


def test_stored_clips_of_a_generator_are_its_row(tiny):
    stochastic = Path("samples.toml")
    stochastic.write_text(Path(tiny).read_text().replace("[task]", "[task]\nsamples = 3"))
    for name in ("noise", "copy-first"):
        generate(name, Path(name), protocol=stochastic)
    run = evaluate(
        ["noise", "copy-first"],
        given={"stored noise": "noise", "stored copies": "copy-first"},
        protocol=stochastic,
        metrics=["mse", "ssim"],
        device="cpu",
    )
    rows = build_leaderboard([run]).rows
    assert {row.label: list(row.aliases) for row in rows} == {"noise": ["stored noise"], "copy-first": ["stored copies"]}
    lines = {(line.generator, line.clip_id, line.sample): line.scores for line in read_scores(run.path)}
    assert len(lines) == 2 * 30 + 2 * 10
    for (label, *place), scores in lines.items():
        if label.startswith("stored"):
            assert scores == lines[("noise" if "noise" in label else "copy-first", *place)]


def test_arrays_stand_for_the_test_clips_in_their_order(vgbench, tiny):
    data = ProtocolData(load_protocol(tiny))
    real = torch.stack([data.read(clip) for clip in data.clips("test")])
    np.save("real.npy", real.permute(0, 1, 3, 4, 2).numpy())
    np.save("channels.npy", real.numpy())
    given = ("--generated", "a=real.npy", "--generators", "copy-first", "--metrics", "mse", "--json")
    rows = {row["generator"]: row for row in vgbench("eval", "--protocol", tiny, *given).json()["rows"]}
    assert (rows["a"]["value"], rows["a"]["perfect_frames"]) == (0, 70)
    laid_out = ("--generated", "a=channels.npy", "--layout", "NTCHW", "--generators", "copy-first", "--metrics", "mse", "--json")
    assert {row["value"] for row in vgbench("eval", "--protocol", tiny, *laid_out).json()["rows"] if row["generator"] == "a"} == {0}
    np.save("few.npy", real[:9].permute(0, 1, 3, 4, 2).numpy())
    few = vgbench("eval", "--protocol", tiny, "--generated", "few.npy", "--metrics", "mse")
    assert "few.npy holds 9 clips and protocol tiny has 10 test clips." in few.err


def test_what_does_not_fit_is_refused_before_any_work(vgbench, tiny):
    generate("copy-first", Path("made"), protocol=str(tiny))

    def refused(*arguments):
        ran = vgbench("eval", "--protocol", tiny, "--metrics", "mse", *arguments)
        assert ran.status in (1, 2)
        assert not Path("runs").exists()
        return ran.err

    assert "Two rows are called 'noise'" in refused("--generated", "noise=made", "--generators", "noise")
    other = Path("other.toml")
    other.write_text(Path(tiny).read_text().replace("test_sources = 5", "test_sources = 6"))
    ran = vgbench("eval", "--protocol", other, "--generated", "made", "--metrics", "mse")
    assert ran.status == 1
    assert "made was made under another protocol: data.config.test_sources: 5 against 6" in ran.err
    first, second = sorted(Path("made").rglob("*.mkv"))[:2]
    write_lossless(first, torch.zeros(7, 3, 32, 32, dtype=torch.uint8), 25)
    message = refused("--generated", "made")
    assert "Protocol tiny asks for 8 frames of 32×32 with 3 channels; 1 of 10 clips in made are not of that." in message
    assert "test-0000/000000: 7 frames of 32×32 with 3 channels" in message
    second.unlink()
    message = refused("--generated", "made")
    assert "made lacks 1 of 10 clips." in message
    assert "test-0000/000008" in message
    assert "--generated goes with --reference DIR" in vgbench("eval", "--generated", "made").err
    assert "--allow-missing goes with --generated and --reference" in refused("--generated", "made", "--allow-missing")


def test_clips_of_no_test_clip_are_counted(vgbench, tiny):
    generate("copy-first", Path("made"), protocol=str(tiny))
    ran = vgbench("eval", "--protocol", tiny, "--limit", "4", "--generated", "made", "--generators", "noise", "--metrics", "mse", "--json")
    assert ran.status == 0
    assert "6 clips in made stand for no test clip of the protocol, and are not scored." in ran.json()["warnings"]
    assert {row["n_clips"] for row in ran.json()["rows"]} == {4}


def test_a_gap_between_samples_is_said(tiny, vgbench):
    generate("copy-first", Path("made/sample-0"), protocol=tiny)
    generate("copy-first", Path("made/sample-2"), protocol=tiny)
    ran = vgbench("eval", "--protocol", tiny, "--generated", "ours=made", "--generators", "copy-first", "--metrics", "mse")
    assert ran.status == 1
    assert "made has the samples 0, 2; they are numbered from 0, without a gap." in ran.err
