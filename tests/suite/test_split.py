"""An evaluation split over a cluster has the same bits as one that is not, also where a part is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from vgbench.evaluation.evaluate import evaluate
from vgbench.evaluation.evaluation import Part
from vgbench.plugins.observers import Observer
from vgbench.runs.run import EvalRun, find_runs
from vgbench.runs.scores import read_scores
from vgbench.scoring.kept import Kept

ROWS, METRICS = ["copy-first", "noise", "train-mean"], ["mse", "ssim", "moments-frechet"]


@pytest.fixture
def moments(install_plugin, tmp_path, monkeypatch):
    """A distance between sets whose features are kept."""
    install_plugin(
        "moments",
        "from vgbench import FeatureExtractor, FrechetDistance, MetricSpec, hookimpl\n\n"
        "class Moments(FeatureExtractor):\n"
        "    def features(self, clips):\n        return clips.float().mean(dim=(2, 3, 4))[:, :3]\n\n"
        "    def key(self):\n        return 'moments 1'\n\n"
        "def frechet():\n    return FrechetDistance(Moments(), unbiased=False)\n\n"
        "@hookimpl\ndef vgbench_metrics():\n"
        "    card = {key: '-' for key in ('formula', 'range', 'colour', 'pooling', 'source', 'same as', 'beware')}\n"
        "    target = f'{__name__}:frechet'\n"
        "    return [MetricSpec(name='moments-frechet', summary='-', target=target, kind='set', better='lower', card=card)]\n",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


def content(run: EvalRun) -> object:
    """All that an evaluation wrote, but for wall times."""
    lines = [line._replace(seconds=None) for line in read_scores(run.path)]
    return str(lines), {path.name: path.read_bytes() for path in (run.path / "features").iterdir()}


@pytest.mark.usefixtures("moments")
@pytest.mark.parametrize("parts", [1, 3, 7])
def test_parts_that_are_merged_are_the_whole_to_the_bit(tiny, parts):
    whole = evaluate(ROWS, protocol=tiny, metrics=METRICS, batch_size=2)
    merged = Kept(folder=Path("merged"), is_own=True)
    for number in range(1, parts + 1):
        kept = Kept(folder=Path(f"part-{number}"))
        evaluate(ROWS, protocol=tiny, metrics=METRICS, batch_size=2, runs=Path("parts"), kept=kept, part=Part(number, parts))
        assert merged.absorb(kept.folder) == []
    found = evaluate(ROWS, protocol=tiny, metrics=METRICS, batch_size=2, kept=merged)
    assert content(found) == content(whole)
    assert found.record.warnings == whole.record.warnings


@pytest.mark.usefixtures("moments")
def test_a_part_that_is_lost_or_damaged_is_scored_where_it_is_missed(tiny):
    whole = evaluate(ROWS, protocol=tiny, metrics=METRICS, batch_size=2)
    kept, merged = Kept(folder=Path("part")), Kept(folder=Path("merged"), is_own=True)
    evaluate(ROWS, protocol=tiny, metrics=METRICS, batch_size=2, runs=Path("parts"), kept=kept, part=Part(2, 3))
    Path("torn").mkdir()
    Path("torn/scores.sqlite").write_bytes(Path("part/scores.sqlite").read_bytes()[:5000])
    assert "Scores are not kept between runs" in merged.absorb(Path("torn"))[0]
    assert merged.absorb(kept.folder) == []
    assert content(evaluate(ROWS, protocol=tiny, metrics=METRICS, batch_size=2, kept=merged, observer=Observer())) == content(whole)


@pytest.mark.slow
@pytest.mark.usefixtures("moments")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_cluster_gives_the_same_bits_and_leaves_nothing_behind(tiny, vgbench, cluster):
    asked = ("eval", "--protocol", tiny, "--generators", ",".join(ROWS), "--metrics", ",".join(METRICS), "--batch-size", 2, "--json")
    whole = vgbench(*asked, "--runs", "whole")
    split = vgbench(*asked, "--runs", "split", "--on", f"ray={cluster.address}", "--parts", 3)
    assert (whole.status, split.status) == (0, 0), split.err
    (one,), (other,) = find_runs(Path("whole"), EvalRun), find_runs(Path("split"), EvalRun)
    assert content(one) == content(other)
    assert [path.name for path in Path("split").iterdir()] == [other.name]
    assert "is scored here" not in split.err


def test_what_does_not_go_with_a_cluster_is_refused(vgbench):
    assert vgbench("eval", "--parts", 3).status == 2
    assert "--resume does not go with --on ray" in vgbench("eval", "--on", "ray", "--resume", "latest").err
    assert "an evaluation is split on ray, or ray=HOST:PORT" in vgbench("eval", "--on", "slurm").err
