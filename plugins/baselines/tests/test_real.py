"""Real: the reference to the bit, and another real clip that is none of the test clips."""

from collections import Counter

import pytest
import torch

from vgbench import Batch, CheckpointError, GeneratorError, Request
from vgbench_baselines.plugin import vgbench_generators
from vgbench_baselines.real import Real, RealConfig

CPU = torch.device("cpu")


def real(other=False):
    return Real(RealConfig(other=other), device=CPU)


def clips_of(count, frames=4, seed=0):
    levels = torch.randint(0, 256, (count, frames, 3, 6, 5), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return levels.float().div_(255)


def batch_of(clips):
    names = tuple(f"clip-{index}" for index in range(len(clips)))
    return Batch(clips, names, names)


def request(count, frames, target_start, seeds):
    return Request(clips_of(count, 2, seed=9), frames, target_start, tuple(seeds))


def test_it_gives_the_references_as_they_are():
    references = clips_of(3)
    assert torch.equal(real().generate_from(request(3, 4, 0, range(3)), references), references)
    assert not real().needs_fit()


def test_another_one_is_a_training_clip_from_the_frame_that_is_asked_for():
    generator, training = real(other=True), clips_of(5, frames=6)
    assert generator.needs_fit()
    generator.fit([batch_of(training[:2]), batch_of(training[2:])])
    made = generator.generate_from(request(40, 3, 2, range(100, 140)), clips_of(40, 3, seed=1))
    found = [next(place for place in range(5) if torch.equal(clip, training[place, 2:5])) for clip in made]
    assert set(found) == set(range(5))


def test_which_one_depends_on_the_clips_own_seed_and_each_is_as_likely():
    generator, training = real(other=True), clips_of(4)
    generator.fit([batch_of(training)])
    seeds = torch.randint(0, 2**63 - 1, (2000,), generator=torch.Generator().manual_seed(0)).tolist()
    made = generator.generate_from(request(2000, 1, 0, seeds), clips_of(2000, 1, seed=1))
    counts = Counter(next(place for place in range(4) if torch.equal(clip[0], training[place, 0])) for clip in made)
    assert all(400 < counts[place] < 600 for place in range(4))
    alone = generator.generate_from(request(1, 1, 0, seeds[7:8]), clips_of(1, 1, seed=1))
    assert torch.equal(alone, made[7:8])


def test_it_comes_back_from_its_state_and_refuses_anothers():
    generator, restored = real(other=True), real(other=True)
    assert generator.state_dict() == {}
    generator.fit([batch_of(clips_of(3))])
    restored.load_state_dict(generator.state_dict())
    asked = request(3, 4, 0, (5, 6, 7))
    references = clips_of(3, seed=2)
    assert torch.equal(restored.generate_from(asked, references), generator.generate_from(asked, references))
    with pytest.raises(CheckpointError, match=r"real:other's state .* holds mean"):
        restored.load_state_dict({"mean": torch.zeros(1)})


def test_what_it_cannot_do_is_said():
    with pytest.raises(GeneratorError, match="real:other has not been fitted"):
        real(other=True).generate_from(request(1, 2, 0, (1,)), clips_of(1, 2))
    generator = real(other=True)
    generator.fit([batch_of(clips_of(2))])
    with pytest.raises(GeneratorError, match="fitted on clips of 4 frames of 3×6×5, and frames 0 to 5 of 3×6×5 are asked for"):
        generator.generate_from(request(1, 4, 2, (1,)), clips_of(1, 4))
    with pytest.raises(GeneratorError, match="makes none from a request alone"):
        generator.generate(request(1, 2, 0, (1,)))


def test_no_other_baseline_says_that_it_sees_the_reference():
    assert [spec.name for spec in vgbench_generators() if spec.sees_reference] == ["real"]
