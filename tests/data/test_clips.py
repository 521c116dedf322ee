"""Windows: which frames of which videos are clips, in a row, every so many, or at a rate; and colour that becomes grey."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from vgbench.data.clips import cut, offsets_of, rate_of
from vgbench.data.inspection.prepare import prepare
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import ConfigError, DataError
from vgbench.generation.generate import generate
from vgbench.interfaces import Source
from vgbench.protocol import Windows, load_protocol
from vgbench.video import open_clips, write_lossless


def source(frames: int, fps: float | None = 25.0) -> Source:
    return Source("a", frames, fps, 32, 32)


def windows(**options) -> Windows:
    return Windows(split="test", **{"length": 4, "stride": 4, **options})


@given(frames=st.integers(1, 60), length=st.integers(1, 8), stride=st.integers(1, 12), step=st.integers(1, 6))
def test_every_window_that_fits_is_a_clip_and_no_other(frames, length, stride, step):
    clips = cut([source(frames)], windows(length=length, stride=stride, step=step))
    spans = [(start, start + step * (length - 1)) for start in range(0, frames, stride)]
    assert [(clip.start, clip.start + clip.span - 1) for clip in clips] == [span for span in spans if span[1] < frames]
    video = torch.arange(frames).view(-1, 1, 1, 1)
    for clip in clips:
        picked = clip.picked(video[clip.start : clip.start + clip.span]).flatten().tolist()
        assert picked == [clip.start + step * number for number in range(length)]


@given(source_rate=st.sampled_from([10, 12, 15, 24, 25, 30, 50, 60, 120]), rate=st.sampled_from([5, 8, 10, 12, 24, 25, 30]))
def test_a_rate_takes_the_frame_that_is_shown_at_each_moment(source_rate, rate):
    if source_rate < rate:
        with pytest.raises(DataError, match=rf"a has {source_rate} frames per second, and the protocol asks for fps = {rate}"):
            offsets_of(source(999, source_rate), windows(fps=rate))
        return
    offsets = offsets_of(source(999, source_rate), windows(length=40, fps=rate)) or tuple(range(40))
    assert list(offsets) == [
        int(Fraction(number, rate) * source_rate) for number in range(40)
    ]  # the frame on show at number / rate seconds


def test_a_rate_that_hardly_differs_is_the_same_and_one_that_is_unknown_refused():
    assert offsets_of(source(99, 30000 / 1001), windows(fps=30)) == ()
    assert rate_of(source(99, 30000 / 1001), windows(fps=30)) == pytest.approx(29.97, abs=0.01)
    assert (rate_of(source(99, 30), windows(fps=10)), rate_of(source(99, 30), windows(step=4))) == (10, 7.5)
    with pytest.raises(DataError, match="a does not say its frame rate"):
        cut([source(99, None)], windows(fps=10))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("step = 2\nfps = 10.0", r"step 2 and fps 10 both choose frames; give one of them"),
        ("step = 0", r"step is 0, it must be at least 1"),
        ("fps = -1.0", r"fps is -1, it must be above 0"),
    ],
)
def test_what_cannot_be_is_refused(tiny, section, message):
    tiny.write_text(tiny.read_text().replace("[test]\n", f"[test]\n{section}\n"))
    with pytest.raises(ConfigError, match=message):
        load_protocol(tiny)


@pytest.mark.parametrize("options", [{"step": 2}, {"fps": 11.0}])
def test_clips_are_the_same_from_files_and_packed_and_their_rate_is_known(tiny, options):
    protocol = load_protocol(tiny)
    protocol = replace(protocol, test=replace(protocol.test, stride=1, **options))
    data = ProtocolData(protocol)
    clips = data.clips("test")
    whole = {one.source_id: data.read_frames(one.source_id, 0, one.frames) for one in data.dataset.sources("test")}
    offsets = [int(number * 25 / options["fps"]) if "fps" in options else 2 * number for number in range(8)]
    unpacked = [data.read(clip) for clip in clips]
    assert len(clips) == 5 * (16 - offsets[-1])
    assert all(
        torch.equal(frames, whole[clip.source_id][[clip.start + k for k in offsets]]) for clip, frames in zip(clips, unpacked, strict=True)
    )
    prepare(protocol=protocol)
    packed = ProtocolData(protocol)
    assert packed.pack("test") is not None
    assert all(torch.equal(packed.read(clip), frames) for clip, frames in zip(clips, unpacked, strict=True))
    generate("copy-first", Path("made"), protocol=protocol, limit=2)
    assert open_clips("made").clips[0].info().fps == pytest.approx(options.get("fps", 12.5))


GREY = """
[data]
dataset = "video-folder"
config = { validation_percent = 0, test_percent = 100 }
[test]
split = "all"
length = 2
stride = 2
[video]
size = [4, 4]
channels = 1
[task]
frames = 2
score_from = 1
"""


def test_colour_becomes_its_luma_where_the_protocol_says_so(tmp_path, folder):
    rng = np.random.default_rng(0)
    colour = torch.from_numpy(rng.integers(0, 256, (2, 3, 4, 4), dtype=np.uint8))
    (tmp_path / "clips").mkdir()
    write_lossless(tmp_path / "clips" / "a.mkv", colour, 10)
    path = folder / "grey.toml"
    path.write_text(GREY)
    roots = {"video-folder": tmp_path / "clips"}
    data = ProtocolData(load_protocol(path), roots)
    with pytest.raises(DataError, match=r'a has 3 channels .* asks for 1; under \[video\] set channels = 3, or grey = "bt601"'):
        data.read(data.clips("test")[0])
    path.write_text(GREY.replace("channels = 1", 'channels = 1\ngrey = "bt601"'))
    grey = ProtocolData(load_protocol(path), roots)
    frames = grey.read(grey.clips("test")[0])
    red, green, blue = colour.double().unbind(1)
    assert torch.equal(frames[:, 0], (0.299 * red + 0.587 * green + 0.114 * blue + 0.5).floor().to(torch.uint8))
    assert grey.protocol_id != data.protocol_id
    assert grey.pack_key("all").name() != data.pack_key("all").name()
