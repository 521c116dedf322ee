"""Which generated clip goes with which reference: by name, order, prefix or list, with several samples of one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vgbench.errors import ConfigError, PairingError
from vgbench.evaluation.folders import evaluate_folders
from vgbench.generation.generate import generate
from vgbench.metrics import mse
from vgbench.runs.scores import read_scores
from vgbench.video.encode import write_lossless


def clips(seed: int, n: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (n, 4, 3, 16, 16), dtype=np.uint8))


def store(folder, videos: dict[str, Tensor]):
    for name, video in videos.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_lossless(folder / f"{name}.mkv", video, 10)
    return folder


@pytest.fixture
def real(tmp_path):
    return store(tmp_path / "real", dict(zip(("clip1", "clip2", "clip10"), clips(0, 3), strict=True)))


@pytest.fixture
def scored(tmp_path, real, monkeypatch):
    """What an evaluation scores: (clip, source, sample) → mse."""
    monkeypatch.chdir(tmp_path)

    def score(made, **options):
        run = evaluate_folders(made, real, metrics=["mse"], **options)
        lines = list(read_scores(run.path))
        return {(line.clip_id, line.source, line.sample): float(np.mean(line.scores["mse@mean"])) for line in lines}

    return score


def error(made: Tensor, place: int) -> float:
    """By the plain function, against the reference of that number."""
    return mse(made, clips(0, 3)[place]).mean().item()


def test_by_order_names_say_nothing(tmp_path, scored):
    made = clips(1, 3)
    folder = store(tmp_path / "made", dict(zip(("a", "b9", "b10"), made, strict=True)))
    assert scored(folder, pair="order") == pytest.approx(
        {(name, name, 0): error(made[place], place) for place, name in enumerate(("clip1", "clip2", "clip10"))}
    )
    with pytest.raises(PairingError, match=r"paired by their names without suffix[\s\S]*--pair name or order or prefix or FILE.csv pairs"):
        scored(folder)


def test_by_prefix_the_longest_reference_wins_and_words_are_whole(tmp_path, scored):
    made = clips(1, 6)
    names = ("clip1_a", "clip1_b", "clip2-x", "clip2-y", "clip10", "clip10_late")
    expected = [("clip1", 0), ("clip1", 1), ("clip2", 0), ("clip2", 1), ("clip10", 0), ("clip10", 1)]
    places = (0, 0, 1, 1, 2, 2)
    folder = store(tmp_path / "made", dict(zip(names, made, strict=True)))
    assert scored(folder, pair="prefix") == pytest.approx(
        {(name, name, sample): error(video, place) for (name, sample), video, place in zip(expected, made, places, strict=True)}
    )
    store(folder, {"clip11": made[0]})
    with pytest.raises(PairingError, match=r"clip11: no reference in real"):
        scored(folder, pair="prefix")
    assert len(scored(folder, pair="prefix", allow_missing=True)) == 6


def test_a_sample_that_a_clip_lacks_is_listed(tmp_path, scored):
    folder = store(tmp_path / "made", dict(zip(("clip1-0", "clip1-1", "clip2-0", "clip10-0", "clip10-1"), clips(1, 5), strict=True)))
    with pytest.raises(PairingError, match=r"clip2: 1 of 2 samples in made"):
        scored(folder, pair="prefix")


def test_folders_of_samples_need_no_manifest(tmp_path, scored):
    made = clips(1, 6)
    names = [f"sample-{sample}/{name}" for sample in range(2) for name in ("clip1", "clip2", "clip10")]
    folder = store(tmp_path / "made", dict(zip(names, made, strict=True)))
    assert scored(folder)["clip10", "clip10", 1] == pytest.approx(error(made[5], 2))


def test_the_id_does_not_depend_on_the_number_of_samples_or_the_way_of_pairing(tmp_path, real, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = store(tmp_path / "one", dict(zip(("clip1", "clip2", "clip10"), clips(1, 3), strict=True)))
    two = store(tmp_path / "two", {f"{name}-{sample}": clips(2, 1)[0] for name in ("clip1", "clip2", "clip10") for sample in range(2)})
    (tmp_path / "list.csv").write_text("generated,reference\nclip10-0,clip10\nclip1-0,clip1\nclip2-0,clip2\n")
    runs = [evaluate_folders(one, real, metrics=["mse"]), evaluate_folders(two, real, metrics=["mse"], pair="prefix")]
    runs.append(evaluate_folders(two, real, metrics=["mse"], pair="list.csv"))
    assert len({run.record.protocol["id"] for run in runs}) == 1


def test_a_limit_counts_references_not_samples(tmp_path, scored):
    names = [f"sample-{sample}/{name}" for sample in range(2) for name in ("clip1", "clip2", "clip10")]
    folder = store(tmp_path / "made", dict(zip(names, clips(1, 6), strict=True)))
    assert {(clip, sample) for clip, _, sample in scored(folder, limit=2)} == {("clip1", 0), ("clip1", 1), ("clip2", 0), ("clip2", 1)}


def test_a_list_pairs_what_it_names_with_sources_and_says_what_it_leaves_out(tmp_path, real, vgbench):
    made = clips(1, 4)
    folder = store(tmp_path / "made", dict(zip(("x", "y", "z", "unused"), made, strict=True)))
    (tmp_path / "list.csv").write_text("\ufeffgenerated, reference, source\nx.mkv, clip2.mkv, roof\ny, clip2, roof\nz, clip1, roof\n")
    ran = vgbench(
        "eval", "--generated", folder, "--reference", real, "--metrics", "mse", "--pair", tmp_path / "list.csv", "--allow-missing", "--json"
    )
    assert ran.status == 0
    assert "1 clips of made and 1 clips of real do not stand in list.csv, and are not scored." in ran.err
    lines = {(line.clip_id, line.source, line.sample): line.scores["mse@mean"] for line in read_scores(Path(ran.json()["run"]))}
    assert {key: float(np.mean(values)) for key, values in lines.items()} == pytest.approx(
        {("clip2", "roof", 0): error(made[0], 1), ("clip2", "roof", 1): error(made[1], 1), ("clip1", "roof", 0): error(made[2], 0)}
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("made,real\nx,clip1\n", r"list.csv has the columns made, real; a list of pairs has generated, reference, source"),
        ("", r"list.csv has the columns none"),
        ("generated,reference\nx,clip3\nw,clip1\n", r"line 2: real has no clip 'clip3'\n  line 3: made has no clip 'w'"),
        ("generated,reference\nx,clip1\nx,clip2\n", r"line 3: x stands in an earlier line"),
        ("generated,reference\nx\n", r"list.csv, line 2: it does not have 2 values"),
        ("generated,reference\nx,clip1,more\n", r"list.csv, line 2: it does not have 2 values"),
        ("generated,reference,source\nx,clip1,a\ny,clip1,b\n", r"line 3: clip1 is of source b, and of a in an earlier line"),
        ('generated,reference\n"x,clip1\n', r"list.csv cannot be read as a list of pairs: unexpected end of data"),
        ("generated,reference\n", r"list.csv lists no pair: there is no line below the one with the columns"),
    ],
)
def test_a_list_that_does_not_fit_is_refused_line_by_line(tmp_path, scored, text, message):
    folder = store(tmp_path / "made", dict(zip(("x", "y"), clips(1, 2), strict=True)))
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(PairingError, match=message):
        scored(folder, pair="list.csv")


def test_a_missing_list_and_an_unknown_way_are_named(tmp_path, scored):
    folder = store(tmp_path / "made", dict(zip(("clip1", "clip2", "clip10"), clips(1, 3), strict=True)))
    with pytest.raises(PairingError, match=r"none.csv cannot be read as a list of pairs"):
        scored(folder, pair="none.csv")
    with pytest.raises(ConfigError, match=r"Unknown way of pairing 'prefx'. Did you mean prefix\?"):
        scored(folder, pair="prefx")


def test_sets_have_no_partners_to_look_for(real, vgbench):
    ran = vgbench("eval", "--generated", real, "--reference", real, "--metrics", "fvd", "--pair", "order")
    assert ran.status == 1
    assert "fvd@i3d: sets of clips are compared without partners, so there is nothing to pair by order." in ran.err


def test_a_list_without_sources_takes_those_of_the_manifest(tiny, folder):
    generate("copy-first", Path("made"), protocol=tiny, reference_out=Path("real"))
    names = list(json.loads(Path("made/manifest.json").read_text())["clips"])
    Path("list.csv").write_text("generated,reference\n" + "".join(f"{name},{name}\n" for name in names))
    runs = [evaluate_folders("made", "real", metrics=["mse"], pair=pair) for pair in ("name", "list.csv")]
    first, second = ([(line.clip_id, line.source) for line in read_scores(run.path)] for run in runs)
    assert first == second


def test_two_clips_that_are_one_sample_are_refused(tmp_path, scored):
    names = [f"{sample}/{name}" for sample in ("sample-0", "sample-00") for name in ("clip1", "clip2", "clip10")]
    folder = store(tmp_path / "made", dict(zip(names, clips(1, 6), strict=True)))
    with pytest.raises(PairingError, match="sample-0/clip1 and sample-00/clip1 are both sample 0 of clip1"):
        scored(folder)


def test_the_two_sides_may_have_layouts_of_their_own(folder, vgbench):
    made, real = clips(0, 3), clips(1, 3)
    np.save(folder / "made.npy", made.numpy())
    np.save(folder / "real.npy", real.permute(0, 1, 3, 4, 2).numpy())
    ran = vgbench("eval", "--generated", "made.npy", "--reference", "real.npy", "--layout", "NTCHW,NTHWC", "--metrics", "mse", "--json")
    assert ran.json()["rows"][0]["value"] == pytest.approx(mse(made, real).mean().item(), rel=1e-12)
