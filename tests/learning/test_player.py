"""How a player descends: its optimizer, the clipping of its gradient, the course of its learning rate."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vgbench import CheckpointError, ConfigError
from vgbench.learning import AdamOptions, Average, ModelOptions, Player, check_state, drawn
from vgbench.learning.rate import share_of_rate


def line():
    network = nn.Linear(2, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    return network


def descended(host, options, progress=0.0):
    """The weights after one step down 3·w₀ + 4·w₁, and the norm that was reported."""
    player = Player(line(), options, host)
    host.progress = progress
    norm = player.descend(player(torch.tensor([[3.0, 4.0]])).sum())
    return player.network.weight[0].tolist(), norm.item()


def test_the_norm_is_the_gradients_before_it_is_clipped(make_host):
    weights, norm = descended(make_host(), AdamOptions(lr=0.1))
    assert norm == pytest.approx(5)
    assert weights == pytest.approx([0.9, 0.9])  # the first step of Adam is the learning rate
    player = Player(line(), AdamOptions(lr=0.1, gradient_clip=0.5), make_host())
    assert player.descend(player(torch.tensor([[3.0, 4.0]])).sum()).item() == pytest.approx(5)
    assert player.network.weight.grad[0].tolist() == pytest.approx([0.3, 0.4])


def test_weight_decay_is_apart_from_the_gradient(make_host):
    weights, _ = descended(make_host(), AdamOptions(lr=0.1, weight_decay=0.5))
    assert weights == pytest.approx([1 - 0.1 * 0.5 - 0.1] * 2)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_a_step_takes_the_rate_of_its_place_in_the_training(make_host, schedule):
    for progress in (0.0, 0.25, 0.6, 1.0):
        weights, _ = descended(make_host(), AdamOptions(lr=0.1, schedule=schedule), progress)
        assert 1 - weights[0] == pytest.approx(0.1 * share_of_rate(schedule, progress), abs=1e-6)


def test_one_cycle_is_that_of_torch():
    steps, optimizer = 1000, torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=steps, cycle_momentum=False)
    for step in range(steps):
        # theirs counts a step before the end of each phase; ours goes on evenly
        assert share_of_rate("one-cycle", step / (steps - 1)) == pytest.approx(scheduler.get_last_lr()[0], abs=0.01)
        optimizer.step()
        if step < steps - 1:
            scheduler.step()
    assert share_of_rate("one-cycle", 0) == pytest.approx(1 / 25)
    assert share_of_rate("one-cycle", 0.3) == 1
    assert share_of_rate("one-cycle", 1) == pytest.approx(4e-6)
    assert [share_of_rate("cosine", progress) for progress in (0, 0.5, 1, 1.5)] == pytest.approx([1, 0.5, 0, 0])


def test_an_optimizer_of_other_parameters_is_refused(make_host):
    player = Player(line(), AdamOptions(lr=0.1), make_host())
    with pytest.raises(CheckpointError, match="ours: 'adam' does not fit this model's parameters"):
        player.load_adam({"state": {}, "param_groups": []}, "adam", model="ours")


def test_drawn_numbers_come_from_the_given_generator_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, again, other = (drawn(line_of_noise, torch.Generator().manual_seed(seed)).weight for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def line_of_noise():
    return nn.Linear(2, 2)


def test_an_average_follows_its_network_and_takes_its_statistics_as_they_are():
    network = nn.BatchNorm1d(1)
    average = Average(network, 0.9)
    with torch.no_grad():
        network.weight.fill_(3.0)
    network.running_mean.fill_(7.0)
    average.update(network)
    assert average.network.weight.item() == pytest.approx(1 + 2 * (1 - 2 / 11))  # of the first update (1 + 1) / (10 + 1)
    assert average.network.running_mean.item() == 7
    average.restart(network)
    assert (average.network.weight.item(), average.updates) == (3, 0)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ([], "ours: the trained network's state is list"),
        ({}, "ours: the checkpoint has no 'weight' for the trained network"),
        ({"weight": torch.zeros(3)}, r"'weight' of the trained network is \(3,\) in the checkpoint and \(1, 2\) here"),
        ({"weight": torch.zeros(1, 2), "bias": torch.zeros(1)}, "the checkpoint's 'bias' does not exist in the trained network"),
    ],
)
def test_a_state_that_does_not_belong_is_refused_with_what_differs(state, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        check_state(line(), state, "trained", model="ours")


class Options(ModelOptions):
    model = "ours"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"lr": 0.0}, "ours: lr = 0.0 does not work; it must be above 0"),
        ({"lr_schedule": "linear"}, "it must be 'constant' or 'cosine' or 'one-cycle'"),
        ({"betas": (0.5, 1.0)}, "two numbers from 0 to below 1"),
        ({"steps": 0}, "steps = 0 does not work; it must be at least 1"),
        ({"weight_decay": -0.1}, "0 or more"),
    ],
)
def test_an_option_out_of_range_is_refused(values, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Options(**values)


@pytest.mark.parametrize(
    ("context", "target_start", "frames", "length", "horizon"),
    [(1, 0, 16, 16, 15), (10, 10, 10, 20, 10), (2, 1, 4, 5, 3), (2, 4, 3, 7, 5), (4, 0, 4, 4, 0)],
)
def test_the_horizon_is_what_lies_after_the_context(context, target_start, frames, length, horizon):
    options = Options(context=context, target_start=target_start, frames=frames)
    assert (options.clip_length, options.horizon) == (length, horizon)
