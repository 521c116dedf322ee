"""What is said of given clips that are interlaced, or of another frame rate than their references."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch
from torch import Tensor

from vgbench.data.inspection.verify import verify
from vgbench.data.protocol_data import ProtocolData
from vgbench.protocol import load_protocol
from vgbench.video import write_lossless
from vgbench.video.encode import write_pictures

FOLDER = """
[data]
dataset = "video-folder"
config = { validation_percent = 0, test_percent = 100 }
[test]
split = "all"
length = 4
stride = 4
[video]
size = [32, 32]
[task]
frames = 4
score_from = 1
"""


def video(seed: int, frames: int = 8) -> Tensor:
    return torch.randint(0, 256, (frames, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def write(path: Path, frames: Tensor, *, is_interlaced: bool, rate: int = 25) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"x264-params": "tff=1"} if is_interlaced else {})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image.permute(1, 2, 0).contiguous().numpy(), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_interlaced_clips_are_counted_on_each_side(vgbench, folder):
    for side in ("made", "real"):
        for number in range(3):
            write(folder / side / f"{number}.mp4", video(number), is_interlaced=side == "real" and number > 0)
    for metrics in ("mse", "motion-ratio"):
        ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", metrics, "--json")
        assert ran.status == 0
        (warning,) = [text for text in ran.json()["warnings"] if "interlaced" in text]
        assert warning.startswith("2 clips of real are interlaced, such as 1: a frame has two moments in it")
        assert "bwdif" in warning


def test_pairs_of_different_frame_rates_are_counted(vgbench, folder):
    for number, rate in enumerate((25, 24, 12)):
        for side, fps in (("made", rate), ("real", 25)):
            (folder / side).mkdir(exist_ok=True)
            write_lossless(folder / side / f"{number}.mkv", video(number), fps)
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", "--json")
    assert "2 of 3 pairs differ in frame rate, such as 1: 24/s generated, 25/s real." in " ".join(ran.json()["warnings"])


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), None])
def test_rates_that_hardly_differ_or_are_unknown_are_not_mentioned(vgbench, folder, rate):
    (folder / "real").mkdir()
    write_lossless(folder / "real" / "0.mkv", video(0), 30)
    if rate is None:
        write_pictures(folder / "made" / "0", video(1))
    else:
        (folder / "made").mkdir()
        write_lossless(folder / "made" / "0.mkv", video(1), float(rate))
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", "--json")
    assert ran.status == 0
    assert "frame rate" not in " ".join(ran.json()["warnings"])


def test_given_clips_under_a_protocol_and_a_data_sets_own_are_told_of_too(vgbench, folder):
    protocol = folder / "videos.toml"
    protocol.write_text(FOLDER)
    for number in range(2):
        write(folder / "data" / f"{number}.mp4", video(number), is_interlaced=number == 1)
    roots = {"video-folder": folder / "data"}
    for clip in ProtocolData(load_protocol(protocol), roots).clips("test"):
        write(folder / "made" / f"{clip.clip_id}.mp4", video(5, 4), is_interlaced=True)
    data = ["--data", f"video-folder={folder / 'data'}", "--protocol", protocol]
    ran = vgbench("eval", *data, "--generated", "made", "--generators", "copy-first", "--metrics", "mse", "--json")
    assert ran.status == 0, ran.err
    assert "4 clips of made are interlaced" in " ".join(ran.json()["warnings"])
    found = verify(protocol=load_protocol(protocol), data=roots)
    assert "1 of 2 videos of test have defects, such as 1: it is interlaced." in " ".join(found.findings)


@pytest.mark.parametrize(
    ("suffix", "codec", "options", "said"),
    [
        ("mp4", "libx264", {}, "h264"),
        ("mkv", "libx264", {"crf": "0"}, None),
        ("mkv", "ffv1", {}, None),
        ("mp4", "mpeg4", {}, "mpeg4"),
    ],
)
def test_clips_that_are_stored_with_loss_are_counted_and_lossless_ones_are_not(vgbench, folder, suffix, codec, options, said):
    (folder / "real").mkdir()
    for number in range(2):
        write_lossless(folder / "real" / f"{number}.mkv", video(number), fps=25)
        path = folder / "made" / f"{number}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            for image in video(number):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image.permute(1, 2, 0).contiguous().numpy(), format="rgb24")))
            container.mux(stream.encode(None))
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", "--json")
    found = [text for text in ran.json()["warnings"] if "with loss" in text]
    expected = f"2 clips of made are stored with loss ({said}), such as 0: what is scored are the clips and their compression."
    assert [text.partition(" Store")[0] for text in found] == ([expected] if said else [])


def test_jpeg_frames_are_stored_with_loss_and_png_frames_are_not(vgbench, folder):
    from PIL import Image

    for side, suffix in (("made", "jpg"), ("real", "png")):
        for number in range(2):
            (folder / side / str(number)).mkdir(parents=True)
            for place, image in enumerate(video(number, frames=3)):
                Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / side / str(number) / f"{place}.{suffix}")
    ran = vgbench("eval", "--generated", "made", "--reference", "real", "--metrics", "mse", "--json")
    (found,) = [text for text in ran.json()["warnings"] if "with loss" in text]
    assert found.startswith("2 clips of made are stored with loss (jpeg), such as 0")
