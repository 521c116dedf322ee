"""What every trained baseline keeps, whatever its network: shape, range, seeds, batches, saving, resuming, learning."""

from __future__ import annotations

import copy
from dataclasses import replace
from importlib import import_module

import pytest
import torch

from vgbench import CheckpointError, ConfigError, GeneratorError, Request, UnknownName
from vgbench.training.host import FabricHost
from vgbench_baselines.plugin import vgbench_generators

CPU = torch.device("cpu")
SPECS = {spec.name: spec for spec in vgbench_generators() if spec.trainable}
SKY = {"size": (32, 32), "frames": 8, "channels": 3, "context": 1, "target_start": 0}
FORMS = {
    **{name: {} for name in SPECS},
    "simvp, incepu": {"translator": "incepu", "temporal_width": 32, "spatial_width": 8},
    "simvp, recursive": {"head": "recursive"},
    "predformer, recursive": {"head": "recursive"},
    "convlstm, averaged": {"ema_decay": 0.9},
    "vgan, averaged": {"ema_decay": 0.9},
}
"""Name, and what is said of its form after a comma → options beside those of preset tiny."""


@pytest.fixture(autouse=True, scope="module")
def _one_thread(one_thread):
    """These networks are small."""


def imported(target):
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def make(form, **values):
    spec = SPECS[form.partition(",")[0]]
    config_class = imported(spec.config)
    config = config_class(**{**config_class.presets["tiny"], **SKY, **FORMS[form], **values})
    return imported(spec.target)(config, device=CPU)


def asked(generator, batch, seeds=None):
    config = generator.config
    context = batch.clips[:, : config.context]
    return Request(context, config.frames, config.target_start, seeds or tuple(range(len(context))))


def flat(state):
    """Tensors of nested state, by their path."""
    for key, value in state.items():
        if isinstance(value, dict):
            yield from ((f"{key}/{path}", tensor) for path, tensor in flat(value))
        elif isinstance(value, torch.Tensor):
            yield str(key), value


def assert_same(one, other):
    one, other = dict(flat(one)), dict(flat(other))
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[key]) for key, value in one.items())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "task",
    [
        {},
        {"target_start": 1, "channels": 1},
        {"context": 4, "target_start": 4, "frames": 4},
        {"context": 2, "target_start": 1, "frames": 4},
        {"context": 2, "target_start": 4, "frames": 4},
    ],
    ids=["repeats the context", "grey, continues it", "four to four", "two, repeats one", "leaves a gap"],
)
def test_clips_have_the_shape_and_the_range_that_the_protocol_asks_for(form, task, make_batch):
    generator = make(form, **task)
    config = generator.config
    batch = make_batch(clips=2, frames=max(config.clip_length, 8), channels=config.channels)
    clips = generator.generate(asked(generator, batch))
    assert clips.shape == (2, config.frames, config.channels, 32, 32)
    assert clips.dtype == torch.float32
    assert clips.min() >= 0
    assert clips.max() <= 1
    if "vgan" not in form:  # which makes the frame it was given anew
        given = batch.clips[:, config.target_start : config.context]
        torch.testing.assert_close(clips[:, : given.shape[1]], given, rtol=0, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_one_seed_gives_one_clip_and_only_what_is_not_deterministic_looks_at_it(form, make_batch):
    generator = make(form)
    if "flow" in form:  # whose last layer begins with zeros, so that untrained noise is all there is
        torch.nn.init.normal_(generator.making().head.weight, std=0.1)
    batch = make_batch(clips=2)
    one, again, other = (generator.generate(asked(generator, batch, seeds)) for seeds in ((3, 4), (3, 4), (3, 5)))
    assert torch.equal(one, again)
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1]) == SPECS[form.partition(",")[0]].deterministic


@pytest.mark.parametrize("form", FORMS)
def test_a_clip_does_not_depend_on_its_batch(form, make_batch, make_host):
    generator = make(form)
    generator.stage("main", make_host()).step(make_batch())  # running statistics other than those of the start
    batch = make_batch(clips=3)
    together = generator.generate(asked(generator, batch))
    for index in range(3):
        context = batch.clips[index : index + 1, : generator.config.context]
        alone = generator.generate(Request(context, generator.config.frames, generator.config.target_start, (index,)))
        torch.testing.assert_close(together[index : index + 1], alone, rtol=0, atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_what_was_saved_makes_the_same_clips(form, make_batch, make_host):
    generator = make(form)
    stage = generator.stage("main", make_host())
    for seed in range(3):
        stage.step(make_batch(seed=seed))
    restored = make(form)
    restored.load_state_dict(copy.deepcopy(generator.state_dict()))
    batch = make_batch(seed=9)
    assert torch.equal(generator.generate(asked(generator, batch)), restored.generate(asked(restored, batch)))


@pytest.mark.parametrize("form", FORMS)
def test_a_resumed_training_goes_on_with_the_same_bits(form, make_batch, make_host):
    def begun():
        host = make_host(seed=5)
        generator = make(form)
        return generator, host, generator.stage("main", host)

    def go_on(host, stage, steps):
        for step in steps:
            host.progress = step / 6
            stage.step(make_batch(seed=step))

    undisturbed, host, stage = begun()
    go_on(host, stage, range(6))
    first, host, stage = begun()
    go_on(host, stage, range(3))
    saved = copy.deepcopy((first.state_dict(), stage.state_dict(), host.rng.get_state()))
    resumed, host, stage = begun()
    resumed.load_state_dict(saved[0])
    stage.load_state_dict(saved[1])
    host.rng.set_state(saved[2])
    go_on(host, stage, range(3, 6))
    assert_same(resumed.state_dict(), undisturbed.state_dict())


@pytest.mark.parametrize("form", FORMS)
def test_a_training_draws_from_its_hosts_generator_and_leaves_the_global_one_alone(form, make_batch, make_host):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    states = []
    for seed in (0, 0, 1):
        generator = make(form)
        generator.stage("main", make_host(seed)).step(make_batch())
        states.append(generator.state_dict())
    assert torch.equal(torch.get_rng_state(), before)
    assert_same(states[0], states[1])
    with pytest.raises(AssertionError):
        assert_same(states[0], states[2])


@pytest.mark.parametrize("form", FORMS)
def test_forty_steps_on_one_batch_lower_its_loss(form, make_batch, make_host):
    alone = {"adversarial_weight": 0.0} if form == "rnn-gan" else {}  # on four clips its adversary wins
    stage = make(form, ema_decay=0.0, lr=3e-3, lr_schedule="constant", **alone).stage("main", make_host())
    batch, term = make_batch(), {"vgan": "first_frame", "flow-matching": "velocity"}.get(form.partition(",")[0], "squared_error")
    losses = [float(stage.step(batch).losses[term]) for _ in range(40)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


@pytest.mark.parametrize("form", FORMS)
def test_every_term_has_its_weight_and_the_gradient_its_norm(form, make_batch, make_host):
    result = make(form).stage("main", make_host()).step(make_batch())
    assert set(result.losses) == {name for weights in result.objectives.values() for name in weights}
    assert any(name.endswith("_gradient") for name in result.diagnostics)
    values = {**result.losses, **result.diagnostics}.values()
    assert not any(value.requires_grad for value in values)


@pytest.mark.parametrize("form", FORMS)
def test_the_preview_shows_the_real_clip_and_the_generated_one(form, make_batch, make_host):
    generator = make(form)
    batch = make_batch(clips=2)
    shown = generator.stage("main", make_host()).preview(batch)
    assert list(shown) == ["real", generator.config.model]
    assert torch.equal(shown["real"], batch.clips)
    assert shown[generator.config.model].shape == batch.clips.shape


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("form", SPECS)
def test_a_step_through_the_real_host_is_finite_in_both_precisions(form, precision, make_batch):
    generator = make(form)
    result = generator.stage("main", FabricHost(device=CPU, precision=precision, seed=0)).step(make_batch())
    assert all(torch.isfinite(value) for value in {**result.losses, **result.diagnostics}.values())


@pytest.mark.parametrize("form", SPECS)
def test_what_does_not_fit_is_refused_with_what_would(form, make_batch):
    generator = make(form)
    name, batch = generator.config.model, make_batch(clips=1, size=64)
    with pytest.raises(GeneratorError, match=f"{name} makes 8 frames of 3×32×32 from frame 0 on, given 1, and is asked for"):
        generator.generate(Request(batch.clips[:, :1], 8, 0, (0,)))
    with pytest.raises(GeneratorError, match=f"{name} trains on clips of 3×32×32 with at least 8 frames, and was given 8"):
        generator.pairs(batch)
    with pytest.raises(UnknownName, match=f"stage of {name} 'refine'"):
        generator.stage("refine", FabricHost(device=CPU, precision="32", seed=0))


@pytest.mark.parametrize("form", [form for form in SPECS if form != "vgan"])
def test_a_protocol_that_gives_everything_away_leaves_nothing_to_predict(form):
    with pytest.raises(GeneratorError, match="has nothing to predict: the context's 4 frames are all that is asked for .frames 0 to 3."):
        make(form, context=4, frames=4)


@pytest.mark.parametrize("form", SPECS)
def test_a_state_of_another_model_is_refused_and_nothing_is_copied(form):
    generator = make(form)
    before = copy.deepcopy(generator.state_dict())
    with pytest.raises(CheckpointError, match="unknown part 'base'"):
        generator.load_state_dict({"base": {}})
    state = copy.deepcopy(before)
    key = next(iter(state["network"]))
    state["network"][key] = torch.zeros(1)
    with pytest.raises(CheckpointError, match=r"is \(1,\) in the checkpoint"):
        generator.load_state_dict(state)
    assert_same(generator.state_dict(), before)


SIZES = {
    "convlstm": ((30, 32), "height and width must be multiples of 4, such as 32×32"),
    "simvp": ((33, 32), "the encoder halves the size 1 times, so that height and width must be multiples of 2, such as 32×32"),
    "tau": ((33, 32), "multiples of 2"),
    "predformer": ((36, 32), "a token is 8×8 pixels, so that height and width must be multiples of 8, such as 32×32"),
    "flow-matching": ((34, 32), "multiples of 4"),
    "vgan": ((48, 48), "square with a power of two from 32 on as their side, such as 64×64"),
    "rnn-gan": ((32, 64), "square with a power of two from 32 on as its side, such as 64×64"),
}


@pytest.mark.parametrize("form", SPECS)
def test_a_size_that_does_not_fit_is_named_with_one_that_does(form):
    size, sentence = SIZES[form]
    with pytest.raises(ConfigError) as refused:
        make(form, size=size)
    assert f"{form} cannot take frames of {size[0]}×{size[1]}" in str(refused.value)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("form", "values", "sentence"),
    [
        ("convlstm", {"kernel": 4}, "convlstm: kernel = 4 does not work; it must be odd and at least 1"),
        ("convlstm", {"teacher_share": 1.5}, "it must be from 0 to 1"),
        ("simvp", {"translator": "gst"}, "'gst' does not work; it must be 'gsta' or 'incepu' or 'tau'"),
        ("simvp", {"spatial_blocks": 3}, "spatial_blocks = 3"),
        ("simvp", {"translator": "incepu", "temporal_width": 40}, "a multiple of 16 for incepu"),
        ("predformer", {"blocks": 6}, "a multiple of 4"),
        ("predformer", {"width": 30}, "a multiple of 4"),
        ("flow-matching", {"sampling_steps": 0}, "from 1 to 1,000"),
        ("vgan", {"frames": 6}, "vgan cannot take 6 frames of 32×32"),
        ("vgan", {"frames": 32}, "a power of two from 2 to 16 at this size"),
        ("rnn-gan", {"gdl_power": 0.0}, "above 0"),
        ("tau", {"ema_decay": 1.0}, "tau: ema_decay = 1.0 does not work; it must be from 0 to below 1"),
    ],
)
def test_an_option_out_of_range_is_refused_with_its_range(form, values, sentence):
    with pytest.raises(ConfigError) as refused:
        make(form, **values)
    assert sentence in str(refused.value)


def test_an_average_makes_the_clips_and_a_checkpoint_without_one_begins_with_the_weights(make_batch, make_host):
    generator = make("convlstm, averaged")
    stage = generator.stage("main", make_host())
    for seed in range(5):
        stage.step(make_batch(seed=seed))
    plain = make("convlstm")
    plain.load_state_dict(generator.state_dict())
    batch = make_batch()
    assert not torch.equal(plain.generate(asked(plain, batch)), generator.generate(asked(generator, batch)))
    begun = make("convlstm, averaged")
    begun.load_state_dict(plain.state_dict())
    assert torch.equal(begun.generate(asked(begun, batch)), plain.generate(asked(plain, batch)))


def test_replacing_a_value_checks_it_again():
    with pytest.raises(ConfigError):
        replace(make("simvp").config, temporal_blocks=1)
