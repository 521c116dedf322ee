"""Nearest: the search is exact, whatever the batch and however it is cut, and what it replays is what it was given."""

import shutil
import tempfile
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings, strategies as st

from vgbench import Batch, CheckpointError, GeneratorError, Request
from vgbench_baselines import nearest
from vgbench_baselines.nearest import Nearest
from vgbench_baselines.training_clips import kept_clips, to_levels, to_values

CPU = torch.device("cpu")


def levels_of(*shape, seed=0, most=255):
    return torch.randint(0, most + 1, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def batch_of(levels):
    names = tuple(f"clip-{index}" for index in range(len(levels)))
    return Batch(to_values(levels), names, names)


def fitted(levels, batch=3):
    generator = Nearest(None, device=CPU)
    generator.fit([batch_of(part) for part in levels.split(batch)])
    return generator


def request(context_levels, frames, target_start=0):
    return Request(to_values(context_levels), frames, target_start, tuple(range(len(context_levels))))


def test_every_level_comes_back_from_the_values_that_the_host_gives():
    levels = torch.arange(256).to(torch.uint8)
    assert torch.equal(to_levels(to_values(levels)), levels)


@given(st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([1, 3]), st.integers(1, 40), st.sampled_from([1, 255]))
@settings(deadline=None, max_examples=30)
def test_it_replays_the_first_of_the_clips_whose_context_is_nearest(seed, context, channels, chunk, most):
    clips = levels_of(9, 6, channels, 2, 3, seed=seed, most=most)  # with levels 0 and 1 alone many are equally near
    wanted = levels_of(4, context, channels, 2, 3, seed=seed + 1, most=most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_CHUNK", chunk)
        made = fitted(clips).generate(request(wanted, 3, target_start=context))
    for clip, given_context in zip(made, wanted.tolist(), strict=True):
        flat = torch.tensor(given_context).flatten().tolist()
        distances = [sum((a - b) ** 2 for a, b in zip(one[:context].flatten().tolist(), flat, strict=True)) for one in clips]
        expected = clips[distances.index(min(distances)), context : context + 3]
        assert torch.equal(clip, to_values(expected))


def test_one_level_in_a_large_context_decides():
    clips = torch.full((2, 2, 3, 128, 128), 255, dtype=torch.uint8)
    clips[0, 0, 0, 0, 0] = 253
    clips[:, 1] = torch.tensor([10, 20]).view(2, 1, 1, 1)
    wanted = torch.full((1, 1, 3, 128, 128), 255, dtype=torch.uint8)
    assert to_levels(fitted(clips).generate(request(wanted, 1, target_start=1))).unique().tolist() == [20]
    wanted[0, 0, 0, 0, 0] = 253
    assert to_levels(fitted(clips).generate(request(wanted, 1, target_start=1))).unique().tolist() == [10]


def test_a_clip_does_not_depend_on_its_batch_nor_on_those_of_the_fit():
    clips, wanted = levels_of(7, 4, 3, 6, 5), levels_of(5, 2, 3, 6, 5, seed=1)
    together = fitted(clips, batch=7).generate(request(wanted, 4))
    alone = torch.cat([fitted(clips, batch=1).generate(request(one[None], 4)) for one in wanted])
    assert torch.equal(together, alone)


def test_contexts_of_another_length_are_searched_by_their_own_frames():
    clips = levels_of(6, 4, 1, 4, 4)
    generator = fitted(clips)
    for length in (1, 3, 2):
        made = generator.generate(request(clips[:, :length], 4))
        assert torch.equal(made, to_values(clips))


def test_each_fit_begins_afresh():
    generator = fitted(levels_of(3, 4, 1, 4, 4))
    other = levels_of(3, 4, 1, 4, 4, seed=1)
    generator.generate(request(other[:, :1], 4))
    generator.fit([batch_of(other)])
    assert torch.equal(generator.generate(request(other[:, :1], 4)), to_values(other))


def test_it_says_that_it_was_not_fitted_and_which_clips_do_not_cover_the_request():
    with pytest.raises(GeneratorError, match="nearest has not been fitted"):
        Nearest(None, device=CPU).generate(request(levels_of(1, 1, 3, 4, 4), 2))
    generator = fitted(levels_of(2, 4, 3, 8, 10))
    with pytest.raises(GeneratorError, match="fitted on clips of 4 frames of 3×8×10, and frames 0 to 5 of 3×8×10 are asked for"):
        generator.generate(request(levels_of(1, 2, 3, 8, 10), 4, target_start=2))
    with pytest.raises(GeneratorError, match="and frames 0 to 4 of 3×8×10 are asked for"):
        generator.generate(request(levels_of(1, 5, 3, 8, 10), 1))


def test_no_clip_and_clips_of_two_shapes_are_refused():
    with pytest.raises(GeneratorError, match="nearest was given no training clip"):
        Nearest(None, device=CPU).fit([])
    with pytest.raises(GeneratorError, match=r"after clips of 4 frames of 3×8×10 came 4 frames of 3×8×8 \(clip clip-0\)"):
        Nearest(None, device=CPU).fit([batch_of(levels_of(1, 4, 3, 8, 10)), batch_of(levels_of(1, 4, 3, 8, 8))])


def test_the_clips_take_at_most_half_of_what_is_free(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100))
    clips = [batch_of(levels_of(1, 2, 1, 4, 4)), batch_of(levels_of(1, 2, 1, 4, 4))]  # of 32 bytes each
    assert len(kept_clips(clips[:1], who="nearest")) == 1
    with pytest.raises(GeneratorError, match=r"took 1 of them: half of what is free there, 4.66e-08 GiB, holds no more. Set TMPDIR"):
        kept_clips(clips, who="nearest")


def test_a_folder_of_temporary_files_that_is_full_is_named(monkeypatch):
    """Linux has a file that is always full."""
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda prefix, **how: open("/dev/full", "w+b", **how))
    with pytest.raises(
        GeneratorError, match=r"nearest keeps the training clips in a temporary file, and .* took 0 of them: No space left.*TMPDIR"
    ):
        kept_clips([batch_of(levels_of(1, 2, 1, 4, 4))], who="nearest")


def test_it_comes_back_from_its_state():
    clips = levels_of(4, 4, 1, 4, 4)
    generator, restored = fitted(clips), Nearest(None, device=CPU)
    assert restored.state_dict() == {}
    restored.load_state_dict(generator.state_dict())
    assert torch.equal(restored.generate(request(clips[:, :1], 4)), to_values(clips))
    restored.load_state_dict({})
    assert restored.state_dict() == {}


@pytest.mark.parametrize("state", [{"weights": torch.zeros(2)}, {"clips": torch.zeros(1, 2, 1, 4, 4)}, {"clips": 3.0}])
def test_a_foreign_state_is_refused(state):
    with pytest.raises(CheckpointError, match=f"this one holds {next(iter(state))}"):
        Nearest(None, device=CPU).load_state_dict(state)
