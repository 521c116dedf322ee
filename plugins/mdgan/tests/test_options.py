"""What experienced people switch on, all of it off in the paper's preset."""

import math
from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from vgbench.learning import as_clips, gradient_penalty
from vgbench.training.host import FabricHost
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.generator import MDGAN

OFF = {
    "ema_decay": 0.0,
    "gradient_clip": 0.0,
    "label_smoothing": 0.0,
    "r1_weight": 0.0,
    "instance_noise": 0.0,
    "discriminator_lr_ratio": 1.0,
    "lr_schedule": "constant",
}


def weights(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def trained(make_generator, make_host, batch, steps=3, **values):
    generator = make_generator(**values)
    stage = generator.stage("base", make_host())
    results = [stage.step(batch) for _ in range(steps)]
    return generator, stage, results


def test_every_option_is_off_in_every_preset():
    for preset in MDGANConfig.presets.values():
        config = MDGANConfig(**preset)
        assert {name: getattr(config, name) for name in OFF} == OFF


def test_the_average_follows_the_weights_and_makes_the_clips(make_generator, make_host, make_batch):
    batch = make_batch()
    generator = make_generator(ema_decay=0.9)
    stage = generator.stage("base", make_host())
    expected = weights(generator.base)
    for update in (1, 2, 3):
        stage.step(batch)
        share = 1 - min(0.9, (1 + update) / (10 + update))
        expected = expected + share * (weights(generator.base) - expected)
    torch.testing.assert_close(weights(generator.averages["base"].network), expected)
    assert generator.making("base") is generator.averages["base"].network
    for kept, statistics in zip(generator.making("base").buffers(), generator.base.buffers(), strict=True):
        assert torch.equal(kept, statistics)


def test_stage_refine_builds_on_the_average_of_stage_base(make_generator, make_host, make_batch):
    generator = make_generator(ema_decay=0.9)
    host, batch = make_host(), make_batch()
    generator.stage("base", host).step(batch)
    refine = generator.stage("refine", host)
    assert refine.base is generator.averages["base"].network
    refine.step(batch)
    assert not torch.equal(weights(generator.making("refine")), weights(generator.refine))


def test_an_average_survives_its_checkpoint(make_generator, make_host, make_batch):
    batch = make_batch()
    generator, stage, _ = trained(make_generator, make_host, batch, ema_decay=0.9)
    again = make_generator(ema_decay=0.9)
    resumed = again.stage("base", make_host(7))
    again.load_state_dict(generator.state_dict())
    resumed.load_state_dict(deepcopy(stage.state_dict()))
    stage.step(batch)
    resumed.step(batch)
    assert torch.equal(weights(again.making("base")), weights(generator.making("base")))


def test_a_missing_average_begins_with_the_weights_and_an_unasked_one_is_passed_over(make_generator, make_host, make_batch):
    batch = make_batch()
    without, *_ = trained(make_generator, make_host, batch)
    averaging = make_generator(ema_decay=0.9)
    averaging.load_state_dict(without.state_dict())
    assert torch.equal(weights(averaging.making("base")), weights(without.base))
    with_average, *_ = trained(make_generator, make_host, batch, ema_decay=0.9)
    plain = make_generator()
    plain.load_state_dict(with_average.state_dict())
    assert torch.equal(weights(plain.making("base")), weights(with_average.base))


def test_a_clipped_gradient_has_the_norm_it_is_allowed(make_generator, make_host, make_batch):
    generator = make_generator(gradient_clip=1e-3)
    stage = generator.stage("base", make_host())
    norms = []
    stage.generator.adam.register_step_pre_hook(
        lambda *_: norms.append(torch.cat([parameter.grad.flatten() for parameter in generator.base.parameters()]).norm())
    )
    result = stage.step(make_batch())
    assert float(result.diagnostics["generator_gradient"]) > 1e-3  # what is reported is the gradient before
    assert float(norms[0]) == pytest.approx(1e-3, rel=1e-4)


def test_a_gradient_within_the_limit_is_left_alone(make_generator, make_host, make_batch):
    batch = make_batch()
    free, *_ = trained(make_generator, make_host, batch)
    limited, *_ = trained(make_generator, make_host, batch, gradient_clip=1e6)
    assert torch.equal(weights(free.base), weights(limited.base))


@pytest.mark.parametrize("name", ["base", "refine"])
def test_r1_is_reported_and_flattens_the_discriminator(make_generator, make_host, make_batch, name):
    slopes = {}
    for weight in (0.0, 100.0):
        generator, host = make_generator(r1_weight=weight), make_host()
        generator.stage("base", host)
        stage = generator.stage(name, host)
        results = [stage.step(make_batch()) for _ in range(15)]
        assert ("r1" in results[0].losses) == (weight > 0)
        assert results[0].objectives["discriminator"]["r1"] == weight / 2
        real = stage.pairs(make_batch())[1].requires_grad_()
        slopes[weight] = gradient_penalty(stage.discriminator(real).logits, real).item()
    assert slopes[100.0] < 0.5 * slopes[0.0]


def test_r1_is_differentiated_twice_also_in_half_precision(tiny, make_batch):
    host = FabricHost(device=torch.device("cpu"), precision="bf16", seed=0)
    stage = MDGAN(replace(tiny, r1_weight=1.0), device=host.device).stage("base", host)
    result = stage.step(make_batch())
    assert result.losses["r1"].dtype == torch.float32
    assert float(result.losses["r1"]) > 0
    assert all(torch.isfinite(value) for value in result.losses.values())


def test_previews_show_the_average_where_there_is_one(make_generator, make_host, make_batch):
    generator = make_generator(ema_decay=0.9)
    stage = generator.stage("base", make_host())
    stage.step(make_batch())
    shown = stage.preview(make_batch())["base"]
    expected = generator.making("base")(stage.pairs(make_batch())[0])
    torch.testing.assert_close(shown, as_clips(expected))


def test_instance_noise_falls_to_nothing_along_the_stage(make_generator, make_host):
    host = make_host()
    stage = make_generator(instance_noise=0.5).stage("base", host)
    video = torch.zeros(2, 3, 8, 32, 32)
    for progress, deviation in ((0.0, 0.5), (0.5, 0.25)):
        host.progress = progress
        assert float(stage.shown(video).std()) == pytest.approx(deviation, rel=0.05)
    host.progress = 1.0
    assert stage.shown(video) is video


def test_instance_noise_comes_from_the_hosts_generator_and_differs_between_processes(make_generator, make_host):
    video = torch.zeros(1, 3, 8, 32, 32)
    drawn = []
    for rank in (0, 0, 1):
        host = make_host()
        host.rank = rank
        stage = make_generator(instance_noise=0.5).stage("base", host)
        drawn.append(stage.shown(video))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_learning_rates_follow_half_a_cosine_and_the_discriminators_ratio(make_generator, make_host, make_batch):
    host = make_host()
    stage = make_generator(lr=1e-3, lr_schedule="cosine", discriminator_lr_ratio=4.0).stage("base", host)
    for progress in (0.0, 0.25, 1.0):
        host.progress = progress
        stage.step(make_batch())
        factor = (1 + math.cos(math.pi * progress)) / 2
        assert stage.generator.adam.param_groups[0]["lr"] == pytest.approx(1e-3 * factor)
        assert stage.discriminator.adam.param_groups[0]["lr"] == pytest.approx(4e-3 * factor)


def test_all_options_together_train_both_stages(make_generator, make_host, make_batch):
    values = dict(OFF, ema_decay=0.9, gradient_clip=1.0, label_smoothing=0.1, r1_weight=1.0, instance_noise=0.1)
    generator = make_generator(**values | {"discriminator_lr_ratio": 2.0, "lr_schedule": "cosine", "base_counts_as_fake": True})
    host = make_host()
    for name in generator.stages():
        stage = generator.stage(name, host)
        for _ in range(2):
            result = stage.step(make_batch())
        assert all(torch.isfinite(value) for value in result.losses.values())
        assert set(result.losses) <= {term for weights in result.objectives.values() for term in weights}
