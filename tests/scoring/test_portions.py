"""What a device has too little memory for is done in halves, with the same results, and said."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, strategies as st

from vgbench.errors import OutOfMemory
from vgbench.evaluation.evaluate import evaluate
from vgbench.evaluation.folders import evaluate_folders
from vgbench.generation.generate import generate
from vgbench.plugins.guard import guarded
from vgbench.plugins.observers import Observer
from vgbench.plugins.registry import load_registry
from vgbench.runs.scores import read_scores
from vgbench.scoring.portions import Portions
from vgbench.scoring.scorer import Scorer

REASON = "CUDA out of memory. Tried to allocate 2.00 GiB."


def limited(most: int, calls: list[int] | None = None):
    """Work that has memory for so many at once."""

    def work(part: slice) -> list[int]:
        count = part.stop - part.start
        if calls is not None:
            calls.append(count)
        if count > most:
            raise torch.OutOfMemoryError(REASON)
        return list(range(part.start, part.stop))

    return work


@given(n=st.integers(1, 40), most=st.integers(1, 40))
def test_everything_is_done_once_and_in_order_whatever_fits(n, most):
    notes: list[str] = []
    portions = Portions("clips", notes.append)
    assert portions.of_batch(n, limited(most)) == list(range(n))
    calls: list[int] = []
    assert portions.of_batch(n, limited(most, calls)) == list(range(n))
    assert max(calls) <= most  # what did not fit once is not tried again
    assert len(set(notes)) == len(notes)
    assert bool(notes) == (n > most)


def test_a_halving_is_said_and_what_does_not_fit_alone_is_an_error():
    notes: list[str] = []
    with pytest.raises(OutOfMemory) as caught:
        Portions("clips", notes.append).of_batch(4, limited(0))
    assert notes == [
        "The memory did not suffice for 4 clips at once; from here on it is 2. (CUDA out of memory. Tried to allocate 2.00 GiB)",
        "The memory did not suffice for 2 clips at once; from here on it is 1. (CUDA out of memory. Tried to allocate 2.00 GiB)",
    ]
    assert str(caught.value) == (
        "CUDA out of memory. Tried to allocate 2.00 GiB. That was with 1 clips at once, the least there is; "
        "take another device, or smaller clips."
    )


def test_other_errors_are_no_reason_to_halve():
    def fail(_):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        Portions("clips", pytest.fail).of_batch(4, fail)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError(REASON), MemoryError(), RuntimeError("can't allocate memory")])
def test_a_plugin_that_runs_out_of_memory_is_told_from_one_that_fails(error):
    with pytest.raises(OutOfMemory, match="generator 'x' ran out of memory"), guarded(ValueError, "generator 'x'", "x:Y"):
        raise error


class SmallDevice:
    """Metrics on a device that has memory for so many frames at once."""

    def __init__(self, monkeypatch, frames: int) -> None:
        self.frames, self.calls = frames, 0
        measure = Scorer.measure
        monkeypatch.setattr(Scorer, "measure", lambda scorer, *given: self.measured(measure, scorer, *given))

    def measured(self, measure, scorer, clips, *given):
        self.calls += 1
        if clips.shape[0] * clips.shape[1] > self.frames:
            raise torch.OutOfMemoryError(REASON)
        return measure(scorer, clips, *given)


class Notes(Observer):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def scores_of(run):
    return sorted((line.generator, line.clip_id, line.sample, str(line.scores), line.perfect) for line in read_scores(run.path))


def test_an_evaluation_goes_on_in_halves_with_the_same_bits(tmp_path, monkeypatch):
    asked = {"generators": ["copy-first", "linear"], "metrics": ["mse", "ssim", "motion-ratio"], "limit": 8, "workers": 0}
    expected = scores_of(evaluate(**asked, runs=tmp_path / "whole"))
    SmallDevice(monkeypatch, 3 * 15)
    observer = Notes()
    run = evaluate(**asked, runs=tmp_path / "halves", observer=observer, fresh=True)
    assert scores_of(run) == expected
    halvings = [note for note in observer.notes if "memory" in note]
    assert [note.split(" (")[0] for note in halvings] == [
        "The memory did not suffice for 8 clips at once; from here on it is 4.",
        "The memory did not suffice for 4 clips at once; from here on it is 2.",
    ]
    assert [text for text in run.record.warnings if "memory" in text] == halvings


def test_a_row_that_does_not_fit_at_all_is_left_out_and_said(tmp_path, monkeypatch):
    SmallDevice(monkeypatch, 1)
    with pytest.raises(Exception, match="the least there is"):
        evaluate(["copy-first"], metrics=["mse"], limit=2, workers=0, runs=tmp_path)


def test_given_clips_go_on_in_chunks_of_frames_with_the_same_bits(tmp_path, monkeypatch):
    generate("copy-first", tmp_path / "made", reference_out=tmp_path / "real", limit=2)
    metrics = ["mse", "psnr", "ssim", "motion-ratio"]
    sides = (tmp_path / "made", tmp_path / "real")
    expected = scores_of(evaluate_folders(*sides, metrics=metrics[:3], runs=tmp_path / "whole"))
    device = SmallDevice(monkeypatch, 14)
    observer = Notes()
    assert scores_of(evaluate_folders(*sides, metrics=metrics[:3], runs=tmp_path / "chunks", observer=observer)) == expected
    (note,) = [note for note in observer.notes if "memory" in note]
    assert note.startswith("The memory did not suffice for 15 frames at once; from here on it is 7.")
    assert device.calls == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_with_little_memory_gives_the_same_bits_in_halves():
    rng = torch.Generator().manual_seed(0)
    clips, references = (torch.randint(0, 256, (32, 8, 3, 176, 176), dtype=torch.uint8, generator=rng).cuda() for _ in range(2))
    scorer = Scorer([load_registry().metrics.get(name) for name in ("psnr", "ssim@torchmetrics", "ms-ssim")])
    expected = scorer.measure(clips, references).scores
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 40 * 2**20) / whole)
    notes: list[str] = []
    try:
        found = Portions("clips", notes.append).of_batch(32, lambda part: scorer.measure(clips[part], references[part]).scores)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert notes
    assert found == expected
