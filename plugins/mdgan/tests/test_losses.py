import math

import pytest
import torch

from vgbench_mdgan import losses


def random_tensor(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def naive_gram(feature):
    """One clip's Gram matrix, column by column: (C, T, H, W) → nested lists."""
    rows = [feature[c, t].flatten().tolist() for t in range(feature.shape[1]) for c in range(feature.shape[0])]
    size, columns = len(rows), len(rows[0])
    return [[sum(a * b for a, b in zip(rows[i], rows[j], strict=True)) / (size * columns) for j in range(size)] for i in range(size)]


def test_gram_is_the_double_loop_over_channels_and_times():
    feature = random_tensor(2, 3, 2, 4, 5)
    gram = losses.gram(feature)
    assert gram.shape == (2, 6, 6)
    expected = torch.tensor([naive_gram(clip) for clip in feature], dtype=torch.float64)
    torch.testing.assert_close(gram, expected)


def test_gram_does_not_depend_on_how_the_feature_lies_in_memory():
    feature = random_tensor(2, 3, 4, 5, 6)
    other = feature.contiguous(memory_format=torch.channels_last_3d)
    assert torch.equal(losses.gram(feature), losses.gram(other))


def test_grams_gradient_agrees_with_finite_differences():
    assert torch.autograd.gradcheck(losses.gram, random_tensor(2, 2, 3, 2, 2).requires_grad_())


def test_gram_of_half_precision_is_computed_in_float32():
    feature = random_tensor(1, 2, 2, 4, 4).bfloat16()
    gram = losses.gram(feature)
    assert gram.dtype == torch.float32
    torch.testing.assert_close(gram, losses.gram(feature.float()))


def test_gram_distance_sums_or_averages_absolute_differences():
    one, other = torch.zeros(1, 2, 2), torch.tensor([[[1.0, -2.0], [3.0, 0.5]]])
    assert losses.gram_distance(one, other, "sum").tolist() == [6.5]
    assert losses.gram_distance(one, other, "mean").tolist() == [1.625]


def raw_ranking(to_real, to_base):
    """−log(e^{−d⁺} / (e^{−d⁺} + e^{−d⁻})), as it is written, in float64."""
    return sum(-math.log(math.exp(-p) / (math.exp(-p) + math.exp(-n))) for p, n in zip(to_real, to_base, strict=True)) / len(to_real)


@pytest.mark.parametrize("seed", range(5))
def test_ranking_loss_is_the_papers_formula(seed):
    to_real, to_base = random_tensor(2, 6, seed=seed).abs() * 5
    expected = raw_ranking(to_real.tolist(), to_base.tolist())
    assert losses.ranking_loss(to_real, to_base).item() == pytest.approx(expected, rel=1e-12)


def test_ranking_loss_survives_distances_whose_exponentials_underflow():
    far = torch.tensor([2000.0])
    assert losses.ranking_loss(far, far).item() == pytest.approx(math.log(2))
    assert losses.ranking_loss(far, far - 100).item() == pytest.approx(100)
    assert losses.ranking_loss(far - 100, far).item() == pytest.approx(0, abs=1e-40)


def ranked(anchor, positive, negative):
    anchor, positive, negative = (losses.gram(feature) for feature in (anchor, positive, negative))
    return losses.ranking_loss(losses.gram_distance(anchor, positive, "sum"), losses.gram_distance(anchor, negative, "sum")).item()


def test_the_three_limits_of_the_ranking_loss():
    one, other = random_tensor(1, 2, 2, 3, 3, seed=1), random_tensor(1, 2, 2, 3, 3, seed=2)
    distance = losses.gram_distance(losses.gram(one), losses.gram(other), "sum").item()
    assert distance > 0.1
    assert ranked(anchor=one, positive=one, negative=other) == pytest.approx(math.log1p(math.exp(-distance)))
    assert ranked(anchor=one, positive=other, negative=one) == pytest.approx(math.log1p(math.exp(distance)))
    assert ranked(anchor=one, positive=other, negative=other) == pytest.approx(math.log(2))


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_ranking_losss_gradient_agrees_with_finite_differences(reduction):
    positive, negative = (losses.gram(random_tensor(2, 2, 2, 3, 3, seed=seed)) for seed in (1, 2))

    def rank(anchor):
        gram = losses.gram(anchor)
        to_real, to_base = (losses.gram_distance(gram, other, reduction) for other in (positive, negative))
        return losses.ranking_loss(to_real, to_base)

    assert torch.autograd.gradcheck(rank, random_tensor(2, 2, 2, 3, 3, seed=3).requires_grad_())


def test_content_loss_is_the_mean_absolute_difference():
    assert losses.content_loss(torch.tensor([[1.0, -1.0]]), torch.tensor([[0.5, 1.0]])).item() == 1.25


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_a_gpu_gram_of_half_precision_is_that_of_the_same_numbers_in_float32():
    feature = torch.randn(2, 8, 4, 16, 16, generator=torch.Generator().manual_seed(0)).bfloat16()
    on_cpu, on_gpu = feature.float().requires_grad_(), feature.cuda().requires_grad_()
    expected, found = losses.gram(on_cpu), losses.gram(on_gpu)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-5, atol=1e-6)
    direction = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)).sign()
    expected.backward(direction)
    found.backward(direction.cuda())
    torch.testing.assert_close(on_gpu.grad.float().cpu(), on_cpu.grad, rtol=2e-2, atol=0.02 * on_cpu.grad.abs().max().item())
