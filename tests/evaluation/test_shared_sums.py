"""Metrics of one pair share their sums, for clips from files as for clips in memory."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from vgbench.evaluation.evaluate import evaluate
from vgbench.evaluation.folders import evaluate_folders
from vgbench.metrics.pairs import PairMemo
from vgbench.video import write_lossless


@pytest.fixture
def computed(monkeypatch):
    """How often each kind of sum was computed."""
    counts: Counter[object] = Counter()
    recall = PairMemo.recall

    def counted(memo, clips, references, key, compute):
        def count():
            counts[key] += 1
            return compute()

        return recall(memo, clips, references, key, count)

    monkeypatch.setattr(PairMemo, "recall", counted)
    return counts


def test_given_clips_are_summed_once_for_all_metrics_and_the_count_of_equal_frames(folder, computed):
    for seed, name in enumerate(("made", "real")):
        (folder / name).mkdir()
        for number, video in enumerate(np.random.default_rng(seed).integers(0, 256, (4, 5, 3, 16, 16), dtype=np.uint8)):
            write_lossless(folder / name / f"{number}.mkv", torch.from_numpy(video), 10)
    evaluate_folders("made", "real", metrics=["mse", "mae", "psnr", "rmse"])
    assert list(computed.values()) == [4 + 4]  # clips, and a trial of each metric on the first


def test_generated_clips_are_summed_once_too(tiny, computed):
    evaluate(["copy-first"], protocol=tiny, metrics=["mse", "mae", "psnr"], batch_size=5)
    assert list(computed.values()) == [2 + 3]  # batches, and a trial of each metric
