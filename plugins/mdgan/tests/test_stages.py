import pytest
import torch

from vgbench import CheckpointError, GeneratorError
from vgbench.training.host import FabricHost
from vgbench_mdgan.generator import MDGAN
from vgbench_mdgan.networks import Discriminator


def snapshot(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def changed(network, before):
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


def numbers(result):
    return {name: float(value) for name, value in {**result.losses, **result.diagnostics}.items()}


def refine_stage(make_generator, make_host, **values):
    generator = make_generator(**values)
    host = make_host()
    generator.stage("base", host)
    return generator, generator.stage("refine", host)


def test_stage_base_reports_its_terms_and_verdicts(make_generator, make_host, make_batch):
    result = make_generator().stage("base", make_host()).step(make_batch())
    assert set(result.losses) == {"adversarial", "content", "discriminator"}
    assert {"real_accuracy", "fake_accuracy", "real_probability", "fake_probability"} < set(result.diagnostics)
    assert not any(value.requires_grad for value in {**result.losses, **result.diagnostics}.values())


@pytest.mark.parametrize("rank_discriminator", ["none", "max", "min"])
def test_stage_refine_reports_each_optimised_term(make_generator, make_host, make_batch, rank_discriminator):
    _, stage = refine_stage(make_generator, make_host, rank_discriminator=rank_discriminator)
    result = stage.step(make_batch())
    shared = set() if rank_discriminator == "none" else {"discriminator_rank"}
    assert set(result.losses) == {"adversarial", "content", "rank", "discriminator"} | shared
    if shared:
        assert (result.losses["discriminator_rank"] < 0) == (rank_discriminator == "max")
    assert {"first_gram_to_real", "third_gram_to_base"} < set(result.diagnostics)


def test_a_step_moves_both_players_and_nothing_is_left_frozen(make_generator, make_host, make_batch):
    generator = make_generator()
    stage = generator.stage("base", make_host())
    before_g, before_d = snapshot(generator.base), snapshot(stage.discriminator.network)
    stage.step(make_batch())
    weights = {name for name, _ in generator.base.named_parameters()}
    assert weights <= changed(generator.base, before_g)
    assert {name for name, _ in stage.discriminator.network.named_parameters()} <= changed(stage.discriminator.network, before_d)
    assert all(parameter.requires_grad for parameter in stage.discriminator.network.parameters())


def test_the_generators_step_leaves_no_gradient_in_the_discriminator(make_generator, make_host, make_batch):
    """One step of D's Adam uses D's own loss only, so its gradients are those of the descent alone."""
    stage = make_generator().stage("base", make_host())
    batch = make_batch()
    gradients = []
    stage.discriminator.adam.register_step_pre_hook(
        lambda *_: gradients.append([parameter.grad.clone() for parameter in stage.discriminator.network.parameters()])
    )
    stage.step(batch)
    after = [parameter.grad for parameter in stage.discriminator.network.parameters()]
    assert all(torch.equal(one, other) for one, other in zip(gradients[0], after, strict=True))


@pytest.mark.parametrize("rank_discriminator", ["none", "max", "min"])
def test_the_base_network_is_frozen_in_stage_refine(make_generator, make_host, make_batch, rank_discriminator):
    generator, stage = refine_stage(make_generator, make_host, rank_discriminator=rank_discriminator)
    before_base, before_refine = snapshot(generator.base), snapshot(generator.refine)
    for seed in range(3):
        stage.step(make_batch(seed=seed))
    assert changed(generator.base, before_base) == set()
    assert all(parameter.grad is None for parameter in generator.base.parameters())
    assert not any(module.training for module in generator.base.modules())
    assert len(changed(generator.refine, before_refine)) == len(before_refine)


def videos_judged(stage, batch):
    """What the discriminator is shown in one step, with whether its own gradient is wanted."""
    shown = []
    network = stage.discriminator.network
    network.register_forward_pre_hook(
        lambda _, inputs: shown.append((inputs[0].detach().clone(), torch.is_grad_enabled() and next(network.parameters()).requires_grad))
    )
    stage.step(batch)
    return shown


def test_one_discriminator_judges_all_three_videos_of_stage_refine(make_generator, make_host, make_batch):
    _, stage = refine_stage(make_generator, make_host, rank_discriminator="max")
    discriminators = [value for value in vars(stage).values() if isinstance(getattr(value, "network", None), Discriminator)]
    assert len(discriminators) == 1
    shown = videos_judged(stage, make_batch())
    learning = [video for video, learns in shown if learns]
    judging = [video for video, learns in shown if not learns]
    assert len(learning) == len(judging) == 3  # Y, Y2, Y1 for D2; then Y, Y1, Y2 for G2
    for video in learning:
        assert any(torch.equal(video, other) for other in judging)


def test_without_a_share_in_the_rank_the_discriminator_learns_from_two_videos(make_generator, make_host, make_batch):
    for values, expected in (({"rank_discriminator": "none"}, 2), ({"rank_discriminator": "none", "base_counts_as_fake": True}, 3)):
        _, stage = refine_stage(make_generator, make_host, **values)
        assert sum(learns for _, learns in videos_judged(stage, make_batch())) == expected


def test_the_rank_weight_scales_what_the_refine_network_gets_from_the_rank(make_generator, make_host, make_batch):
    without = refine_stage(make_generator, make_host, rank_discriminator="none", rank_weight=0.0)[1].step(make_batch())
    with_rank = refine_stage(make_generator, make_host, rank_discriminator="none", rank_weight=50.0)[1].step(make_batch())
    assert numbers(without)["rank"] == numbers(with_rank)["rank"]
    assert numbers(with_rank)["generator_gradient"] > 2 * numbers(without)["generator_gradient"]


def test_continuing_protocols_are_taught_the_frames_after_the_context(make_generator, make_host, make_batch):
    stage = make_generator(context=2, target_start=2).stage("base", make_host())
    batch = make_batch(frames=10)
    still, real = stage.pairs(batch)
    assert torch.equal(real, batch.clips[:, 2:10].transpose(1, 2) * 2 - 1)
    for frame in range(8):
        assert torch.equal(still[:, :, frame], batch.clips[:, 1] * 2 - 1)


@pytest.mark.parametrize(
    ("clips", "words"),
    [
        ({"frames": 7}, "at least 8 frames, and was given 7 frames of 3×32×32"),
        ({"size": 64}, "given 8 frames of 3×64×64"),
        ({"channels": 1}, "given 8 frames of 1×32×32"),
    ],
)
def test_training_clips_that_do_not_fit_are_refused(make_generator, make_host, make_batch, clips, words):
    with pytest.raises(GeneratorError, match=r"mdgan trains on clips of 3×32×32") as refused:
        make_generator().stage("base", make_host()).step(make_batch(**clips))
    assert words in str(refused.value)


def test_previews_are_clips_and_leave_the_networks_as_they_were(make_generator, make_host, make_batch):
    generator = make_generator()
    host = make_host()
    batch = make_batch()
    base = generator.stage("base", host)
    base.step(batch)
    strips = [base.preview(batch)]
    refine = generator.stage("refine", host)
    refine.step(batch)
    before = snapshot(generator.refine)
    strips.append(refine.preview(batch))
    assert [list(strip) for strip in strips] == [["input", "real", "base"], ["input", "real", "base", "refine"]]
    for strip in strips:
        for video in strip.values():
            assert video.shape == batch.clips.shape
            assert video.min() >= 0
            assert video.max() <= 1
        torch.testing.assert_close(strip["real"], batch.clips)
        torch.testing.assert_close(strip["input"], batch.clips[:, :1].expand_as(batch.clips))
    assert changed(generator.refine, before) == set()
    assert generator.refine.training
    assert not generator.base.training


def trained(make_generator, make_host, make_batch, steps=3):
    """Both stages' numbers, step by step, and the generator's final state."""
    generator, host, log = make_generator(), make_host(5), []
    for name in generator.stages():
        stage = generator.stage(name, host)
        log += [numbers(stage.step(make_batch(seed=seed))) for seed in range(steps)]
    return log, generator.state_dict()


def test_two_runs_with_one_seed_give_the_same_bits(make_generator, make_host, make_batch):
    torch.manual_seed(1)
    one_log, one = trained(make_generator, make_host, make_batch)
    torch.manual_seed(2)
    other_log, other = trained(make_generator, make_host, make_batch)
    assert one_log == other_log
    for part in one:
        assert all(torch.equal(value, other[part][key]) for key, value in one[part].items())


@pytest.mark.parametrize("name", ["base", "refine"])
def test_a_resumed_stage_goes_on_with_the_same_bits(make_generator, make_host, make_batch, name, tmp_path):
    generator = make_generator()
    host = make_host(5)
    generator.stage("base", host)
    stage = generator.stage(name, host)
    for seed in range(2):
        stage.step(make_batch(seed=seed))
    torch.save({"generator": generator.state_dict(), "stage": stage.state_dict()}, tmp_path / "checkpoint.pt")
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    straight = [numbers(stage.step(make_batch(seed=seed))) for seed in (2, 3)]

    resumed_generator = make_generator()
    resumed = resumed_generator.stage(name, make_host(99))
    resumed_generator.load_state_dict(saved["generator"])
    resumed.load_state_dict(saved["stage"])
    assert [numbers(resumed.step(make_batch(seed=seed))) for seed in (2, 3)] == straight


def test_a_foreign_training_state_is_refused(make_generator, make_host):
    stage = make_generator().stage("base", make_host())
    wider = make_generator(width=16).stage("base", make_host()).state_dict()
    with pytest.raises(CheckpointError, match="lacks discriminator, discriminator_adam, generator_adam"):
        stage.load_state_dict({})
    with pytest.raises(CheckpointError, match=r"'encoder.0.0.weight' of the discriminator network is \(16, 3, 3, 4, 4\)"):
        stage.load_state_dict(wider)
    with pytest.raises(CheckpointError, match="'generator_adam' does not fit"):
        stage.load_state_dict({**stage.state_dict(), "generator_adam": {"state": {}, "param_groups": []}})


def test_training_brings_the_content_nearer_to_the_real_clips(make_generator, make_host, make_batch):
    generator = make_generator(lr=2e-3)
    host = make_host()
    batch = make_batch()
    content = {}
    for name in generator.stages():
        stage = generator.stage(name, host)
        content[name] = [float(stage.step(batch).losses["content"]) for _ in range(30)]
    for name, values in content.items():
        assert sum(values[-5:]) / 5 < 0.85 * values[0], name


def losses_of_two_steps(config, device, batches):
    """What both stages report of two steps each, from weights drawn on the CPU."""
    host = FabricHost(device=torch.device(device), precision="32", seed=5)
    generator = MDGAN(config, device=host.device)
    found = []
    for name in generator.stages():
        stage = generator.stage(name, host)
        for batch in batches:
            found.append(numbers(stage.step(batch._replace(clips=batch.clips.to(host.device)))))
    return found


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param("cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")]),
    ],
)
def test_a_step_through_fabric_reports_what_a_plain_one_does(tiny, make_generator, make_host, make_batch, device):
    batches = [make_batch(seed=seed) for seed in (0, 1)]
    generator, host, expected = make_generator(), make_host(5), []
    for name in generator.stages():
        stage = generator.stage(name, host)
        expected += [numbers(stage.step(batch)) for batch in batches]
    for mine, plain in zip(losses_of_two_steps(tiny, device, batches), expected, strict=True):
        assert mine == pytest.approx(plain, rel=1e-2 if device == "cuda" else 1e-6)
