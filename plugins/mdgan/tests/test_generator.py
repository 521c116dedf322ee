import pytest
import torch
from torch import nn

from vgbench import CheckpointError, GeneratorError, Request
from vgbench_mdgan.networks import Discriminator


def request(clips=2, *, frames=8, target_start=0, context=1, size=32, channels=3, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return Request(torch.rand(clips, context, channels, size, size, generator=rng), frames, target_start, tuple(range(clips)))


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_a_clip_keeps_the_unit_of_exchange(make_generator):
    clips = make_generator(output="base").generate(request())
    assert clips.shape == (2, 8, 3, 32, 32)
    assert clips.dtype == torch.float32
    assert clips.min() >= 0
    assert clips.max() <= 1
    assert clips.std() > 0


def test_only_the_last_context_frame_is_used(make_generator):
    generator = make_generator(output="base", context=3)
    asked = request(context=3)
    first_frames_changed = asked._replace(context=torch.cat([asked.context[:, :2].flip(-1), asked.context[:, 2:]], dim=1))
    assert torch.equal(generator.generate(asked), generator.generate(first_frames_changed))
    assert not torch.equal(generator.generate(asked), generator.generate(asked._replace(context=asked.context.flip(-1))))


def test_the_refined_clip_is_made_from_the_base_clip_alone(make_generator, make_host):
    generator = make_generator()
    generator.stage("refine", make_host())
    seen = []
    generator.base.register_forward_hook(lambda *hooked: seen.append(hooked[2]))
    generator.refine.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    generator.generate(request())
    assert torch.equal(seen[0], seen[1])


def test_the_refine_network_goes_without_the_two_outermost_skips(make_generator):
    generator = make_generator()
    assert generator.base.dropped_skips == 0
    assert generator.refine.dropped_skips == 2


def test_building_and_generating_leave_the_global_random_state_alone(make_generator, make_host):
    state = torch.random.get_rng_state()
    generator = make_generator()
    generator.stage("base", make_host())
    generator.stage("refine", make_host())
    generator.generate(request())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_two_generators_start_from_the_same_weights(make_generator):
    one, other = make_generator(output="base"), make_generator(output="base")
    assert torch.equal(one.generate(request()), other.generate(request()))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"frames": 4}, "asked for 4 frames of 3×32×32 from frame 0"),
        ({"size": 64}, "asked for 8 frames of 3×64×64 from frame 0"),
        ({"channels": 1}, "asked for 8 frames of 1×32×32 from frame 0"),
        ({"target_start": 1}, "asked for 8 frames of 3×32×32 from frame 1"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_with_both_sides(make_generator, asked, words):
    with pytest.raises(GeneratorError, match="mdgan makes 8 frames of 3×32×32 from frame 0") as refused:
        make_generator(output="base").generate(request(**asked))
    assert words in str(refused.value)


def test_a_request_without_context_is_refused(make_generator):
    with pytest.raises(GeneratorError, match="needs a context frame"):
        make_generator(output="base").generate(request(context=0))


def test_refine_is_refused_until_its_stage_has_begun(make_generator, make_host):
    generator = make_generator()
    generator.stage("base", make_host())
    with pytest.raises(GeneratorError, match=r"no trained stage refine: .*--stage refine.*mdgan:base"):
        generator.generate(request())
    generator.stage("refine", make_host())
    assert generator.generate(request()).shape == (2, 8, 3, 32, 32)


def test_with_running_statistics_a_clip_does_not_depend_on_its_neighbours(make_generator):
    generator = make_generator(output="base")
    asked = request(4)
    together = generator.generate(asked)
    alone = generator.generate(asked._replace(context=asked.context[2:3], seeds=(2,)))
    torch.testing.assert_close(together[2:3], alone, rtol=0, atol=1e-5)


def test_with_the_batchs_statistics_it_does_and_the_running_ones_stay(make_generator):
    generator = make_generator(output="base", batch_norm="batch")
    before = {name: value.clone() for name, value in generator.base.named_buffers()}
    asked = request(4)
    together = generator.generate(asked)
    alone = generator.generate(asked._replace(context=asked.context[2:3], seeds=(2,)))
    assert (together[2:3] - alone).abs().max() > 1e-3
    for name, value in generator.base.named_buffers():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("batch_norm", ["eval", "batch"])
def test_generating_during_training_returns_the_network_to_its_mode(make_generator, make_host, batch_norm):
    generator = make_generator(output="base", batch_norm=batch_norm)
    generator.stage("base", make_host())
    generator.generate(request())
    assert all(module.training for module in generator.base.modules())
    assert all(module.track_running_stats for module in generator.base.modules() if isinstance(module, nn.BatchNorm3d))


def test_parameters_are_counted_for_the_output_that_is_made(make_generator):
    generator = make_generator()
    assert count(generator.base) == count(generator.refine)
    assert generator.parameter_count() == 2 * count(generator.base)
    assert make_generator(output="base").parameter_count() == count(generator.base)


def test_a_generator_comes_back_from_its_state(make_generator, make_host):
    trained, restored = make_generator(), make_generator()
    trained.stage("base", make_host(1))
    assert set(trained.state_dict()) == {"base"}
    trained.stage("refine", make_host(2))
    assert set(trained.state_dict()) == {"base", "refine"}
    restored.load_state_dict(trained.state_dict())
    assert torch.equal(restored.generate(request()), trained.generate(request()))


def test_a_foreign_state_is_refused_with_its_first_difference_and_changes_nothing(make_generator, make_host):
    generator = make_generator(output="base")
    before = generator.generate(request())
    good = make_generator().state_dict()["base"]
    deeper = make_generator(size=(64, 64)).state_dict()
    wider = make_generator(width=16).state_dict()
    missing = {key: value for key, value in good.items() if key != "bottleneck.weight"}
    cases = [
        ({"weights": {}}, "unknown part 'weights'"),
        ({}, "no part 'base'"),
        ({"base": 3}, "base network's state is int"),
        ({"base": missing}, "no 'bottleneck.weight' for the base network"),
        ({"base": {**good, "bottleneck.weight": "hello"}}, "'bottleneck.weight' of the base network is str"),
        (wider, r"'encoder.0.0.weight' of the base network is \(16, 3, 3, 4, 4\) in the checkpoint and \(8, 3, 3, 4, 4\) here"),
        (deeper, r"'encoder.1.0.weight' of the base network is \(16, 8, 3, 4, 4\)"),
        ({"base": {**good, "extra": torch.zeros(1)}}, "'extra' does not exist in the base network"),
        ({"base": good, "refine": wider["base"]}, "of the refine network"),
    ]
    for state, message in cases:
        with pytest.raises(CheckpointError, match=message):
            generator.load_state_dict(state)
    assert torch.equal(generator.generate(request()), before)


def test_a_generator_holds_no_discriminator(make_generator, make_host):
    generator = make_generator()
    generator.stage("base", make_host())
    assert not any(isinstance(value, Discriminator) for value in vars(generator).values())
