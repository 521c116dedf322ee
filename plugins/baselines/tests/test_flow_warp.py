"""Flow-warp: a pattern that moves goes on as its formula says, and frames that were given come back as they are."""

import math

import pytest
import torch
from hypothesis import given, settings, strategies as st

from vgbench import Batch, CheckpointError, GeneratorError, Request
from vgbench_baselines.flow_warp import FlowWarp, FlowWarpConfig, carried

CPU = torch.device("cpu")


def flow_warp(context=2):
    return FlowWarp(FlowWarpConfig(context=context), device=CPU)


def request(context, frames, target_start):
    return Request(context, frames, target_start, tuple(range(len(context))))


def waves(frames, velocity, *, size=(48, 64), channels=3):
    """A smooth pattern that is known everywhere, moved by `velocity` (right, down) pixels a frame: (T, C, H, W)."""
    rows, columns = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    made = []
    for frame in range(frames):
        x, y = columns - velocity[0] * frame, rows - velocity[1] * frame
        one = [
            0.5 + 0.2 * torch.sin(x / 4 + channel) * torch.cos(y / 5) + 0.2 * torch.sin((x + 2 * y) / 9 - channel)
            for channel in range(channels)
        ]
        made.append(torch.stack(one))
    return torch.stack(made).float()


def interior(clips):
    """Without a border wide enough that nothing of it came from outside the frame."""
    return clips[..., 12:-12, 12:-12]


@pytest.mark.parametrize("velocity", [(1.5, 0.0), (-1.0, 0.75), (0.0, -1.25), (0.5, 1.5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_pattern_that_moves_goes_on_as_its_formula_says(velocity, channels):
    clip = waves(9, velocity, channels=channels)[None]
    made = flow_warp(3).generate(request(clip[:, :3], 6, 3))
    error = (interior(made) - interior(clip[:, 3:])).abs().mean(dim=(0, 2, 3, 4))
    standing = (interior(clip[:, 2:3]) - interior(clip[:, 3:])).abs().mean(dim=(0, 2, 3, 4))
    assert error[0] < 0.01
    assert (error < 0.15 * standing).all(), (error, standing)


@given(st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 2**32), st.sampled_from([1, 3]))
@settings(deadline=None, max_examples=30)
def test_a_flow_of_whole_pixels_moves_them_and_repeats_the_border(right, down, seed, channels):
    frame = torch.rand(1, channels, 7, 9, generator=torch.Generator().manual_seed(seed))
    flow = torch.tensor([-right, -down], dtype=torch.float64).view(1, 2, 1, 1).expand(1, 2, 7, 9)
    made = carried(frame, flow, [1, 2, 5])
    for place, step in enumerate((1, 2, 5)):
        for y in range(7):
            for x in range(9):
                source = frame[0, :, min(max(y - step * down, 0), 6), min(max(x - step * right, 0), 8)]
                assert torch.allclose(made[0, place, :, y, x], source, rtol=0, atol=1e-6)


def test_each_pixel_is_followed_along_the_flow_and_not_along_a_straight_line():
    """A turn by 10 degrees a step about the middle: three steps are one turn by 30, which three times the first step is not."""
    side, middle, angle = 33, 16.0, math.radians(10)
    rows, columns = (one.double() - middle for one in torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"))
    flow = torch.stack(
        [columns * math.cos(angle) + rows * math.sin(angle) - columns, rows * math.cos(angle) - columns * math.sin(angle) - rows]
    )
    ramp = (0.5 + 0.01 * columns + 0.02 * rows).float()  # read exactly by a bilinear filter
    made = carried(ramp[None, None], flow[None], [3])[0, 0, 0]
    x = columns * math.cos(3 * angle) + rows * math.sin(3 * angle)
    y = rows * math.cos(3 * angle) - columns * math.sin(3 * angle)
    inside = (columns**2 + rows**2) < 14**2
    assert torch.allclose(made[inside], (0.5 + 0.01 * x + 0.02 * y).float()[inside], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("target_start", "frames"), [(0, 6), (1, 2), (2, 4), (3, 3)])
def test_frames_that_were_given_come_back_at_their_own_indices(target_start, frames):
    clip = waves(8, (1.0, 0.5))[None]
    made = flow_warp(3).generate(request(clip[:, :3], frames, target_start))
    whole = flow_warp(3).generate(request(clip[:, :3], 8, 0))
    assert torch.equal(whole[:, :3], clip[:, :3])
    assert torch.equal(made, whole[:, target_start : target_start + frames])


def test_what_stands_still_stays_also_at_the_border():
    frame = torch.rand(2, 1, 3, 24, 31)
    made = flow_warp().generate(request(frame.expand(-1, 2, -1, -1, -1), 20, 2))
    assert torch.allclose(made, frame.expand(-1, 20, -1, -1, -1), rtol=0, atol=1e-4)


def test_a_clip_does_not_depend_on_its_batch():
    context = torch.stack([waves(2, (1.0, 0.0)), waves(2, (-0.5, 1.0)), torch.rand(2, 3, 48, 64)])
    together = flow_warp().generate(request(context, 4, 2))
    for place in range(3):
        assert torch.equal(together[place : place + 1], flow_warp().generate(request(context[place : place + 1], 4, 2)))


def batch_of(*clips):
    names = tuple(f"clip-{place}" for place in range(len(clips)))
    return Batch(torch.stack(clips), names, names)


def test_after_one_frame_it_goes_on_as_training_clips_began():
    generator = flow_warp(context=1)
    assert generator.needs_fit()
    assert not flow_warp(context=2).needs_fit()
    generator.fit([batch_of(waves(3, (2.0, 0.0))), batch_of(waves(3, (1.0, 1.0)), waves(3, (0.0, 0.5)))])
    middle = generator.flow[:, 12:-12, 12:-12].mean(dim=(1, 2))
    assert middle.tolist() == pytest.approx([-1.0, -0.5], abs=0.05)
    clip = waves(5, (1.0, 0.5))[None]
    made = generator.generate(request(clip[:, :1], 5, 0))
    assert torch.equal(made[:, 0], clip[:, 0])
    assert (interior(made) - interior(clip)).abs().mean() < 0.2 * (interior(clip[:, :1]) - interior(clip)).abs().mean()


def test_each_fit_begins_afresh():
    generator = flow_warp(context=1)
    generator.fit([batch_of(waves(2, (2.0, 0.0)))])
    generator.fit([batch_of(waves(2, (0.0, 0.0)))])
    assert generator.flow.abs().max() < 1e-4


def test_it_comes_back_from_its_state():
    generator, restored = flow_warp(context=1), flow_warp(context=1)
    assert generator.state_dict() == {}
    generator.fit([batch_of(waves(2, (2.0, 0.0)))])
    restored.load_state_dict(generator.state_dict())
    asked = request(waves(1, (0.0, 0.0))[None], 4, 0)
    assert torch.equal(restored.generate(asked), generator.generate(asked))


@pytest.mark.parametrize("state", [{"weights": torch.zeros(2)}, {"flow": torch.zeros(3, 2, 2)}, {"flow": 3.0}])
def test_a_foreign_state_is_refused(state):
    with pytest.raises(CheckpointError, match=f"this one holds {next(iter(state))}"):
        flow_warp().load_state_dict(state)


def test_what_it_cannot_do_is_said():
    one = request(waves(1, (0.0, 0.0))[None], 4, 0)
    with pytest.raises(GeneratorError, match=r"flow-warp has not been fitted: call fit .* or give it 2 context frames"):
        flow_warp(context=1).generate(one)
    with pytest.raises(GeneratorError, match="no training clip"):
        flow_warp(context=1).fit([])
    with pytest.raises(GeneratorError, match="training clips of 2 frames or more, and these have 1"):
        flow_warp(context=1).fit([batch_of(waves(1, (0.0, 0.0)))])
    with pytest.raises(GeneratorError, match=r"after clips of 2 frames of 3×48×64 came 3 frames of 3×48×64 \(clip clip-0\)"):
        flow_warp(context=1).fit([batch_of(waves(2, (0.0, 0.0))), batch_of(waves(3, (0.0, 0.0)))])
    generator = flow_warp(context=1)
    generator.fit([batch_of(waves(2, (1.0, 0.0), size=(32, 40)))])
    with pytest.raises(GeneratorError, match="was fitted on frames of 32×40, and frames of 48×64 are asked for"):
        generator.generate(one)
