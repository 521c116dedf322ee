"""Arrays whose axes and values can be meant in several ways."""

from __future__ import annotations

import re

import numpy as np
import pytest

from vgbench.errors import ConfigError, VideoError
from vgbench.video.folder import open_clips

# By einsum: every array below holds these clips, whatever its axes.
CLIPS = np.random.default_rng(0).integers(0, 256, (2, 5, 8, 7, 3), dtype=np.uint8)


def _saved(path, array):
    np.save(path, array)
    return path


def _read(path, layout=None):
    return [clip.read().numpy() for clip in open_clips(path, layout=layout).clips]


def _is(read, clips_nthwc):
    return len(read) == len(clips_nthwc) and all(
        np.array_equal(one, clip.transpose(0, 3, 1, 2)) for one, clip in zip(read, clips_nthwc, strict=True)
    )


def _written_as(layout):
    """Clips (N, T, H, W, C) and the array of them in this layout; without N the first clip, without C the red channel."""
    clips = CLIPS[:, ..., :] if "C" in layout else CLIPS[..., :1]
    clips = clips if "N" in layout else clips[:1]
    absent = "".join(letter for letter in "NC" if letter not in layout)
    full = np.einsum(f"nthwc->{(absent + layout).lower()}", clips)
    return clips, full.reshape(full.shape[len(absent) :])


@pytest.mark.parametrize("layout", ["NTHWC", "NTCHW", "NCTHW", "THWC", "TCHW", "CTHW", "NTHW", "TNHW", "THW", "WHTNC"])
def test_a_named_layout_is_obeyed(tmp_path, layout):
    clips, array = _written_as(layout)
    path = _saved(tmp_path / "a.npy", array)
    assert _is(_read(path, layout), clips)
    assert _is(_read(path, layout.lower()), clips)


@pytest.mark.parametrize("layout", ["NTCHW", "NCTHW", "THWC", "TCHW", "CTHW", "THW"])
def test_the_way_out_that_a_refusal_names_gives_these_clips(tmp_path, layout):
    clips, array = _written_as(layout)
    path = _saved(tmp_path / "a.npy", array)
    with pytest.raises(VideoError, match=rf"a.npy has the shape {re.escape(str(array.shape))}, .* name the layout {layout}") as caught:
        open_clips(path)
    expression = re.search(rf"if it is \({', '.join(layout)}\), save (x.*?) or name the layout {layout}", str(caught.value), re.IGNORECASE)
    assert expression is not None, caught.value
    fixed = _saved(tmp_path / "b.npy", eval(expression[1], {"x": array}))
    assert _is(_read(fixed), clips)


@pytest.mark.parametrize(
    ("shape", "readings"),
    [
        ((16, 3, 64, 64), ["TCHW", "NTHW"]),
        ((3, 16, 64, 64), ["CTHW", "NTHW"]),
        ((16, 64, 64, 3), ["THWC", "NTHW"]),
        ((16, 1, 64, 64), ["TCHW", "NTHW"]),
        ((4, 1, 3, 64, 64), ["NTCHW", "NCTHW"]),
    ],
)
def test_a_shape_that_says_two_things_is_refused_with_each(tmp_path, shape, readings):
    path = _saved(tmp_path / "a.npy", np.full(shape, 7, np.uint8))
    with pytest.raises(VideoError, match="which can be read in several ways") as caught:
        open_clips(path)
    assert re.findall(r"name the layout (\w+)", str(caught.value)) == readings
    lengths = [(len(read), read[0].shape) for read in (_read(path, reading) for reading in readings)]
    assert len(set(lengths)) == len(readings)


@pytest.mark.parametrize("shape", [(1, 16, 64, 64), (1, 1, 64, 64), (16, 4, 64, 64), (2, 64, 64, 64)])
def test_a_shape_that_says_one_thing_is_grey_clips(tmp_path, shape):
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert _is(_read(_saved(tmp_path / "a.npy", array)), array[..., None])


@pytest.mark.parametrize("layout", ["", "NTH", "NTHWX", "NTTHW", "N,T,H,W", "NHW"])
def test_a_layout_that_is_none_is_refused_with_examples(tmp_path, layout):
    with pytest.raises(ConfigError, match=rf"layout '{layout}': name each axis of the array once.*NTHWC, NTCHW, NCTHW, THWC, TCHW"):
        open_clips(_saved(tmp_path / "a.npy", CLIPS), layout=layout)


def test_a_layout_that_does_not_fit_the_shape_is_refused(tmp_path):
    path = _saved(tmp_path / "a.npy", CLIPS)
    with pytest.raises(VideoError, match=r"has the shape \(2, 5, 8, 7, 3\), 5 axes, but the layout TCHW names 4"):
        open_clips(path, layout="TCHW")
    with pytest.raises(VideoError, match=r"under the layout NTCHW it has 8 channels, but clips have 1 or 3"):
        open_clips(path, layout="NTCHW")


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.int32, np.float32, np.float64])
def test_zeros_and_ones_are_multiplied_by_255_as_the_message_says(tmp_path, dtype):
    masks = np.random.default_rng(2).integers(0, 2, (2, 4, 8, 8, 3)).astype(dtype)
    with pytest.raises(VideoError, match=r"a.npy .*[Mm]ultiply it by 255: ") as caught:
        open_clips(_saved(tmp_path / "a.npy", masks))
    expression = re.search(r"ultiply it by 255: (.*?)\.( |$)", str(caught.value))
    assert expression is not None
    fixed = eval(expression[1], {"x": masks, "np": np})
    assert fixed.dtype == np.uint8
    assert _is(_read(_saved(tmp_path / "b.npy", fixed)), np.where(masks > 0, 255, 0))


@pytest.mark.parametrize(
    ("values", "right"),
    [
        (np.array([-1.0, 0.0, 1.0]), [0, 128, 255]),
        (np.array([0.0, 0.2, 1.0]), [0, 51, 255]),
        (np.array([0.0, 100.4, 254.6]), [0, 100, 255]),
        (np.array([0, 257, 65535], np.uint16), [0, 1, 255]),
        (np.array([0, 2, 255], np.int16), [0, 2, 255]),
    ],
)
def test_the_conversion_that_is_advised_keeps_black_and_white(tmp_path, values, right):
    array = np.broadcast_to(values[:, None, None, None], (2, 3, 4, 4, 3))
    with pytest.raises(VideoError, match=rf"Its values lie between {values.min():g} and {values.max():g}: .*astype\(np.uint8\)") as caught:
        open_clips(_saved(tmp_path / "a.npy", array))
    expression = re.search(r"(np\.rint\(.*|x\.)astype\(np\.uint8\)", str(caught.value))
    assert expression is not None
    converted = eval(expression[0], {"x": array, "np": np})
    assert converted[0, :, 0, 0, 0].tolist() == right


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "values that are not finite"),
        (np.inf, "values that are not finite"),
        (300.5, "clamp or scale it, so that black is 0 and white 1"),
        (-0.5, "if -1 is black and 1 is white, add 1 and multiply by 127.5"),
    ],
)
def test_values_of_no_known_range_are_asked_about(tmp_path, value, message):
    array = np.zeros((2, 3, 4, 4, 3), np.float32)
    array[1, 2, 3, 3, 2] = value
    with pytest.raises(VideoError, match=message):
        open_clips(_saved(tmp_path / "a.npy", array))


def test_black_clips_beside_others_are_clips(tmp_path):
    array = CLIPS.copy()
    array[0] = 1
    assert _is(_read(_saved(tmp_path / "a.npy", array)), array)
    assert _is(_read(_saved(tmp_path / "b.npy", np.zeros_like(CLIPS))), np.zeros_like(CLIPS))
