"""Long videos: windows in order take one pass, whatever the codec, and have the bits of decoding from the beginning."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch

from vgbench import VideoError
from vgbench.video import VideoClip, read_video, write_lossless
from vgbench_datasets.configs import VideoFolderConfig
from vgbench_datasets.decoded import DecodedVideos
from vgbench_datasets.video_folder import VideoFolder

FRAMES, BYTES = 60, 3 * 32 * 32


def written(path: Path, codec: str, **options: str) -> Path:
    generator = torch.Generator().manual_seed(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for number in range(FRAMES):
            pixels = torch.randint(0, 256, (32, 32, 3), dtype=torch.uint8, generator=generator).numpy()
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("a.ts", "mpeg2video"), ("a.mp4", "libx264"), ("a.webm", "libvpx")])
@pytest.mark.parametrize("starts", [range(0, 53, 4), [50, 10, 12, 40, 0, 53], [20, 20, 4, 28]])
def test_windows_in_any_order_have_the_right_frames(tmp_path: Path, name: str, codec: str, starts: list[int]) -> None:
    path = written(tmp_path / name, codec, g="12")
    whole, decoded, clip = read_video(path), DecodedVideos(30 * BYTES), VideoClip("a", path)
    for start in starts:
        assert torch.equal(decoded.read(clip, start, 7), whole[start : start + 7])
        assert decoded.kept_bytes() <= 30 * BYTES


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("a.webm", "libvpx")])
def test_windows_in_order_take_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, codec: str) -> None:
    clip = VideoClip("a", written(tmp_path / name, codec, g="12"))
    assert not clip.can_begin_within()
    passes = []
    chunks = VideoClip.chunks
    monkeypatch.setattr(VideoClip, "chunks", lambda self, length: passes.append(length) or chunks(self, length))
    monkeypatch.setattr(VideoClip, "read", lambda *_: pytest.fail("a stretch was decoded from the beginning"))
    decoded = DecodedVideos(40 * BYTES)
    for start in range(0, 53, 2):
        assert decoded.read(clip, start, 7).shape == (7, 3, 32, 32)
    assert passes == [10]


def test_damage_is_said_each_time(tmp_path: Path) -> None:
    path = written(tmp_path / "a.avi", "mpeg4", g="12")
    clip = VideoClip("a", path)
    assert clip.info().frames == FRAMES
    path.write_bytes(path.read_bytes()[:-20000])
    decoded = DecodedVideos(40 * BYTES)
    for _ in range(2):
        with pytest.raises(VideoError, match=r"a.avi: decoded \d+ .*truncated or damaged"):
            decoded.read(clip, 50, 7)


def test_videos_of_one_name_in_two_splits_are_each_their_own(tmp_path: Path) -> None:
    videos = {}
    for number, split in enumerate(("train", "test")):
        (tmp_path / split).mkdir()
        videos[split] = torch.full((12, 3, 16, 16), 100 + number, dtype=torch.uint8)
        write_lossless(tmp_path / split / "v.mkv", videos[split], 10)
    data = VideoFolder(VideoFolderConfig(), tmp_path)
    for split in ("train", "test", "train"):
        assert torch.equal(data.read(f"{split}/v", 2, 4), videos[split][2:6])
