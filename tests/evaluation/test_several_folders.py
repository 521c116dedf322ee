"""Several folders of given clips: a row each, on the same references."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vgbench.generation.generate import generate


def test_several_folders_are_rows_of_one_table(vgbench, tiny):
    for generator in ("copy-first", "noise"):
        generate(generator, Path(generator), protocol=str(tiny), reference_out=Path("real") if generator == "noise" else None)
    alone = {
        name: vgbench("eval", "--generated", name, "--reference", "real", "--metrics", "mse,ssim", "--json").json()["rows"]
        for name in ("copy-first", "noise")
    }
    given = ("--generated", "copy-first", "--generated", "theirs=noise", "--reference", "real", "--metrics", "mse,ssim", "--json")
    ran = vgbench("eval", *given)
    assert ran.status == 0
    rows = ran.json()["rows"]
    assert {row["generator"] for row in rows} == {"copy-first", "theirs"}
    for row in rows:
        name = "noise" if row["generator"] == "theirs" else "copy-first"
        (single,) = [other for other in alone[name] if other["metric"] == row["metric"]]
        compared = ("value", "ci_low", "ci_high", "n_clips", "n_sources")
        assert [row[key] for key in compared] == [single[key] for key in compared]
    assert ran.json()["protocol"]["id"] == vgbench("report", "--format", "json").json()["protocol"]["id"]
    twice = vgbench("eval", "--generated", "noise", "--generated", "noise", "--reference", "real")
    assert twice.status == 2
    assert "Two rows are called 'noise': give one a label of its own, NAME=noise." in twice.err
    same = vgbench("eval", "--generated", "a=noise", "--generated", "b=noise", "--reference", "real", "--metrics", "mse", "--json").json()
    assert [(row["generator"], row["aliases"]) for row in same["rows"]] == [("a", ["b"])]


def test_a_folder_without_a_manifest_has_the_sources_of_those_beside_it(vgbench, tiny):
    for name in ("copy-first", "noise"):
        generate(name, Path(name), protocol=str(tiny), reference_out=Path("real") if name == "noise" else None)
    (Path("noise") / "manifest.json").unlink()
    rows = vgbench("eval", "--generated", "copy-first", "--generated", "noise", "--reference", "real", "--metrics", "mse", "--json").json()[
        "rows"
    ]
    assert [row["n_sources"] for row in rows] == [5, 5]


def test_folders_that_lack_different_clips_share_no_table(vgbench, tiny):
    for name in ("copy-first", "noise"):
        generate(name, Path(name), protocol=str(tiny), reference_out=Path("real") if name == "noise" else None)
    sorted(Path("noise").rglob("*.mkv"))[0].unlink()
    ran = vgbench("eval", "--generated", "copy-first", "--generated", "noise", "--reference", "real", "--allow-missing", "--metrics", "mse")
    assert ran.status == 1
    assert "copy-first and noise cannot share a table: 1 references have a clip of one of them alone, such as test-0000/000000." in ran.err


def test_several_sets_are_compared_with_one(vgbench, tiny):
    rng = np.random.default_rng(0)
    np.save("real.npy", rng.integers(0, 256, (14, 4, 12, 16, 3), dtype=np.uint8))
    for name in ("a", "b"):
        np.save(f"{name}.npy", rng.integers(0, 200, (9, 4, 12, 16, 3), dtype=np.uint8))
    ran = vgbench(
        "eval",
        "--generated",
        "a.npy",
        "--generated",
        "other=b.npy",
        "--reference",
        "real.npy",
        "--metrics",
        "psnr",
        "--allow-missing",
        "--json",
    )
    assert {row["generator"] for row in ran.json()["rows"]} == {"a.npy", "other"}
