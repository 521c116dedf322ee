"""Resizing: the same bits whatever is resized beside a frame, against independent references."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from PIL import Image

from vgbench.errors import ConfigError
from vgbench.video import resizing
from vgbench.video.resizing import FIT, RESAMPLE, Crop, center_crop, resize


@given(
    frames=st.integers(2, 6),
    source=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    channels=st.sampled_from([1, 3]),
    resample=st.sampled_from(RESAMPLE),
    fit=st.sampled_from(FIT),
    threads=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=150, deadline=None)
def test_a_frame_has_the_same_bits_whatever_is_resized_with_it(frames, source, size, channels, resample, fit, threads, seed):
    video = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (frames, channels, *source), dtype=np.uint8))
    together = resize(video, size, resample=resample, fit=fit)
    assert together.shape == (frames, channels, *size)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        alone = torch.cat([resize(video[number : number + 1], size, resample=resample, fit=fit) for number in range(frames)])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(alone, together)
    laid_out = resize(video.contiguous(memory_format=torch.channels_last), size, resample=resample, fit=fit)
    assert torch.equal(laid_out, together)
    grey = torch.cat([resize(video[:, c : c + 1], size, resample=resample, fit=fit) for c in range(channels)], dim=1)
    assert torch.equal(grey, together)


def test_chunks_leave_no_trace(monkeypatch, noise):
    video = noise(7, 60, 80)
    whole = resize(video, (32, 32))
    monkeypatch.setattr(resizing, "_CHUNK", {"cpu": 2 * video[0].numel()})
    assert torch.equal(resize(video, (32, 32)), whole)


@pytest.mark.parametrize("resample", RESAMPLE)
def test_the_same_size_gives_the_same_bits(noise, resample):
    video = noise(3, 17, 23)
    assert torch.equal(resize(video, (17, 23), resample=resample), video)


@pytest.mark.parametrize(("resample", "filter"), [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)])
@pytest.mark.parametrize("size", [(16, 16), (37, 20), (90, 120)])
def test_the_antialiased_filters_are_those_of_pillow(noise, resample, filter, size):
    video = noise(1, 61, 83)
    # In 8 bits Pillow also rounds and clamps between its two passes; in float32 it does not.
    planes = [np.array(Image.fromarray(plane.numpy().astype(np.float32)).resize(size[::-1], filter)) for plane in video[0]]
    expected = np.clip(np.rint(np.stack(planes)), 0, 255)
    difference = np.abs(resize(video, size, resample=resample)[0].numpy() - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3  # only where the exact value is a half


def test_area_is_the_mean_rounded_half_to_even(noise):
    video = noise(2, 8, 12)
    means = video.double().unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2))
    assert torch.equal(resize(video, (4, 6), resample="area"), means.round().to(torch.uint8))
    halves = torch.tensor([[[[0, 1, 1, 2, 254, 255]]]], dtype=torch.uint8)
    assert resize(halves, (1, 3), resample="area").flatten().tolist() == [0, 2, 254]


def test_bicubic_is_clamped(noise):
    edge = torch.zeros(1, 1, 4, 8, dtype=torch.uint8)
    edge[..., 4:] = 255
    wide = resize(edge, (4, 64), resample="bicubic").flatten(0, 2)
    assert wide[:, 0].tolist() == [0] * 4
    assert wide[:, -1].tolist() == [255] * 4
    assert (wide.int().diff(dim=1) >= 0).all()  # nothing wrapped around past 0 or 255


@pytest.mark.parametrize(
    ("source", "target", "crop"),
    [
        ((360, 640), (128, 128), Crop(0, 140, 360, 360)),
        ((640, 360), (128, 128), Crop(140, 0, 360, 360)),
        ((5, 10), (1, 1), Crop(0, 2, 5, 5)),
        ((90, 160), (64, 96), Crop(0, 12, 90, 135)),
        ((3, 7), (2, 3), Crop(0, 1, 3, 4)),  # 4.5 columns: half to even
        ((3, 100), (100, 1), Crop(0, 49, 3, 1)),
        ((48, 64), (24, 32), Crop(0, 0, 48, 64)),
    ],
)
def test_the_centred_crop_is_the_largest_of_its_aspect(source, target, crop):
    assert center_crop(source, target) == crop


def test_center_crop_cuts_before_it_resizes(noise):
    video = noise(2, 20, 50)
    assert torch.equal(resize(video, (20, 20), fit="center-crop"), video[:, :, :, 15:35])
    assert torch.equal(resize(video, (10, 10), fit="center-crop"), resize(video[:, :, :, 15:35], (10, 10)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resample": "bilinaer"}, "Unknown resample filter 'bilinaer'. Did you mean bilinear?"),
        ({"fit": "centre-crop"}, "Unknown fit 'centre-crop'. Did you mean center-crop?"),
        ({"size": (0, 4)}, r"size = \(0, 4\): give \(height, width\)"),
        ({"size": (4,)}, r"size = \(4,\): give \(height, width\)"),
    ],
)
def test_unknown_names_and_sizes_are_refused(noise, options, message):
    with pytest.raises(ConfigError, match=message):
        resize(noise(1, 8, 8), **{"size": (4, 4), **options})
