"""The authors' released weights, from made files of the same keys."""

import pytest
import torch

from vgbench import CheckpointError, Request, UnknownName
from vgbench_mdgan.published import layer_names

PAPER = (
    [f"downConv{n}.weight" for n in range(1, 7)]
    + [f"upConv{n}.weight" for n in range(1, 7)]
    + [f"{norm}.{kind}" for norm in ("downBN2", "downBN3", "downBN4", "downBN5", "upBN1", "upBN2", "upBN3", "upBN4", "upBN5")
       for kind in ("weight", "bias", "running_mean", "running_var")]
)  # fmt: skip


def released(network, prefix=""):
    """A network's state as the authors' program would have saved it: their names, and no count of batches."""
    theirs = {ours: name for name, ours in layer_names(len(network.encoder)).items()}
    state = {}
    for key, value in network.state_dict().items():
        layer, _, kind = key.rpartition(".")
        if kind != "num_batches_tracked":
            state[f"{prefix}{theirs[layer]}.{kind}"] = value
    return state


def randomised(generator, seed):
    rng = torch.Generator().manual_seed(seed)
    for network in (generator.base, generator.refine):
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=rng) * 0.1 + (1 if name.endswith("running_var") else 0))
    return generator


def test_the_keys_are_those_of_the_released_files(make_generator):
    paper = make_generator(size=(128, 128), frames=32, width=2)
    assert set(released(paper.base)) == set(released(paper.refine)) == set(PAPER)
    shapes = {key: tuple(value.shape) for key, value in released(make_generator(size=(128, 128), frames=32, width=4).base).items()}
    assert shapes["downConv6.weight"] == (64, 64, 2, 4, 4)
    assert shapes["upConv6.weight"] == (4, 3, 3, 4, 4)
    assert shapes["downBN5.weight"] == (64,)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_released_weights_make_the_clips_that_their_networks_make(make_generator, make_host, make_batch, prefix):
    theirs = randomised(make_generator(), seed=1)
    theirs.refine_has_begun = True
    ours = make_generator()
    ours.load_published({"base": released(theirs.base, prefix), "refine": released(theirs.refine, prefix)})
    request = Request(make_batch().clips[:, :1], 8, 0, (0, 0, 0, 0))
    assert torch.equal(ours.generate(request), theirs.generate(request))


def test_which_file_is_which_matters(make_generator, make_batch):
    theirs = randomised(make_generator(), seed=1)
    states = {"base": released(theirs.base), "refine": released(theirs.refine)}
    right, swapped = make_generator(), make_generator()
    right.load_published(states)
    swapped.load_published({"base": states["refine"], "refine": states["base"]})
    request = Request(make_batch().clips[:, :1], 8, 0, (0, 0, 0, 0))
    assert not torch.equal(right.generate(request), swapped.generate(request))


def test_stage_one_alone_needs_one_file(make_generator, make_batch):
    theirs = randomised(make_generator(), seed=1)
    make_generator(output="base").load_published({"base": released(theirs.base)})
    with pytest.raises(CheckpointError, match=r"released weights of refine \(G2, stage II\) are missing"):
        make_generator().load_published({"base": released(theirs.base)})


def test_files_of_another_model_are_refused_with_their_first_difference(make_generator):
    generator = make_generator(output="base")
    state = released(generator.base)
    with pytest.raises(CheckpointError, match="'fc.weight' is no layer of the authors' generators with 3 levels"):
        generator.load_published({"base": state | {"fc.weight": torch.zeros(1)}})
    with pytest.raises(CheckpointError, match=r"'encoder.0.0.weight' of the base network is \(16, 3, 3, 4, 4\) in the checkpoint"):
        generator.load_published({"base": released(make_generator(width=16).base)})
    with pytest.raises(CheckpointError, match="has no 'bottleneck.weight'"):
        generator.load_published({"base": {key: value for key, value in state.items() if key != "downConv4.weight"}})
    with pytest.raises(UnknownName, match="Unknown part of mdgan's released weights 'bse'"):
        generator.load_published({"bse": state})
