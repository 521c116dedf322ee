"""The losses of a generator and its discriminator against their definitions."""

import pytest
import torch

from vgbench.learning import discriminator_loss, generator_loss, gradient_penalty, verdicts


def test_adversarial_losses_are_cross_entropies_of_the_sigmoid():
    real, fake = torch.randn(2, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    torch.testing.assert_close(discriminator_loss(real, fake), -(d_real.log().mean() + (1 - d_fake).log().mean()))
    torch.testing.assert_close(generator_loss(fake, "non-saturating"), -d_fake.log().mean())
    torch.testing.assert_close(generator_loss(fake, "minimax"), (1 - d_fake).log().mean())


def test_adversarial_losses_stay_finite_where_the_sigmoid_is_exactly_one_or_zero():
    sure = torch.tensor([200.0])
    assert discriminator_loss(-sure, sure).item() == 400
    assert generator_loss(-sure, "non-saturating").item() == 200
    assert generator_loss(sure, "minimax").item() == -200


def test_label_smoothing_is_the_cross_entropy_to_the_lowered_target():
    real, fake = torch.tensor([0.3, -2.0, 5.0], dtype=torch.float64), torch.tensor([1.0, 0.0], dtype=torch.float64)
    of_real = torch.nn.functional.binary_cross_entropy_with_logits(real, torch.full_like(real, 0.9))
    of_fake = torch.nn.functional.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    torch.testing.assert_close(discriminator_loss(real, fake, 0.1), of_real + of_fake)


def test_the_gradient_penalty_is_the_squared_slope_of_the_logits():
    video = torch.randn(3, 2, 2, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    slope = torch.arange(16, dtype=torch.float64).view(2, 2, 2, 2)
    scale = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty(scale * (video * slope).flatten(1).sum(1), video)
    assert penalty.item() == pytest.approx(float(0.25 * slope.square().sum()))
    penalty.backward()
    assert float(scale.grad) == pytest.approx(float(slope.square().sum()))


def test_verdicts_count_right_answers_and_average_probabilities():
    found = verdicts(torch.tensor([2.0, -1.0]), torch.tensor([-3.0, -4.0, 1.0]))
    assert found["real_accuracy"].item() == 0.5
    assert found["fake_accuracy"].item() == pytest.approx(2 / 3)
    assert found["real_probability"].item() == pytest.approx((0.880797 + 0.268941) / 2, abs=1e-6)
