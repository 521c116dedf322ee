import dataclasses
import subprocess
import sys

import pytest

from vgbench import ConfigError, UnknownName
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.levels import levels


def described(size, frames, width=32):
    return [(level.channels, level.halves_time) for level in levels((size, size), frames, width)]


def test_the_papers_size_gives_five_levels_of_which_the_inner_four_halve_time():
    assert described(128, 32) == [(32, False), (64, True), (128, True), (256, True), (512, True)]


def test_smaller_sizes_drop_the_innermost_levels():
    assert described(64, 16) == [(32, False), (64, True), (128, True), (256, True)]
    assert described(32, 8) == [(32, False), (64, True), (128, True)]


def test_fewer_frames_are_halved_in_the_innermost_levels_only():
    assert described(128, 8) == [(32, False), (64, False), (128, False), (256, True), (512, True)]
    assert described(64, 2) == [(32, False), (64, False), (128, False), (256, False)]


def test_channels_stop_doubling_at_the_papers_widest():
    assert [channels for channels, _ in described(256, 64)] == [32, 64, 128, 256, 512, 512]


FITTING = {(side, frames) for side in (32, 64, 128, 256, 512) for frames in (2, 4, 8, 16, 32, 64, 128) if frames <= side // 4}


@pytest.mark.parametrize("side", [*range(1, 40), 48, 64, 96, 128, 256, 512])
def test_exactly_powers_of_two_up_to_a_quarter_of_the_side_fit(side):
    for frames in range(1, 130):
        if (side, frames) in FITTING:
            assert levels((side, side), frames, 32)
        else:
            with pytest.raises(ConfigError):
                levels((side, side), frames, 32)


@pytest.mark.parametrize("size", [(64, 128), (48, 48), (16, 16), (0, 0), (-32, -32)])
def test_a_size_that_does_not_fit_is_named_with_those_that_do(size):
    with pytest.raises(ConfigError) as refused:
        MDGANConfig(size=size)
    message = str(refused.value)
    assert f"MD-GAN cannot take frames of {size[0]}×{size[1]}" in message
    assert "64×64 with 2, 4, 8 or 16 frames" in message


@pytest.mark.parametrize("frames", [32, 10, 1])
def test_a_frame_count_that_does_not_fit_is_named_with_those_that_do(frames):
    with pytest.raises(ConfigError) as refused:
        MDGANConfig(size=(64, 64), frames=frames)
    message = str(refused.value)
    assert f"MD-GAN cannot take {frames} frames of 64×64" in message
    assert "from 2 to a quarter of the side, here 16" in message


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("adversarial", "wasserstein", "'non-saturating' or 'minimax'"),
        ("rank_discriminator", "both", "'none' or 'max' or 'min'"),
        ("lr", 0.0, "above 0"),
        ("width", 0, "at least 1"),
        ("rank_weight", -1.0, "0 or more"),
        ("base_share", 1.0, "above 0 and below 1"),
        ("betas", (0.5, 1.0), "from 0 to below 1"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_rule(name, value, rule):
    with pytest.raises(ConfigError) as refused:
        MDGANConfig(**{name: value})
    assert f"mdgan: {name} = {value!r} does not work" in str(refused.value)
    assert rule in str(refused.value)


def test_presets_set_widths_and_schedules_and_never_what_a_protocol_fixes():
    fields = {field.name for field in dataclasses.fields(MDGANConfig)}
    assert list(MDGANConfig.presets) == ["paper", "small", "tiny"]
    for values in MDGANConfig.presets.values():
        assert set(values) <= fields - {"size", "frames", "channels", "context", "target_start"}
        MDGANConfig(size=(32, 32), frames=8, **values)


def test_the_schedule_follows_the_configuration(make_generator):
    schedule = make_generator(steps=90, batch_size=3, base_share=0.25).schedule()
    assert (schedule.steps, schedule.batch_size, schedule.shares) == (90, 3, {"base": 0.25, "refine": 0.75})


def test_an_unknown_stage_is_refused_with_the_nearest_name(make_generator, make_host):
    with pytest.raises(UnknownName, match="Did you mean refine"):
        make_generator().stage("refined", make_host())


def test_the_hook_file_and_the_configuration_load_without_torch():
    code = (
        "import sys, vgbench_mdgan.plugin as plugin, vgbench_mdgan.config as config; "
        "plugin.vgbench_generators(); config.MDGANConfig(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
