import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vgbench import Request
from vgbench.learning import allocate
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.generator import MDGAN
from vgbench_mdgan.levels import levels
from vgbench_mdgan.losses import gram
from vgbench_mdgan.networks import Discriminator, EncoderDecoder
from vgbench_mdgan.plugin import vgbench_generators
from vgbench_mdgan.weights import initialise

CPU = torch.device("cpu")


def on_meta(build):
    with torch.device("meta"):
        return build()


def paper_generator(dropped_skips=0):
    return on_meta(lambda: EncoderDecoder(levels((128, 128), 32, 32), channels=3, dropped_skips=dropped_skips))


def paper_discriminator():
    return on_meta(lambda: Discriminator(levels((128, 128), 32, 32), channels=3, last_slope=0.01))


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_papers_networks_have_the_known_parameter_counts():
    assert count(paper_generator()) == 39_072_576
    assert count(paper_generator(dropped_skips=2)) == 39_072_576
    assert count(paper_discriminator()) == 11_164_032


def layers_met(network, video):
    """Kernel, stride, padding, channels and T×H×W of each convolution's output, in the order they are met."""
    met = []

    def note(module, _, output):
        assert module.bias is None
        met.append((module.kernel_size, module.stride, module.padding, tuple(output.shape[1:])))

    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
            module.register_forward_hook(note)
    network(video)
    return met


K3, K4, LAST = ((3, 4, 4), (1, 2, 2), (1, 1, 1)), ((4, 4, 4), (2, 2, 2), (1, 1, 1)), ((2, 4, 4), (1, 1, 1), (0, 0, 0))


def test_the_generators_layers_are_those_of_the_papers_table():
    met = layers_met(paper_generator(), torch.empty(2, 3, 32, 128, 128, device="meta"))
    assert met == [
        (*K3, (32, 32, 64, 64)),
        (*K4, (64, 16, 32, 32)),
        (*K4, (128, 8, 16, 16)),
        (*K4, (256, 4, 8, 8)),
        (*K4, (512, 2, 4, 4)),
        (*LAST, (512, 1, 1, 1)),
        (*LAST, (512, 2, 4, 4)),
        (*K4, (256, 4, 8, 8)),
        (*K4, (128, 8, 16, 16)),
        (*K4, (64, 16, 32, 32)),
        (*K4, (32, 32, 64, 64)),
        (*K3, (3, 32, 128, 128)),
    ]


def test_the_discriminators_layers_are_those_of_the_papers_table():
    met = layers_met(paper_discriminator(), torch.empty(2, 3, 32, 128, 128, device="meta"))
    assert met == [
        (*K3, (32, 32, 64, 64)),
        (*K4, (64, 16, 32, 32)),
        (*K4, (128, 8, 16, 16)),
        (*K4, (256, 4, 8, 8)),
        (*K4, (512, 2, 4, 4)),
        (*LAST, (1, 1, 1, 1)),
    ]


def names_of(blocks):
    return [[type(module).__name__ for module in block] for block in blocks]


def test_norms_and_activations_are_those_of_the_papers_table():
    generator, discriminator = paper_generator(), paper_discriminator()
    down = ["Conv3d", "VideoNorm", "LeakyReLU"]
    assert names_of(generator.encoder) == [["OuterConvolution"]] + [down] * 4
    assert names_of(generator.decoder) == [["ConvTranspose3d", "VideoNorm", "ReLU"]] * 5
    assert {block[2].negative_slope for block in list(generator.encoder)[1:]} == {0.2}
    assert names_of(discriminator.encoder) == [["OuterConvolution", "LeakyReLU"]] + [down] * 4
    assert [block[-1].negative_slope for block in discriminator.encoder] == [0.2, 0.2, 0.2, 0.2, 0.01]


@pytest.mark.parametrize(("side", "frames"), [(32, 2), (32, 8), (64, 16), (64, 4), (128, 2)])
def test_every_fitting_size_comes_back_in_its_own_shape(side, frames):
    plan = levels((side, side), frames, 4)
    video = torch.empty(2, 1, frames, side, side, device="meta")
    generator = on_meta(lambda: EncoderDecoder(plan, channels=1, dropped_skips=2))
    discriminator = allocate(lambda: Discriminator(plan, channels=1, last_slope=0.01), CPU)
    initialise(discriminator, 0.02, torch.Generator().manual_seed(0))
    judgement = discriminator(torch.zeros(video.shape), ranks=True)
    assert generator(video).shape == video.shape
    assert judgement.logits.shape == (2,)
    first, third = 4 * frames, 16 * frames // 2 ** sum(level.halves_time for level in plan[:3])
    assert [matrices.shape for matrices in judgement.grams] == [(2, first, first), (2, third, third)]


def small_generator(dropped_skips):
    network = allocate(lambda: EncoderDecoder(levels((64, 64), 16, 4), channels=3, dropped_skips=dropped_skips), CPU)
    initialise(network, 0.02, torch.Generator().manual_seed(0))
    return network


def inputs_of_decoders(network, video):
    """What enters the decoder's second block and on, and the output layer; and what the encoder and the decoder gave."""
    entered, encoded, decoded = [], [], []
    for block in [*list(network.decoder)[1:], network.output]:
        block.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0].clone()))
    for block in network.encoder:
        block.register_forward_hook(lambda *hooked: encoded.append(hooked[2].clone()))
    for block in network.decoder:
        block.register_forward_hook(lambda *hooked: decoded.append(hooked[2].clone()))
    network(video)
    return entered, encoded, decoded


@pytest.mark.parametrize("dropped_skips", [0, 2])
def test_skips_are_added_after_the_decoders_activation_except_the_dropped_outermost(dropped_skips):
    video = torch.rand(2, 3, 16, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    entered, encoded, decoded = inputs_of_decoders(small_generator(dropped_skips), video)
    assert len(entered) == len(encoded) == len(decoded) == 4
    for depth, (seen, own, skip) in enumerate(zip(entered, decoded, reversed(encoded), strict=True)):
        added = depth < len(encoded) - dropped_skips
        assert own.min() >= 0  # the ReLU's output, with nothing added yet
        assert torch.equal(seen, own + skip if added else own)


def test_gram_matrices_are_those_of_the_first_and_third_convolution_after_their_activation():
    network = allocate(lambda: Discriminator(levels((64, 64), 16, 4), channels=3, last_slope=0.01), CPU)
    initialise(network, 0.02, torch.Generator().manual_seed(0))
    seen = []
    for block in network.encoder:
        block.register_forward_hook(lambda *hooked: seen.append(hooked[2]))
    video = torch.rand(2, 3, 16, 64, 64)
    judgement = network(video, ranks=True)
    assert len(seen) == 4
    for found, feature in zip(judgement.grams, (seen[0], seen[2]), strict=True):
        assert torch.equal(found, gram(feature))
    assert not network(video).grams
    ranked = network.eval()(video, judges=False, ranks=True)
    assert not ranked.logits.numel()
    assert torch.equal(ranked.grams[0], judgement.grams[0])  # the first layer has no batch norm


def test_weights_are_drawn_as_configured_from_the_given_generator_alone():
    state = torch.random.get_rng_state()
    plan = levels((128, 128), 32, 32)
    network = allocate(lambda: Discriminator(plan, channels=3, last_slope=0.01), CPU)
    initialise(network, 0.02, torch.Generator().manual_seed(3))
    assert torch.equal(torch.random.get_rng_state(), state)
    convolutions = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.Conv3d)])
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm3d)]
    scales = torch.cat([m.weight for m in norms])
    assert abs(convolutions.mean()) < 1e-4
    assert abs(convolutions.std() - 0.02) < 1e-4
    assert abs(scales.mean() - 1) < 0.003
    assert abs(scales.std() - 0.02) < 0.003
    for norm in norms:
        assert not norm.bias.any()
        assert not norm.running_mean.any()
        assert (norm.running_var == 1).all()
        assert norm.num_batches_tracked == 0


@pytest.mark.parametrize(("output", "count", "cost"), [("base", 39_072_576, "9.3 G"), ("refine", 78_145_152, "18.6 G")])
def test_the_paper_preset_has_the_parameters_and_the_cost_of_its_card(output, count, cost):
    generator = MDGAN(MDGANConfig(output=output), device=CPU)
    generator.refine_has_begun = True
    assert generator.parameter_count() == count
    with FlopCounterMode(display=False) as counter:
        generator.generate(Request(torch.zeros(1, 1, 3, 128, 128), 32, 0, (1,)))
    assert float(cost.removesuffix(" G")) == pytest.approx(counter.get_total_flops() / 2e9, rel=5e-3)
    (spec,) = vgbench_generators()
    assert f"{count:,}" in spec.card["parameters"]
    assert cost in spec.card["cost"]
