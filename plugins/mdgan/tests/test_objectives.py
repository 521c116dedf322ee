"""What each player descends, against the paper's expressions written out again: sigmoid and log, not logits."""

import pytest
import torch

from vgbench_mdgan.losses import gram


def gradients_at_the_step(stage, player, batch, objective):
    """The gradients that one step hands to a player's Adam, and those of `objective` with the networks as they are then."""
    seen = []

    def compare(*_):
        weights = list(player.network.parameters())
        descended = [weight.grad.clone() for weight in weights]
        seen.append((descended, torch.autograd.grad(objective(stage, batch), weights)))

    player.adam.register_step_pre_hook(compare)
    stage.step(batch)
    return seen[0]


def assert_alike(gradients):
    for descended, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(descended, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


def videos(stage, batch):
    still, real = stage.pairs(batch)
    made = stage.generator.network(still)
    return real, made


def refined_videos(stage, batch):
    still, real = stage.pairs(batch)
    with torch.no_grad():
        first = stage.base(still)
    return real, first, stage.generator.network(first)


def belief(stage, video):
    return stage.discriminator.network(video).logits.double().sigmoid()


def teach(real, *fakes):
    return -real.log().mean() - torch.cat([(1 - fake).log() for fake in fakes]).mean()


def features_of(network, video):
    """The first and the third convolution after their activation."""
    first = network.encoder[0](video)
    return first, network.encoder[2](network.encoder[1](first))


def rank(stage, real, first, made, average=False):
    """−Σ_l log(e^{−d⁺} / (e^{−d⁺} + e^{−d⁻})), the mean over clips."""
    total = 0
    features = [features_of(stage.discriminator.network, video) for video in (real, first, made)]
    for of_real, of_first, of_made in zip(*features, strict=True):
        matrices = [gram(feature).double() for feature in (of_real, of_first, of_made)]
        to_real, to_base = ((matrices[2] - other).abs().flatten(1) for other in matrices[:2])
        near, far = (distance.mean(1) if average else distance.sum(1) for distance in (to_real, to_base))
        total = total - ((-near).exp() / ((-near).exp() + (-far).exp())).log().mean()
    return total


@pytest.mark.parametrize("adversarial", ["non-saturating", "minimax"])
def test_stage_base_descends_the_adversarial_and_the_content_loss(make_generator, make_host, make_batch, adversarial):
    def objective(stage, batch):
        real, made = videos(stage, batch)
        fake = belief(stage, made)
        game = -fake.log().mean() if adversarial == "non-saturating" else (1 - fake).log().mean()
        return game + (real - made).abs().mean()

    stage = make_generator(adversarial=adversarial).stage("base", make_host())
    assert_alike(gradients_at_the_step(stage, stage.generator, make_batch(), objective))


def test_the_first_discriminator_descends_the_adversarial_loss(make_generator, make_host, make_batch):
    def objective(stage, batch):
        real, made = videos(stage, batch)
        return teach(belief(stage, real), belief(stage, made.detach()))

    stage = make_generator().stage("base", make_host())
    assert_alike(gradients_at_the_step(stage, stage.discriminator, make_batch(), objective))


@pytest.mark.parametrize(("weight", "reduction"), [(1.0, "sum"), (0.3, "sum"), (100.0, "mean")])
def test_stage_refine_descends_all_three_losses(make_generator, make_host, make_batch, weight, reduction):
    def objective(stage, batch):
        real, first, made = refined_videos(stage, batch)
        content = (real - made).abs().mean()
        return -belief(stage, made).log().mean() + weight * rank(stage, real, first, made, average=reduction == "mean") + content

    stage = make_generator(rank_weight=weight, rank_reduction=reduction).stage("refine", make_host())
    assert_alike(gradients_at_the_step(stage, stage.generator, make_batch(), objective))


@pytest.mark.parametrize(("share", "sign"), [("none", 0.0), ("max", -1.0), ("min", 1.0)])
@pytest.mark.parametrize("base_counts_as_fake", [False, True])
def test_the_second_discriminator_descends_its_configured_share(make_generator, make_host, make_batch, share, sign, base_counts_as_fake):
    def objective(stage, batch):
        real, first, made = refined_videos(stage, batch)
        made = made.detach()
        fakes = [belief(stage, made)] + [belief(stage, first)] * base_counts_as_fake
        return teach(belief(stage, real), *fakes) + sign * 0.5 * rank(stage, real, first, made)

    values = {"rank_discriminator": share, "base_counts_as_fake": base_counts_as_fake, "rank_weight": 0.5}
    stage = make_generator(**values).stage("refine", make_host())
    assert_alike(gradients_at_the_step(stage, stage.discriminator, make_batch(), objective))
