"""Opening what any program left: folders of videos, of frames, and arrays."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from PIL import Image

from vgbench.errors import DataError, VideoError
from vgbench.video.encode import write_lossless
from vgbench.video.folder import open_clips


def _names(path):
    return [clip.name for clip in open_clips(path).clips]


def _frames(folder, count=2):
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (6, 4), (number, 0, 0)).save(folder / f"{number}.png")


def test_videos_are_named_by_their_path_in_natural_order(tmp_path, noise):
    video = noise(3, 8, 10)
    for name in ("clip10.mkv", "clip2.MKV", "day 1/ü.mkv", "day 1/b.c.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_lossless(tmp_path / name, video, 25)
    folder = open_clips(tmp_path)
    assert (folder.name, folder.kind) == (tmp_path.name, "named")
    assert [clip.name for clip in folder.clips] == ["clip2", "clip10", "day 1/b.c", "day 1/ü"]
    for clip in folder.clips:
        assert clip.info() == (3, 25.0, 8, 10, 3)
        assert torch.equal(clip.read(), video)
        assert torch.equal(clip.read(1, 1), video[1:2])


def test_folders_of_frames_are_clips_too(tmp_path):
    for number in (1, 2, 10):
        _frames(tmp_path / "gen" / f"clip{number}", number)
    folder = open_clips(str(tmp_path / "gen"))
    assert [(clip.name, clip.info().frames) for clip in folder.clips] == [("clip1", 1), ("clip2", 2), ("clip10", 10)]
    assert folder.clips[2].read(9, 1)[0, 0, 0, 0] == 9


def test_one_folder_of_frames_is_one_clip_named_after_it(tmp_path, monkeypatch):
    _frames(tmp_path / "take")
    assert _names(tmp_path / "take") == ["take"]
    monkeypatch.chdir(tmp_path / "take")
    assert (open_clips(".").name, _names(".")) == ("take", ["take"])


def test_one_video_file_is_one_clip(tmp_path, noise):
    write_lossless(tmp_path / "take.mkv", noise(2, 8, 8), 25)
    folder = open_clips(tmp_path / "take.mkv")
    assert (folder.name, [clip.name for clip in folder.clips]) == ("take", ["take"])


def test_arrays_are_numbered_and_paired_by_order(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (12, 2, 4, 6, 3), dtype=np.uint8)
    np.save(tmp_path / "made.npy", array)
    np.savez(tmp_path / "two.npz", real=array, fake=array[:3])
    folder = open_clips(tmp_path / "made.npy")
    assert (folder.name, folder.kind, len(folder.clips)) == ("made", "array", 12)
    assert folder.clips[11].name == "000011"
    assert folder.clips[11].info() == (2, None, 4, 6, 3)
    assert torch.equal(folder.clips[11].read(1), torch.from_numpy(array[11, 1:]).permute(0, 3, 1, 2))
    assert open_clips(f"{tmp_path}/two.npz:fake").name == "two:fake"
    assert len(open_clips(f"{tmp_path}/two.npz:fake").clips) == 3
    with pytest.raises(VideoError, match="two.npz holds 2 arrays"):
        open_clips(tmp_path / "two.npz")


def test_two_files_of_one_name_are_refused_and_listed(tmp_path):
    for name in ("a.mp4", "a.mkv", "b.mp4", "sub/c.avi", "sub/c.gif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    _frames(tmp_path / "b")
    with pytest.raises(DataError, match=r"more than one clip of a name: a.mkv and a.mp4; b.mp4 and b; sub/c.avi and sub/c.gif"):
        open_clips(tmp_path)


def test_posters_beside_clips_are_no_frames(tmp_path):
    (tmp_path / "a.mp4").touch()
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg")
    assert _names(tmp_path) == ["a"]
    _frames(tmp_path / "set" / "clip")
    Image.new("RGB", (4, 4)).save(tmp_path / "set" / "preview.png")
    assert _names(tmp_path / "set") == ["clip"]


def test_hidden_and_other_files_are_passed_over(tmp_path):
    for name in ("a.mp4", ".b.mp4", "notes.txt", ".cache/c.mp4", "._a.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert _names(tmp_path) == ["a"]


def test_listing_opens_no_file(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.mp4").write_bytes(b"no video")
    os.mkfifo(tmp_path / "pipe.mp4")
    folder = open_clips(tmp_path)
    assert len(folder.clips) == 4
    with pytest.raises(VideoError, match=r"0.mp4 .*cannot be read as a video"):
        folder.clips[0].info()
    with pytest.raises(VideoError, match=r"pipe.mp4 is not a regular file"):
        folder.clips[3].info()


def test_links_are_followed_but_never_in_circles(tmp_path):
    inner = tmp_path / "set" / "inner"
    inner.mkdir(parents=True)
    (inner / "a.mp4").touch()
    (inner / "back").symlink_to(tmp_path / "set", target_is_directory=True)
    (tmp_path / "set" / "self").symlink_to("self")
    (tmp_path / "set" / "gone.mp4").symlink_to("nowhere.mp4")
    (tmp_path / "set" / "alias").symlink_to("inner", target_is_directory=True)
    assert _names(tmp_path / "set") == ["alias/a", "gone", "inner/a"]
    with pytest.raises(VideoError, match="gone.mp4 does not exist, or the link leads nowhere"):
        open_clips(tmp_path / "set").clips[1].read()


def test_nothing_to_open_says_what_was_looked_for(tmp_path):
    with pytest.raises(
        DataError, match=r"holds no clips: looked in it and below for videos \(.*\.mkv.*\) and for folders of pictures \(.bmp"
    ):
        open_clips(tmp_path)
    (tmp_path / "made.npy").touch()
    with pytest.raises(DataError, match=r"An array is named itself: .*made.npy"):
        open_clips(tmp_path)
    (tmp_path / "notes.txt").touch()
    for name, why in [
        ("gone", "does not exist"),
        ("gone.npy", "does not exist"),
        ("gone.npz:a", "does not exist"),
        ("notes.txt", "is neither"),
    ]:
        with pytest.raises(DataError, match=rf"{name} {why}"):
            open_clips(tmp_path / name)


def test_a_folder_of_frames_with_one_broken_picture_names_it(tmp_path):
    _frames(tmp_path / "set" / "clip", 3)
    (tmp_path / "set" / "clip" / "1.png").write_bytes(b"")
    clip = open_clips(tmp_path / "set").clips[0]
    assert clip.info().frames == 3
    with pytest.raises(VideoError, match=r"1.png is empty: 0 bytes"):
        clip.read()
