import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
import torch

from vgbench import Batch, CheckpointError, Generator, GeneratorError, GeneratorSpec, ReferenceGenerator, Request
from vgbench_baselines.copying import CopyFirst, CopyLast
from vgbench_baselines.linear import Linear
from vgbench_baselines.noise import Noise
from vgbench_baselines.plugin import vgbench_generators
from vgbench_baselines.train_mean import TrainMean

CPU = torch.device("cpu")
TRIVIAL = [spec for spec in vgbench_generators() if not spec.trainable]


def request(context, frames=4, target_start=0, seeds=None):
    return Request(context, frames, target_start, tuple(seeds or range(len(context))))


def random_clips(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def batch_of(clips):
    names = tuple(f"clip-{index}" for index in range(len(clips)))
    return Batch(clips, names, names)


@pytest.fixture
def context():
    return random_clips(2, 3, 3, 8, 10)


def build(spec: GeneratorSpec) -> Generator:
    return loaded(spec.target)(loaded(spec.config)() if spec.config else None, device=CPU)


def loaded(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("spec", TRIVIAL, ids=lambda spec: spec.name)
def test_each_spec_gives_a_generator_that_keeps_the_unit_of_exchange(spec, context):
    generator = build(spec)
    generator.fit([batch_of(random_clips(2, 4, 3, 8, 10))])
    before = context.clone()
    references = random_clips(2, 4, 3, 8, 10, seed=1)
    asked = request(context)
    clips = generator.generate_from(asked, references) if isinstance(generator, ReferenceGenerator) else generator.generate(asked)
    assert clips.shape == (2, 4, 3, 8, 10)
    assert clips.dtype == torch.float32
    assert clips.min() >= 0
    assert clips.max() <= 1
    clips.zero_()  # the caller may write into what it got
    assert torch.equal(context, before)


@pytest.mark.parametrize("target_start", [0, 1, 3])
def test_copies_repeat_their_frame_wherever_the_target_starts(context, target_start):
    first = CopyFirst(None, device=CPU).generate(request(context, 5, target_start))
    last = CopyLast(None, device=CPU).generate(request(context, 5, target_start))
    for frame in range(5):
        assert torch.equal(first[:, frame], context[:, 0])
        assert torch.equal(last[:, frame], context[:, 2])


def test_linear_goes_on_along_the_line_through_the_last_two_frames():
    context = torch.tensor([0.9, 0.25, 0.375]).view(1, 3, 1, 1, 1)
    made = Linear(None, device=CPU).generate(request(context, frames=4, target_start=3))
    assert made.flatten().tolist() == [0.5, 0.625, 0.75, 0.875]


def test_linear_runs_back_through_the_context_where_the_target_covers_it():
    context = torch.tensor([0.9, 0.25, 0.375]).view(1, 3, 1, 1, 1)
    made = Linear(None, device=CPU).generate(request(context, frames=4, target_start=0))
    assert made.flatten().tolist() == [0.125, 0.25, 0.375, 0.5]


def test_linear_gives_its_two_frames_exactly_at_their_own_indices(context):
    made = Linear(None, device=CPU).generate(request(context, frames=2, target_start=1))
    assert torch.equal(made, context[:, 1:])


def test_linear_stays_within_range():
    context = torch.tensor([[0.5, 0.9], [0.5, 0.1]]).view(2, 2, 1, 1, 1)
    made = Linear(None, device=CPU).generate(request(context, frames=3, target_start=2))
    assert made.view(2, 3).tolist() == [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]


def test_linear_refuses_a_single_context_frame(context):
    with pytest.raises(GeneratorError, match=r"needs 2 context frames and was given 1; .*context = 2"):
        Linear(None, device=CPU).generate(request(context[:, :1]))


def test_train_mean_is_the_mean_over_all_clips_whatever_the_batches(context):
    clips = random_clips(7, 4, 3, 8, 10)
    generator = TrainMean(None, device=CPU)
    generator.fit([batch_of(clips[:3]), batch_of(clips[3:4]), batch_of(clips[4:])])
    expected = clips.double().mean(0).float()
    made = generator.generate(request(context))
    for clip in made:
        torch.testing.assert_close(clip, expected, rtol=0, atol=1e-7)


def test_train_mean_is_summed_in_float64(context):
    generator = TrainMean(None, device=CPU)
    value = torch.tensor(0.1)
    generator.fit(batch_of(value.expand(1, 4, 3, 8, 10)) for _ in range(3000))
    assert torch.equal(generator.generate(request(context)), value.expand(2, 4, 3, 8, 10))


def test_train_mean_counts_each_fit_afresh(context):
    generator = TrainMean(None, device=CPU)
    generator.fit([batch_of(torch.ones(1, 4, 3, 8, 10))])
    generator.fit([batch_of(torch.zeros(1, 4, 3, 8, 10))])
    assert generator.generate(request(context)).max() == 0


def test_train_mean_starts_at_the_target(context):
    clips = random_clips(2, 6, 3, 8, 10)
    generator = TrainMean(None, device=CPU)
    generator.fit([batch_of(clips)])
    whole = generator.generate(request(context, frames=6))
    assert torch.equal(generator.generate(request(context, frames=3, target_start=3)), whole[:, 3:])


def test_train_mean_says_that_it_was_not_fitted(context):
    with pytest.raises(GeneratorError, match="has not been fitted"):
        TrainMean(None, device=CPU).generate(request(context))


@pytest.mark.parametrize(
    ("context_shape", "frames", "message"),
    [
        ((1, 1, 3, 8, 10), 5, r"fitted on clips of 4 frames of 3×8×10, and frames 0 to 4 of 3×8×10 are asked for"),
        ((1, 1, 3, 8, 8), 4, r"fitted on clips of 4 frames of 3×8×10, and frames 0 to 3 of 3×8×8 are asked for"),
        ((1, 1, 1, 8, 10), 4, r"fitted on clips of 4 frames of 3×8×10, and frames 0 to 3 of 1×8×10 are asked for"),
    ],
)
def test_train_mean_refuses_a_request_that_its_clips_do_not_cover(context_shape, frames, message):
    generator = TrainMean(None, device=CPU)
    generator.fit([batch_of(random_clips(2, 4, 3, 8, 10))])
    with pytest.raises(GeneratorError, match=message):
        generator.generate(request(torch.zeros(context_shape), frames))


def test_train_mean_refuses_clips_of_two_shapes_and_none_at_all():
    generator = TrainMean(None, device=CPU)
    with pytest.raises(GeneratorError, match=r"after clips of 4 frames of 3×8×10 came 4 frames of 3×8×8 \(clip clip-0\)"):
        generator.fit([batch_of(torch.zeros(1, 4, 3, 8, 10)), batch_of(torch.zeros(1, 4, 3, 8, 8))])
    with pytest.raises(GeneratorError, match="no training clip"):
        generator.fit([])


def test_train_mean_comes_back_from_its_state(context):
    generator, restored = TrainMean(None, device=CPU), TrainMean(None, device=CPU)
    assert generator.state_dict() == {}
    generator.fit([batch_of(random_clips(3, 4, 3, 8, 10))])
    restored.load_state_dict(generator.state_dict())
    assert torch.equal(restored.generate(request(context)), generator.generate(request(context)))


@pytest.mark.parametrize("state", [{"weights": torch.zeros(2)}, {"mean": torch.zeros(2)}, {"mean": 3.0}])
def test_train_mean_refuses_a_foreign_state(state):
    with pytest.raises(CheckpointError, match=f"this one holds {next(iter(state))}"):
        TrainMean(None, device=CPU).load_state_dict(state)


def test_noise_depends_on_each_clips_seed_alone(context):
    noise = Noise(None, device=CPU)
    together = noise.generate(request(context, seeds=(11, 2**64 - 1)))
    alone = noise.generate(request(context[1:], seeds=(2**64 - 1,)))
    assert torch.equal(together[1:], alone)
    assert not torch.equal(together[0], together[1])


def test_noise_is_uniform_and_leaves_the_global_generator_alone():
    state = torch.random.get_rng_state()
    made = Noise(None, device=CPU).generate(request(torch.zeros(1, 1, 3, 64, 64), frames=8, seeds=(5,)))
    assert torch.equal(torch.random.get_rng_state(), state)
    counts = torch.histc(made, bins=10, min=0, max=1) / made.numel()
    torch.testing.assert_close(counts, torch.full((10,), 0.1), rtol=0, atol=0.005)


def test_the_hook_file_loads_without_torch():
    code = "import sys, vgbench_baselines.plugin as plugin; plugin.vgbench_generators(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["nearest", "flow-warp", "real"])
def test_a_card_says_how_it_is_made_what_it_costs_and_what_it_tells(name):
    (spec,) = [spec for spec in vgbench_generators() if spec.name == name]
    assert {"method", "source", "cost", "what it tells"} <= set(spec.card)


@pytest.mark.parametrize("spec", vgbench_generators(), ids=lambda spec: spec.name)
def test_every_generator_has_a_card_with_its_method_and_its_cost(spec):
    assert {"method", "cost"} <= spec.card.keys()
    assert all(spec.card.values())
