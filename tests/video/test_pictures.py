"""Folders of frames: order, what counts, and pictures that break a rule."""

from __future__ import annotations

import os
import shutil
import struct
import time

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from PIL import ExifTags, Image

from vgbench.errors import VideoError
from vgbench.video import pictures
from vgbench.video.order import natural_key
from vgbench.video.pictures import list_pictures, probe_pictures, read_pictures


def _save(folder, video, pattern="frame_{}.png", **options):
    folder.mkdir(exist_ok=True)
    for number, image in enumerate(video):
        pixels = image.permute(1, 2, 0).numpy()
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(folder / pattern.format(number), **options)
    return folder


def test_frames_come_in_natural_order(tmp_path, noise):
    video = noise(12, 5, 7)
    folder = _save(tmp_path / "clip", video)
    assert [path.name for path in list_pictures(folder)] == [f"frame_{number}.png" for number in range(12)]
    assert probe_pictures(folder) == (12, None, 5, 7, 3)
    assert torch.equal(read_pictures(folder), video)


@given(st.lists(st.integers(0, 10**6), unique=True), st.sampled_from(["{}", "frame_{}", "Clip {} b", "a{}-2"]))
def test_numbers_in_names_count_as_numbers(numbers, pattern):
    names = [pattern.format(number) for number in numbers]
    assert sorted(names, key=natural_key) == [pattern.format(number) for number in sorted(numbers)]


@given(st.lists(st.text(max_size=6), unique=True), st.randoms())
def test_the_order_is_the_same_however_the_names_arrive(names, random):
    shuffled = random.sample(names, len(names))
    assert sorted(shuffled, key=natural_key) == sorted(names, key=natural_key)


def test_a_range_opens_only_its_own_frames_and_the_first(tmp_path, noise):
    video = noise(6, 5, 7)
    folder = _save(tmp_path / "clip", video)
    for number in (1, 4, 5):
        (folder / f"frame_{number}.png").write_bytes(b"no picture")
    assert torch.equal(read_pictures(folder, 2, 2), video[2:4])
    with pytest.raises(VideoError, match="frame_4.png cannot be read as a picture"):
        read_pictures(folder, 2, 3)
    with pytest.raises(VideoError, match="clip: frames 5 to frame 6 were asked for, but the video has 6"):
        read_pictures(folder, 5, 2)


def test_hidden_files_other_suffixes_and_folders_are_ignored(tmp_path, noise):
    folder = _save(tmp_path / "clip", noise(2, 5, 7))
    for name in (".frame_0.png", "Thumbs.db", "labels.json", "frame_3.exr"):
        (folder / name).write_bytes(b"x")
    (folder / "more.png").mkdir()
    assert probe_pictures(folder).frames == 2


@pytest.mark.parametrize("suffix", ["jpg", "JPEG", "png", "bmp", "webp", "tif", "TIFF", "ppm"])
def test_every_kind_of_picture_is_read(tmp_path, moving_stripes, suffix):
    video = moving_stripes(2, 33, 47)
    options = {"lossless": True} if suffix == "webp" else {"quality": 98} if "j" in suffix.lower() else {}
    read = read_pictures(_save(tmp_path / "clip", video, "{}." + suffix, **options))
    assert (read.float() - video.float()).abs().mean() < (6 if "j" in suffix.lower() else 1e-9)


def test_grey_pictures_stay_one_channel(tmp_path, noise):
    video = noise(3, 5, 7, 1)
    folder = _save(tmp_path / "clip", video)
    assert probe_pictures(folder).channels == 1
    assert torch.equal(read_pictures(folder), video)


def test_palettes_become_rgb_and_black_and_white_becomes_grey(tmp_path):
    for name, image in {
        "palette": Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6)).convert("RGB").quantize(16),
        "bits": Image.fromarray(np.eye(6, dtype=bool)),
    }.items():
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "0.png")
    assert read_pictures(tmp_path / "palette").shape == (1, 3, 4, 6)
    assert torch.equal(read_pictures(tmp_path / "bits"), 255 * torch.eye(6, dtype=torch.uint8)[None, None])


@pytest.mark.parametrize("channels", [2, 4])
def test_opaque_alpha_is_dropped_and_other_alpha_refused(tmp_path, noise, channels):
    video = noise(2, 5, 7, channels)
    video[:, -1] = 255
    folder = tmp_path / "clip"
    folder.mkdir()
    mode = {2: "LA", 4: "RGBA"}[channels]
    for number, image in enumerate(video):
        Image.frombytes(mode, (7, 5), image.permute(1, 2, 0).contiguous().numpy().tobytes()).save(folder / f"{number}.png")
    assert torch.equal(read_pictures(folder), video[:, :-1])
    Image.new(mode, (7, 5)).save(folder / "1.png")
    with pytest.raises(VideoError, match=r"1.png is transparent in 35 of its 35 pixels.*Draw it over a background"):
        read_pictures(folder)


def test_a_transparent_colour_of_a_png_counts_as_alpha(tmp_path):
    (tmp_path / "clip").mkdir()
    Image.new("RGB", (4, 4), (1, 2, 3)).save(tmp_path / "clip" / "0.png", transparency=(1, 2, 3))
    with pytest.raises(VideoError, match="0.png is transparent in 16 of its 16 pixels"):
        read_pictures(tmp_path / "clip")


def _png_16_bit_rgb(path):
    """Pillow cannot write one; libav can."""
    import av

    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 6, 4, "rgb48be"
        frame = av.VideoFrame.from_ndarray(np.full((4, 6, 3), 40000, np.uint16), format="rgb48be")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_16_bit_pictures_are_refused_grey_or_rgb(tmp_path):
    for name in ("grey", "rgb"):
        (tmp_path / name).mkdir()
    Image.fromarray(np.full((4, 6), 40000, np.uint16)).save(tmp_path / "grey" / "0.png")
    _png_16_bit_rgb(tmp_path / "rgb" / "0.png")
    for name in ("grey", "rgb"):
        for read in (probe_pictures, read_pictures):
            with pytest.raises(VideoError, match=r"0.png has 16 bits a channel; frames are 8-bit.*ffmpeg -i"):
                read(tmp_path / name)


def test_cmyk_is_refused_by_its_name(tmp_path):
    (tmp_path / "clip").mkdir()
    Image.new("CMYK", (4, 4)).save(tmp_path / "clip" / "0.jpg")
    with pytest.raises(VideoError, match=r"0.jpg has the colour mode CMYK"):
        read_pictures(tmp_path / "clip")


def test_the_first_frame_that_differs_is_named(tmp_path, noise):
    folder = _save(tmp_path / "clip", noise(4, 5, 7))
    Image.new("RGB", (8, 5)).save(folder / "frame_2.png")
    with pytest.raises(VideoError, match=r"frame_2.png is 8×5 RGB, but the folder begins with frame_0.png, which is 7×5 RGB"):
        read_pictures(folder)


@pytest.mark.parametrize("grey", [{0}, {2}, {0, 1}, {1, 2}])
def test_a_clip_with_one_frame_in_colour_is_in_colour(tmp_path, noise, grey):
    video = noise(3, 5, 7)
    for number in grey:
        video[number] = video[number, :1]
    folder = _save(tmp_path / "clip", video)
    for number in grey:
        Image.fromarray(video[number, 0].numpy()).save(folder / f"frame_{number}.png")
    assert probe_pictures(folder).channels == 3
    assert torch.equal(read_pictures(folder), video)
    assert torch.equal(read_pictures(folder, 1, 1), video[1:2])


def test_a_broken_frame_does_not_hide_the_colour_of_another(tmp_path, noise):
    folder = _save(tmp_path / "clip", noise(2, 5, 7, 1))
    (folder / "frame_2.png").write_bytes(b"no picture")
    Image.new("RGB", (7, 5)).save(folder / "frame_3.png")
    assert read_pictures(folder, 0, 2).shape == (2, 3, 5, 7)
    with pytest.raises(VideoError, match="frame_2.png cannot be read as a picture"):
        read_pictures(folder)


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "tiff", "ppm"])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.6, 0.9])
def test_a_truncated_picture_is_named(tmp_path, noise, suffix, share):
    folder = _save(tmp_path / "clip", noise(3, 40, 40), "{}." + suffix)
    data = (folder / f"1.{suffix}").read_bytes()
    (folder / f"1.{suffix}").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(VideoError, match=rf"1.{suffix} (is empty: 0 bytes|cannot be (read|decoded))"):
        read_pictures(folder)


def test_two_pictures_of_one_name_are_refused(tmp_path, noise):
    folder = _save(tmp_path / "clip", noise(2, 5, 7))
    Image.new("RGB", (7, 5)).save(folder / "frame_1.jpg")
    with pytest.raises(VideoError, match=r"frame_1.(jpg|png) and frame_1.(png|jpg) would be the same frame"):
        list_pictures(folder)


def test_an_animated_picture_is_no_frame(tmp_path):
    (tmp_path / "clip").mkdir()
    images = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (10, 200)]
    images[0].save(tmp_path / "clip" / "0.webp", save_all=True, append_images=images[1:])
    with pytest.raises(VideoError, match=r"0.webp holds 2 pictures"):
        read_pictures(tmp_path / "clip")


def test_a_tiff_of_several_pages_is_no_frame(tmp_path):
    pages = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (10, 200)]
    pages[0].save(tmp_path / "0.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(VideoError, match=r"0.tif holds 2 pictures"):
        read_pictures(tmp_path)


def tiff_of_16_bits(path):
    """An RGB TIFF of 2×1 pixels with 16 bits a channel, written down byte by byte."""
    entries = [
        (256, 3, 1, 2),
        (257, 3, 1, 1),
        (258, 3, 3, 122),
        (262, 3, 1, 2),
        (273, 4, 1, 128),
        (277, 3, 1, 3),
        (278, 3, 1, 1),
        (279, 4, 1, 12),
    ]
    header = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(entries))
    header += b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", 0)
    path.write_bytes(header.ljust(122, b"\0") + struct.pack("<3H", 16, 16, 16) + struct.pack("<6H", 0, 1, 2, 65535, 300, 7))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("0.tif", None),
        ("0.ppm", b"P6\n# a comment\n2 1\n65535\n" + bytes(12)),
        ("0.ppm", b"P6 2 1 15\n" + bytes(6)),
        ("0.pgm", b"P5 2 1 1023\n" + bytes(4)),
    ],
    ids=["tiff", "ppm of 16 bits", "ppm of 16 levels", "pgm of 10 bits"],
)
def test_more_than_8_bits_and_other_levels_are_refused(tmp_path, name, content):
    if content is None:
        tiff_of_16_bits(tmp_path / name)
        with Image.open(tmp_path / name) as image:
            assert image.mode == "RGB"  # Pillow takes it for 8 bits
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=f"{name} has "):
        read_pictures(tmp_path)


@pytest.mark.parametrize("head", [b"P6\n2 1\n255\n", b"P6 # one\n# two\n2\t1\n#three\n255\n"])
def test_a_ppm_with_comments_is_read(tmp_path, head):
    (tmp_path / "0.ppm").write_bytes(head + bytes([1, 2, 3, 4, 5, 6]))
    assert read_pictures(tmp_path).flatten().tolist() == [1, 4, 2, 5, 3, 6]


def test_the_turn_that_a_camera_noted_is_applied(tmp_path, moving_stripes):
    folder = _save(tmp_path / "clip", moving_stripes(1, 16, 32), "{}.jpg")
    plain = read_pictures(folder)
    with Image.open(folder / "0.jpg") as image:
        exif = image.getexif()
        exif[ExifTags.Base.Orientation] = 6  # shown after a quarter turn clockwise
        image.save(folder / "0.jpg", exif=exif, quality="keep")
    assert probe_pictures(folder)[2:4] == (32, 16)
    assert torch.equal(read_pictures(folder), torch.rot90(plain, -1, (2, 3)))


def test_a_folder_without_frames_says_what_was_looked_for(tmp_path):
    with pytest.raises(
        VideoError, match=r"holds no frames: looked for files ending in .bmp, .jpeg, .jpg, .pgm, .png, .ppm, .tif, .tiff, .webp"
    ):
        read_pictures(tmp_path)
    shutil.rmtree(tmp_path)
    with pytest.raises(VideoError, match="cannot be read as a folder of frames: No such file"):
        probe_pictures(tmp_path)


def test_a_folder_is_listed_once_for_all_its_windows_and_again_when_it_has_changed(tmp_path, monkeypatch):
    listed = []
    scanned = pictures._scanned
    monkeypatch.setattr(pictures, "_scanned", lambda folder: listed.append(folder) or scanned(folder))
    for number in range(6):
        Image.new("L", (8, 8), 10 * number).save(tmp_path / f"{number}.png")
    read_pictures(tmp_path, 0, 2)
    read_pictures(tmp_path, 2, 2)
    assert len(listed) == 2  # it was changed just now, and might be again without a sign of it
    long_ago = time.time() - 60
    os.utime(tmp_path, (long_ago, long_ago))
    listed.clear()
    assert [read_pictures(tmp_path, start, 2)[0, 0, 0, 0].item() for start in (0, 2, 4)] == [0, 20, 40]
    assert len(listed) == 1
    Image.new("L", (8, 8), 99).save(tmp_path / "6.png")
    os.utime(tmp_path, (long_ago + 5, long_ago + 5))
    assert read_pictures(tmp_path, 6)[0, 0, 0, 0].item() == 99
    assert len(listed) == 2
