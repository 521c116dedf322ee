"""The networks of the trained baselines against the facts on their cards, and their parts against their definitions."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from vgbench import Request
from vgbench_baselines.convlstm.config import ConvLSTMConfig
from vgbench_baselines.convlstm.generator import ConvLSTMGenerator
from vgbench_baselines.convlstm.network import Cell, ConvLSTM
from vgbench_baselines.flow_matching.config import FlowMatchingConfig
from vgbench_baselines.flow_matching.generator import FlowMatchingGenerator
from vgbench_baselines.flow_matching.network import TICKS, FlowTransformer
from vgbench_baselines.plugin import vgbench_generators
from vgbench_baselines.predformer.blocks import Attention, FactorisedBlocks, from_tokens, places, to_tokens
from vgbench_baselines.predformer.config import PredFormerConfig
from vgbench_baselines.predformer.generator import PredFormerGenerator
from vgbench_baselines.rnn_gan.config import RNNGANConfig
from vgbench_baselines.rnn_gan.generator import RNNGANGenerator
from vgbench_baselines.rnn_gan.losses import gradient_difference
from vgbench_baselines.rnn_gan.networks import Discriminator as FrameDiscriminator
from vgbench_baselines.simvp.config import SimVPConfig, TAUConfig
from vgbench_baselines.simvp.generator import SimVPGenerator
from vgbench_baselines.simvp.losses import differential_divergence
from vgbench_baselines.simvp.network import SimVP
from vgbench_baselines.vgan.config import VGANConfig
from vgbench_baselines.vgan.generator import VGANGenerator
from vgbench_baselines.vgan.networks import VGAN, Discriminator

CARDS = {spec.name: spec.card for spec in vgbench_generators()}
MNIST = {"size": (64, 64), "channels": 1, "context": 10, "frames": 10, "target_start": 10}
SKY = {"size": (64, 64), "channels": 3, "context": 1, "frames": 16, "target_start": 0}
PUBLISHED = [
    ("convlstm", ConvLSTMGenerator, ConvLSTMConfig(**MNIST), 11_675_648, "56.8 G"),
    ("simvp", SimVPGenerator, SimVPConfig(**MNIST), 46_769_665, "16.5 G"),
    ("simvp", SimVPGenerator, SimVPConfig(translator="incepu", **MNIST), 57_946_113, "19.3 G"),
    ("tau", SimVPGenerator, TAUConfig(**MNIST), 44_656_001, "15.9 G"),
    ("predformer", PredFormerGenerator, PredFormerConfig(**MNIST), 25_297_728, "16.1 G"),
    ("flow-matching", FlowMatchingGenerator, FlowMatchingConfig(**SKY), 17_507_632, "1,034 G"),
    ("vgan", VGANGenerator, VGANConfig(**{**SKY, "frames": 32}), 68_216_455, "8.9 G"),
    ("rnn-gan", RNNGANGenerator, RNNGANConfig(**SKY), 10_714_240, "1.0 G"),
]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def randn(*shape, seed=0):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize(("name", "generator_class", "config", "count", "cost"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_the_published_size_has_the_parameters_and_the_cost_of_its_card(name, generator_class, config, count, cost):
    generator = generator_class(config, device=torch.device("cpu"))
    assert generator.parameter_count() == count
    assert f"{count:,}" in CARDS[name]["parameters"]
    request = Request(torch.rand(1, config.context, config.channels, *config.size), config.frames, config.target_start, (1,))
    with FlopCounterMode(display=False) as counter, torch.device("cpu"):
        one_step = {"sampling_steps": 1} if name == "flow-matching" else {}
        generator.config = type(config)(**{**vars(config), **one_step})
        generator.generate(request)
    multiply_adds = counter.get_total_flops() / 2e9 * (config.sampling_steps if one_step else 1)
    assert float(cost.removesuffix(" G").replace(",", "")) == pytest.approx(multiply_adds, rel=5e-3)
    assert cost in CARDS[name]["cost"]


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_discriminators_have_the_published_sizes():
    assert count(Discriminator(VGANConfig(**{**SKY, "frames": 32}))) == 44_135_810
    assert "44,135,810" in CARDS["vgan"]["parameters"]
    assert count(FrameDiscriminator(RNNGANConfig(**SKY))) == 2_765_568
    assert "2,765,568" in CARDS["rnn-gan"]["parameters"]


def test_the_convlstm_that_the_paper_counts_has_layers_that_are_never_used():
    """15,083,520 − 11,675,648 is a 5×5 and a 1×1 convolution of twice the state in each of four layers."""
    unused = 4 * (2 * 128 * 128 * 25 + 2 * 128 * 128)
    assert 11_675_648 + unused == 15_083_520


@pytest.mark.parametrize("forget_bias", [0.0, 1.0])
def test_a_cell_is_the_long_short_term_memory_of_its_equations(forget_bias):
    cell = Cell(3, 2, 3, forget_bias).double()
    frame, hidden, memory = randn(1, 3, 5, 6), randn(1, 2, 5, 6, seed=1), randn(1, 2, 5, 6, seed=2)
    gates = functional.conv2d(frame, cell.of_input.weight, padding=1) + functional.conv2d(hidden, cell.of_state.weight, padding=1)
    i, f, g, o = (gates[:, 2 * k : 2 * k + 2] for k in range(4))
    kept = memory / (1 + torch.exp(-f - forget_bias)) + torch.tanh(g) / (1 + torch.exp(-i))
    found = cell(frame, (hidden, memory))
    torch.testing.assert_close(found[1], kept)
    torch.testing.assert_close(found[0], torch.tanh(kept) / (1 + torch.exp(-o)))


def test_a_told_frame_goes_in_instead_of_the_prediction():
    config = ConvLSTMConfig(size=(8, 8), channels=1, context=2, frames=4, target_start=2, layers=1, width=4, kernel=3, patch=2)
    network = ConvLSTM(config)
    clips = torch.rand(2, 6, 1, 8, 8, generator=seeded())
    context, truth = clips[:, :2], clips[:, 2:]
    told = torch.tensor([[True, True, True], [False, False, False]])
    both, free = network(context, truth, told), network(context)
    torch.testing.assert_close(both[1], free[1])
    torch.testing.assert_close(both[0], network(clips)[0, :5])  # as if all of it were the context
    assert both.shape == (2, 5, 1, 8, 8)


def test_scheduled_sampling_tells_fewer_frames_along_the_training(make_host):
    generator = ConvLSTMGenerator(ConvLSTMConfig(**{**SKY, "frames": 101}, width=4, layers=1), device=torch.device("cpu"))
    host, shares = make_host(), []
    for host.progress in (0.0, 0.1, 0.3, 0.4, 1.0):
        told = generator._is_told(host, 50)
        shares.append(0.0 if told is None else told.float().mean().item())
    assert shares == pytest.approx([1, 0.75, 0.25, 0, 0], abs=0.03)


def test_the_divergence_of_changes_is_the_one_of_its_definition():
    made, real = randn(2, 3, 1, 2, 2), randn(2, 3, 1, 2, 2, seed=1)
    expected = []
    for clip in range(2):
        for step in range(2):
            changes = [(video[clip, step + 1] - video[clip, step]).flatten().tolist() for video in (made, real)]
            p, q = ([math.exp(change / 0.1) for change in side] for side in changes)
            p, q = ([one / sum(side) for one in side] for side in (p, q))
            expected += [a * math.log(a / b) for a, b in zip(p, q, strict=True)]
    assert differential_divergence(made, real).item() == pytest.approx(sum(expected) / len(expected))
    assert differential_divergence(made, made).item() == 0
    assert differential_divergence(made[:, :2], real[:, :2]).item() == 0


def test_tau_descends_the_error_and_a_tenth_of_the_divergence(make_host, make_batch):
    config = TAUConfig(size=(32, 32), frames=8, **TAUConfig.presets["tiny"])
    result = SimVPGenerator(config, device=torch.device("cpu")).stage("main", make_host()).step(make_batch())
    assert result.objectives == {"generator": {"squared_error": 1.0, "difference": 0.1}}


@pytest.mark.parametrize("translator", ["gsta", "tau", "incepu"])
def test_a_recursive_head_is_one_frame_predicted_again_and_again(translator):
    config = SimVPConfig(**{**SKY, "frames": 4}, translator=translator, spatial_width=8, temporal_width=16, temporal_blocks=2)
    generator = SimVPGenerator(config, device=torch.device("cpu"))
    context = torch.rand(2, 1, 3, 64, 64, generator=seeded())
    generator.network.eval()
    with torch.no_grad():
        first = generator.network(context)
        second = generator.network(first)
        future = generator.predict(generator.network, context, (0, 1))
    torch.testing.assert_close(future[:, :2], torch.cat([first, second], 1))
    assert future.shape == (2, 3, 3, 64, 64)


def test_a_direct_head_gives_all_frames_in_one_pass_with_the_last_skip():
    config = SimVPConfig(
        size=(16, 16), context=2, frames=5, target_start=2, head="direct", spatial_width=4, temporal_width=4, temporal_blocks=2
    )
    network = SimVP(config).eval()
    context = torch.rand(1, 2, 3, 16, 16, generator=seeded())
    assert network(context).shape == (1, 5, 3, 16, 16)
    first = network.encoder[0](context.flatten(0, 1)).unflatten(0, (1, 2))
    skips = network._skip(first)
    assert all(torch.equal(skip, first[0, 1]) for skip in skips)


def test_tokens_are_patches_and_come_back_as_they_were():
    clips = randn(2, 3, 2, 8, 12)
    tokens = to_tokens(clips, 4)
    assert tokens.shape == (2, 3, 6, 32)
    assert set(tokens[1, 2, 5].tolist()) == set(clips[1, 2, :, 4:, 8:].flatten().tolist())
    assert torch.equal(from_tokens(tokens, 4, (8, 12)), clips)


def test_places_are_sines_and_cosines_of_their_rates():
    codes = places(5, 6)
    for place in range(5):
        for index in range(6):
            angle = place / 10_000 ** (2 * (index // 2) / 6)
            assert codes[place, index].item() == pytest.approx(math.sin(angle) if index % 2 == 0 else math.cos(angle), abs=1e-6)


def test_attention_is_the_softmax_of_scaled_products():
    layer = Attention(6, 2).double()
    tokens = randn(1, 4, 6)
    q, k, v = (tokens[0] @ layer.to_qkv.weight[6 * part : 6 * part + 6].T for part in range(3))
    heads = [torch.softmax(q[:, s] @ k[:, s].T / math.sqrt(3), -1) @ v[:, s] for s in (slice(0, 3), slice(3, 6))]
    expected = torch.cat(heads, 1) @ layer.out.weight.T + layer.out.bias
    torch.testing.assert_close(layer(tokens)[0], expected)


def test_blocks_over_time_mix_no_places_and_blocks_over_space_no_frames():
    blocks = FactorisedBlocks(4, 8, 2, 2)
    assert [block.axis for block in blocks.blocks] == ["time", "space", "space", "time"]
    tokens = torch.randn(1, 3, 5, 8, generator=seeded())
    changed = tokens.clone()
    changed[0, 1, 2] += torch.randn(8, generator=seeded(1))
    of_time = (blocks.blocks[0](tokens) - blocks.blocks[0](changed)).abs().sum(-1)[0] > 1e-7
    of_space = (blocks.blocks[1](tokens) - blocks.blocks[1](changed)).abs().sum(-1)[0] > 1e-7
    assert of_time.nonzero()[:, 1].unique().tolist() == [2]
    assert of_space.nonzero()[:, 0].unique().tolist() == [1]


@pytest.mark.parametrize("steps", [1, 3, 50])
def test_eulers_method_reaches_the_clip_where_the_velocity_is_right(steps):
    config = FlowMatchingConfig(**SKY, width=16, heads=2, blocks=4, sampling_steps=steps)
    generator = FlowMatchingGenerator(config, device=torch.device("cpu"))
    clip = torch.rand(2, 15, 3, 64, 64, generator=seeded()) * 2 - 1
    seen = []

    class Straight(torch.nn.Module):
        def forward(self, context, video, ticks):
            seen.append(int(ticks[0]))
            return (clip - video) / (1 - ticks[0] / TICKS)

    made = generator.predict(Straight(), torch.zeros(2, 1, 3, 64, 64), (5, 6))
    torch.testing.assert_close(made, clip, atol=1e-4, rtol=0)
    assert seen == [round(TICKS * step / steps) for step in range(steps)]


def test_the_velocity_that_is_learned_is_the_clip_less_the_noise(make_host):
    config = FlowMatchingConfig(**SKY, width=16, heads=2, blocks=4)
    generator = FlowMatchingGenerator(config, device=torch.device("cpu"))
    target = torch.rand(64, 15, 3, 8, 8, generator=seeded()) * 2 - 1
    seen = {}

    def network(context, noisy, ticks):
        seen.update(noisy=noisy, share=(ticks.float() / TICKS).view(-1, 1, 1, 1, 1))
        return torch.zeros_like(noisy)

    loss = generator.loss(make_host(), network, target[:, :1], target).terms["velocity"]
    noise = (seen["noisy"] - seen["share"] * target) / (1 - seen["share"])
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    assert noise.std().item() == pytest.approx(1, abs=0.02)
    assert loss.item() == pytest.approx((target - noise).square().mean().item(), rel=1e-3)


def test_the_code_of_a_time_moves_from_one_place_to_the_next():
    network = FlowTransformer(FlowMatchingConfig(**SKY, width=16, heads=2, blocks=4))
    ticks = torch.tensor([[0, 2_000, 2_250, TICKS]])
    codes = places(1001, 16)
    expected = torch.stack([codes[0], codes[2], 0.75 * codes[2] + 0.25 * codes[3], codes[1000]])
    torch.testing.assert_close(network._coded(ticks)[0], expected)


def test_a_vgan_is_its_mask_between_foreground_and_background():
    network = VGAN(VGANConfig(**SKY, width=4)).eval()
    context = torch.rand(2, 1, 3, 64, 64, generator=seeded()) * 2 - 1
    with torch.no_grad():
        for sign, still in ((-1e3, True), (1e3, False)):
            network.mask.weight.zero_()
            network.mask.bias.fill_(sign)
            made = network(context)
            background = network.background(network.encoder(context[:, 0]))
            assert made.shape == (2, 16, 3, 64, 64)
            assert torch.equal(made, background[:, None].expand_as(made)) == still


@pytest.mark.parametrize(("side", "frames", "doubles"), [(64, 32, 4), (64, 16, 3), (64, 2, 0), (32, 16, 3), (32, 8, 2), (128, 64, 5)])
def test_a_vgan_doubles_its_frames_in_the_inner_levels(side, frames, doubles):
    config = VGANConfig(size=(side, side), frames=frames, width=2)
    assert sum(config.doubles_time) == doubles
    assert sorted(config.doubles_time) == list(config.doubles_time)
    made = VGAN(config)(torch.zeros(1, 1, 3, side, side))
    assert made.shape == (1, frames, 3, side, side)
    assert Discriminator(config)(made).shape == (1,)


def test_of_a_vgans_frames_the_content_holds_the_first_to_the_given_one():
    generator = VGANGenerator(VGANConfig(**SKY, width=2), device=torch.device("cpu"))
    made, real, context = torch.zeros(1, 16, 3, 64, 64), torch.ones(1, 16, 3, 64, 64), torch.full((1, 1, 3, 64, 64), -0.5)
    terms, weights = generator.content(made, context, real)
    assert (terms["first_frame"].item(), weights) == (0.5, {"first_frame": 10.0})


@pytest.mark.parametrize(("side", "sides"), [(32, (32, 14, 5, 1)), (64, (64, 30, 13, 5, 1)), (128, (128, 62, 29, 13, 5, 1))])
def test_rnn_gans_convolutions_leave_one_pixel_and_come_back(side, sides):
    config = RNNGANConfig(size=(side, side), width=4, frames=4)
    assert config.sides == sides
    generator = RNNGANGenerator(config, device=torch.device("cpu"))
    assert generator.network(torch.zeros(2, 1, 3, side, side)).shape == (2, 3, 3, side, side)
    assert FrameDiscriminator(config)(torch.zeros(2, 3, 3, side, side)).shape == (6,)


def test_the_gradient_difference_is_the_one_of_its_definition():
    real, made = torch.tensor([[0.0, 2.0], [1.0, 1.0]]), torch.tensor([[1.0, 0.0], [1.0, 3.0]])
    shaped = [frame.view(1, 1, 1, 2, 2) for frame in (made, real)]
    # down: real 1, 1; made 0, 3.  across: real 2, 0; made 1, 2.
    assert gradient_difference(*shaped, 1.0).item() == (1 + 2) / 2 + (1 + 2) / 2
    assert gradient_difference(*shaped, 2.0).item() == (1 + 4) / 2 + (1 + 4) / 2
