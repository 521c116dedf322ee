"""Evaluation: the same bits whatever the batch, the workers, the order and the way through files; failures cost only their row."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vgbench.errors import ConfigError, RunError, UnknownName, VgbenchError
from vgbench.evaluation.evaluate import evaluate
from vgbench.evaluation.folders import evaluate_folders
from vgbench.generation.generate import generate
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.metrics.motion.cards import motion_specs
from vgbench.metrics.pixel.cards import error_specs
from vgbench.metrics.similarity.cards import ssim_specs
from vgbench.plugins.observers import Observer, closing_run
from vgbench.runs.run import Run, open_run
from vgbench.runs.scores import read_scores
from vgbench.training.train import train

ALL_METRICS = [spec.id for spec in [*error_specs(), *ssim_specs(), *motion_specs()]]
BASELINES = ["copy-first", "copy-last", "flow-warp", "train-mean", "nearest", "noise"]


def scores_of(run: Run) -> dict[tuple[str, str], dict[str, list[float]]]:
    return {(line.generator, line.clip_id): dict(line.scores) for line in read_scores(run.path)}


def values_of(run: Run) -> dict[tuple[str, str], float]:
    return {(record["generator"], record["metric"]): record["value"] for record in build_leaderboard([run]).records()}


@pytest.mark.slow
def test_neither_batch_size_nor_workers_change_a_bit(tiny):
    first = evaluate(BASELINES, protocol=str(tiny), metrics=ALL_METRICS, batch_size=2, workers=0, limit=5)
    second = evaluate(BASELINES, protocol=str(tiny), metrics=ALL_METRICS, batch_size=3, workers=4, limit=5, fresh=True)
    assert scores_of(first) == scores_of(second)
    assert values_of(first) == values_of(second)


def test_stored_and_read_clips_score_the_same_bits_as_in_memory(tiny):
    in_memory = evaluate(["copy-first"], protocol=str(tiny), metrics=ALL_METRICS)
    assert generate("copy-first", Path("made"), protocol=str(tiny), reference_out=Path("real")) == 10
    stored = evaluate_folders("made", "real", metrics=ALL_METRICS)
    mine = {clip: scores for (_, clip), scores in scores_of(in_memory).items()}
    assert mine == {clip: scores for (_, clip), scores in scores_of(stored).items()}


def test_a_trained_generator_makes_nearly_the_same_clips_at_every_batch_size(tiny):
    train("mdgan", protocol=str(tiny), preset="tiny", steps=8, seed=0, device="cpu")
    levels = []
    for batch_size in (1, 4, 10):
        generate("mdgan", Path(f"made-{batch_size}"), protocol=str(tiny), batch_size=batch_size)
        levels.append(all_pixels(Path(f"made-{batch_size}")))
    for other in levels[1:]:
        difference = np.abs(levels[0].astype(int) - other)
        assert difference.max() <= 1
        assert (difference > 0).sum() <= difference.size / 100_000


def all_pixels(folder: Path) -> np.ndarray:
    from vgbench.video.folder import open_clips

    return np.stack([clip.read().numpy() for clip in open_clips(folder).clips])


def test_an_evaluation_alone_scores_the_baselines_and_after_a_training_that_run_too(tiny):
    before = evaluate(protocol=str(tiny), metrics=["mse"])
    assert {row.label for row in before.record.rows} == set(BASELINES)
    notes = " ".join(before.record.warnings)
    assert "linear is left out: it needs 2 context frames and protocol tiny gives 1" in notes
    assert "Left out, as runs has no run of them that fits protocol tiny: " in notes
    assert "mdgan, mdgan:base. Train one: vgbench train NAME --protocol" in notes
    trained = train("mdgan", protocol=str(tiny), preset="tiny", steps=4, seed=0, device="cpu")
    after = evaluate(protocol=str(tiny), metrics=["mse"])
    rows = {row.label: row for row in after.record.rows}
    assert set(rows) == {*BASELINES, "mdgan", "mdgan:base"}
    assert rows["mdgan"].weights["run"] == trained.name
    assert rows["mdgan"].parameters == 2 * rows["mdgan:base"].parameters > 0
    assert all(row.seconds_per_clip > 0 for row in build_leaderboard([after]).rows)


def test_a_limited_evaluation_has_an_id_of_its_own(tiny):
    whole, some = (evaluate(["copy-first"], protocol=str(tiny), metrics=["mse"], limit=limit) for limit in (None, 4))
    assert [any("A trial on the first 4 test clips" in text for text in run.record.warnings) for run in (whole, some)] == [False, True]
    assert whole.record.protocol["id"] != some.record.protocol["id"]
    assert len(scores_of(some)) == 4
    with pytest.raises(VgbenchError, match=r"cannot share a table(.|\n)*limit: None against 4"):
        build_leaderboard([whole, some])


def test_an_interrupted_evaluation_goes_on_to_the_same_scores(tiny):
    whole = evaluate(["copy-first", "noise"], protocol=str(tiny), metrics=["mse"], batch_size=4, fresh=True)
    torn = evaluate(["copy-first", "noise"], protocol=str(tiny), metrics=["mse"], batch_size=4, fresh=True)
    path = torn.path / "scores.jsonl"
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    torn.finish("running")
    resumed = evaluate(["copy-first", "noise"], protocol=str(tiny), metrics=["mse"], batch_size=4, resume=str(torn.path), fresh=True)
    assert scores_of(resumed) == scores_of(whole)
    assert len(list(read_scores(resumed.path))) == 20
    with pytest.raises(RunError, match="is done; there is nothing to resume"):
        evaluate(["copy-first", "noise"], protocol=str(tiny), metrics=["mse"], resume=str(torn.path))
    torn.finish("running")
    for rows, metrics in ((["copy-first", "noise"], ["psnr"]), (["copy-first"], ["mse"])):
        with pytest.raises(RunError, match="cannot be resumed with these options"):
            evaluate(rows, protocol=str(tiny), metrics=metrics, resume=str(torn.path))


def test_an_evaluation_is_not_resumed_with_other_weights_under_the_same_label(tiny):
    first, second = (train("mdgan", protocol=str(tiny), preset="tiny", steps=2, seed=seed, device="cpu") for seed in (0, 1))
    torn = evaluate([f"m=mdgan@{first.path}"], protocol=str(tiny), metrics=["mse"])
    torn.finish("interrupted")
    with pytest.raises(RunError, match="cannot be resumed with these options: m, checkpoint: "):
        evaluate([f"m=mdgan@{second.path}"], protocol=str(tiny), metrics=["mse"], resume="latest")


def test_two_processes_cannot_work_on_one_run(tiny):
    run = evaluate(["copy-first"], protocol=str(tiny), metrics=["mse"])
    with (
        closing_run(run, Observer()),
        pytest.raises(RunError, match="is at work in another process"),
        closing_run(open_run(run.path), Observer()),
    ):
        pass


FAULTY = """
import torch
from vgbench import Generator, GeneratorSpec, hookimpl

class Faulty(Generator):
    def generate(self, request):
        b, t, c, h, w = request.context.shape
        return torch.full((b, request.frames, c, h, w), 0.5)

class NotANumber(Faulty):
    def generate(self, request):
        return super().generate(request) * float("nan")

class Short(Faulty):
    def generate(self, request):
        return super().generate(request)[:, 1:]

class Loud(Faulty):
    def generate(self, request):
        return super().generate(request) * 3

class Raising(Faulty):
    def generate(self, request):
        raise IndexError("list index out of range")

@hookimpl
def vgbench_generators():
    names = {"not-a-number": "NotANumber", "short": "Short", "loud": "Loud", "raising": "Raising", "grey": "Faulty"}
    return [GeneratorSpec(name=name, summary="Faulty.", target=f"{__name__}:{target}") for name, target in names.items()]
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not-a-number", "returned 122880 values that are NaN or infinite, of 122880"),
        ("short", "returned shape (5, 7, 3, 32, 32); asked for (B, frames, C, H, W) = (5, 8, 3, 32, 32)"),
        ("loud", "returned values from 1.5 to 1.5; generate() returns values in [0, 1]"),
        ("raising", "raised IndexError: list index out of range"),
    ],
)
def test_a_generator_that_fails_names_its_plugin_and_costs_only_its_row(tiny, install_plugin, vgbench, name, message):
    install_plugin("faulty", FAULTY)
    ran = vgbench(*f"eval --protocol {tiny} --metrics mse --batch-size 5 --json --generators grey,copy-first,{name}".split())
    assert ran.status == 1
    assert f"Error: {name} has no row: generator '{name}' (plugin faulty (vgbench-faulty 1.5)) {message}" in ran.err
    assert {row["generator"] for row in ran.json()["rows"]} == {"grey", "copy-first"}


def test_if_every_generator_fails_the_run_fails(tiny, install_plugin):
    install_plugin("faulty", FAULTY)
    with pytest.raises(VgbenchError, match="raised IndexError"):
        evaluate(["raising"], protocol=str(tiny), metrics=["mse"])
    (path,) = Path("runs").iterdir()
    assert open_run(path).record.status == "failed"


# ---- checkpoints ----


def scored(tiny: Path, *rows: str) -> Run:
    return evaluate(list(rows), protocol=str(tiny), metrics=["mse"])


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("exploded"),))


def test_a_checkpoint_that_tries_to_run_code_is_refused(tiny):
    torch.save({"format": 1, "generator_state": Bomb()}, "bomb.pt")
    with pytest.raises(VgbenchError, match="bomb.pt is refused: it is damaged, or holds something other than tensors and plain values"):
        scored(tiny, "mdgan@bomb.pt")
    assert not Path("exploded").exists()


def test_a_checkpoint_of_another_model_is_refused(tiny):
    run = train("mdgan", protocol=str(tiny), preset="tiny", steps=2, seed=0, device="cpu")
    path = run.path / "checkpoints/step-000002.pt"
    content = torch.load(path, weights_only=True)
    torch.save(content | {"generator": "other/gan"}, "other.pt")
    with pytest.raises(VgbenchError, match=r"other.pt is a checkpoint of other/gan, not of mdgan/mdgan"):
        scored(tiny, "mdgan@other.pt")
    torch.save(content | {"config": content["config"] | {"width": 4}}, "narrow.pt")
    with pytest.raises(VgbenchError, match=r"narrow.pt"):
        scored(tiny, "mdgan@narrow.pt")
    wide = tiny.with_name("wide.toml")
    wide.write_text(tiny.read_text().replace("[32, 32]", "[64, 64]"))
    with pytest.raises(
        VgbenchError, match=r"was trained for another shape than protocol wide asks: video.size: \[32, 32\] against \[64, 64\]"
    ):
        evaluate([f"mdgan@{path}"], protocol=str(wide), metrics=["mse"])


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_a_damaged_checkpoint_is_named(tiny, content):
    Path("torn.pt").write_bytes(content)
    with pytest.raises(VgbenchError, match=r"torn.pt is (damaged|refused)"):
        scored(tiny, "mdgan@torn.pt")


@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ("copylast", UnknownName, "Unknown generator 'copylast'. Did you mean copy-last?"),
        ("mdgan:bas", UnknownName, "Unknown variant of mdgan 'bas'. Did you mean base?"),
        ("copy-first@runs/x", ConfigError, "copy-first is not trained, so it takes no run or file after @"),
        ("mdgan@nowhere", RunError, "There is no run 'nowhere', neither as a folder nor in runs"),
        ("=@", ConfigError, "'=@' is no row; write"),
        ("mdgan", ConfigError, "No generator is left to evaluate.\nmdgan is left out: runs has no run of it"),
    ],
)
def test_a_wrong_row_says_what_is_wrong_before_anything_is_read(tiny, row, error, message):
    with pytest.raises(error) as caught:
        scored(tiny, row)
    assert message in str(caught.value)
    assert not Path("runs").exists()


def test_two_rows_of_one_label_are_refused_and_labels_tell_them_apart(tiny):
    with pytest.raises(ConfigError, match="Two rows are called 'copy-first'; give one a label"):
        scored(tiny, "copy-first", "copy-first")
    run = scored(tiny, "noise", "again=noise")
    (row,) = build_leaderboard([run]).rows
    assert (row.label, row.aliases) == ("noise", ["again"])


def test_a_row_from_a_training_that_was_not_finished_says_so(tiny):
    run = train("mdgan", protocol=str(tiny), preset="tiny", steps=4, seed=0, device="cpu")
    path = run.path / "checkpoints/step-000004.pt"
    content = torch.load(path, weights_only=True)
    del content["finished_stages"]["refine"]
    torch.save(content, path)
    scored_run = scored(tiny, "mdgan", "mdgan:base")
    assert [text for text in scored_run.record.warnings if "not finished" in text] == [
        "mdgan comes from a training that was not finished: 2 steps of stage refine were done."
    ]


def test_a_row_trained_under_another_protocol_says_so(tiny):
    train("mdgan", protocol=str(tiny), preset="tiny", steps=2, seed=0, device="cpu")
    other = tiny.with_name("other.toml")
    other.write_text(tiny.read_text().replace("train_sources = 6", "train_sources = 8"))
    run = evaluate(["mdgan"], protocol=str(other), metrics=["mse"])
    assert any("mdgan was trained under another protocol: data.config.train_sources: 6 against 8" in text for text in run.record.warnings)


def test_a_generator_that_is_not_deterministic_is_sampled_as_often_as_the_protocol_says(tiny):
    twice = tiny.with_name("twice.toml")
    twice.write_text(tiny.read_text() + "samples = 2\n")
    run = evaluate(["noise", "copy-first"], protocol=str(twice), metrics=["mse"])
    lines = list(read_scores(run.path))
    assert len([line for line in lines if line.generator == "noise"]) == 20
    assert len([line for line in lines if line.generator == "copy-first"]) == 10
    by_sample = {(line.clip_id, line.sample): line.scores for line in lines if line.generator == "noise"}
    assert by_sample["test-0000/000000", 0] != by_sample["test-0000/000000", 1]


def test_a_result_file_that_was_tampered_with_is_refused_with_its_line(tiny):
    run = scored(tiny, "copy-first")
    run.record = replace(run.record, checksums={})  # as a program that writes such a run would leave it
    run.save()
    path = run.path / "scores.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], '{"clip_id": "x"}', *lines[2:]]) + "\n")
    with pytest.raises(RunError, match="scores.jsonl, line 2, is no score: 'scores'"):
        build_leaderboard([run])
    path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(RunError, match="9 lines of copy-first in scores.jsonl, 10 expected"):
        build_leaderboard([run])


def test_a_record_that_was_tampered_with_is_refused_with_its_key(tiny):
    run = scored(tiny, "copy-first")
    record = json.loads((run.path / "run.json").read_text())
    for key, value, message in (
        ("metrics", None, "metrics: None is not"),
        ("metrics", [], "it is done, but names no metrics or no rows"),
        ("rows", [5], r"rows\[0\]: 5 is not"),
        ("rows", [{}], r"rows\[0\].label: None is not a text"),
        ("rows", [record["rows"][0] | {"parameters": "many"}], r"rows\[0\].parameters: 'many' is not"),
        ("warnings", [5], r"warnings\[0\]: 5 is not a text"),
        ("protocol", {}, "protocol.id: None is not a text"),
        ("protocol", "x", "protocol: 'x' is not"),
    ):
        (run.path / "run.json").write_text(json.dumps(record | {key: value}))
        with pytest.raises(RunError, match=message):
            open_run(run.path)
    (run.path / "run.json").write_text(json.dumps(record | {"warnings": ["\x1b[31mred"]}))
    assert open_run(run.path).record.warnings == ("\N{REPLACEMENT CHARACTER}[31mred",)
    (run.path / "run.json").write_text("[" * 200_000)
    with pytest.raises(RunError, match="cannot be read"):
        open_run(run.path)
    (run.path / "run.json").write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(RunError, match="has schema_version 99; this vgbench reads 1"):
        open_run(run.path)


def test_a_metric_that_cannot_take_the_size_costs_its_column_before_any_work(vgbench, tiny):
    ran = vgbench("eval", "--protocol", tiny, "--generators", "copy-first,noise", "--metrics", "mse,ms-ssim,psnr", "--json")
    assert ran.status == 1
    assert [row["metric"] for row in ran.json()["rows"]] == ["mse@mean", "psnr@frame"] * 2
    reason = "ms-ssim halves four times, under an 11×11 Gaussian, σ 1.5 window, frames of at least 161×161 pixels; these are 32×32."
    assert ran.err.count(reason) == 2  # as a note before the work, as an error at the end
    assert "Error: ms-ssim has no column: " in ran.err
    nothing = vgbench("eval", "--protocol", tiny, "--generators", "copy-first", "--metrics", "ms-ssim")
    assert nothing.status == 1
    assert nothing.err.count(reason) == 1


def test_a_metric_that_cannot_take_given_clips_costs_its_column(vgbench, tiny):
    generate("copy-first", Path("made"), protocol=str(tiny), reference_out=Path("real"))
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "ms-ssim,mse", "--json")
    assert ran.status == 1
    assert [row["metric"] for row in ran.json()["rows"]] == ["mse@mean"]
    assert "Error: ms-ssim has no column: " in ran.err


def test_a_generator_that_was_named_and_has_no_run_is_missed(vgbench, tiny):
    ran = vgbench("eval", "--protocol", tiny, "--generators", "mdgan,wide=mdgan:base,copy-first,linear", "--metrics", "mse", "--json")
    assert ran.status == 1
    assert [row["generator"] for row in ran.json()["rows"]] == ["copy-first"]
    for row in ("mdgan", "wide"):
        assert f"Error: {row} has no row: runs has no run of it that fits protocol tiny. Train one: vgbench train mdgan" in ran.err
    assert "Error: linear has no row: it needs 2 context frames and protocol tiny gives 1." in ran.err
    assert vgbench("eval", "--protocol", tiny, "--metrics", "mse").status == 0  # nothing was named, so nothing is missed
