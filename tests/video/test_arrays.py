"""Clips in .npy, .npz, .pt and .h5 files."""

from __future__ import annotations

import pathlib
import sys

import h5py
import numpy as np
import pytest
import torch

from vgbench.errors import VideoError
from vgbench.video.array_files import array_address
from vgbench.video.arrays import ArrayClips


def _clips(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _open(path):
    address = array_address(path)
    assert address is not None
    return ArrayClips(address)


def _save(path, array, **options):
    """The array in the format of the suffix; in those that may hold several under the name "clips"."""
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".npz":
        np.savez_compressed(path, clips=array)
    elif path.suffix == ".pt":
        torch.save({"clips": torch.from_numpy(array)}, path)
    else:
        with h5py.File(path, "w") as file:
            file.create_dataset("clips", data=array, **options)
    return path


FORMATS = pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt", "a.h5", "a.hdf5"])


@FORMATS
@pytest.mark.parametrize("shape", [(3, 5, 6, 7, 3), (3, 5, 6, 7, 1), (4, 5, 6, 7)])
def test_clips_come_out_as_tchw(tmp_path, name, shape):
    array = _clips(*shape)
    _save(tmp_path / name, array)
    clips = _open(tmp_path / name)
    channels = 3 if shape[-1] == 3 else 1
    assert len(clips) == shape[0]
    assert clips.info() == (5, None, 6, 7, channels)
    expected = torch.from_numpy(array.reshape(-1, 5, 6, 7, channels)).permute(0, 1, 4, 2, 3)
    assert torch.equal(clips.read(1), expected[1])
    assert torch.equal(clips.read(2, 1, 3), expected[2, 1:4])
    assert clips.read(0).is_contiguous()


@pytest.mark.parametrize("name", ["a.npy", "a.pt", "a.h5"])
def test_what_can_be_mapped_is_not_held_and_reading_gives_a_copy(tmp_path, name):
    array = _clips(2, 3, 4, 5, 3)
    clips = ArrayClips(array_address(_save(tmp_path / name, array)), max_memory=1)
    clips.read(0).zero_()
    assert torch.equal(_open(tmp_path / name).read(0), torch.from_numpy(array[0]).permute(0, 3, 1, 2))


def test_an_npy_is_memory_mapped(tmp_path):
    assert isinstance(_open(_save(tmp_path / "a.npy", _clips(2, 3, 4, 5, 3))).array, np.memmap)


@pytest.mark.parametrize(
    "options", [{"compression": "gzip"}, {"chunks": (1, 3, 4, 5, 3)}, {"compression": "lzf", "shuffle": True}], ids=str
)
def test_chunks_of_an_h5_are_held_as_a_whole_within_the_limit(tmp_path, options):
    array = _clips(2, 3, 4, 5, 3)
    path = _save(tmp_path / "a.h5", array, **options)
    assert torch.equal(_open(path).read(1), torch.from_numpy(array[1]).permute(0, 3, 1, 2))
    with pytest.raises(VideoError, match=r"a.h5:clips takes 360 bytes, and a compressed array stays in memory as a whole; 359 are allowed"):
        ArrayClips(array_address(path), max_memory=359)


def test_an_h5_leads_to_no_other_file(tmp_path):
    array = _clips(2, 3, 4, 5, 3)
    _save(tmp_path / "other.h5", array)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["linked"] = h5py.ExternalLink("other.h5", "clips")
        file["group/own"] = array
        file.create_dataset("raw", array.shape, np.uint8, external=[(str(tmp_path / "raw.bin"), 0, array.size)])
        layout = h5py.VirtualLayout(array.shape, np.uint8)
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "clips", array.shape)
        file.create_virtual_dataset("virtual", layout)
    assert torch.equal(_open(f"{tmp_path / 'a.h5'}:group/own").read(1), torch.from_numpy(array[1]).permute(0, 3, 1, 2))
    with pytest.raises(VideoError, match=r"holds no array 'linked'; the arrays in it: a.h5:group/own, a.h5:raw, a.h5:virtual"):
        _open(f"{tmp_path / 'a.h5'}:linked")
    for name in ("raw", "virtual"):
        with pytest.raises(VideoError, match=rf"a.h5:{name} is kept in other files"):
            _open(f"{tmp_path / 'a.h5'}:{name}")


def test_an_h5_without_h5py_names_the_extra(tmp_path, monkeypatch):
    path = _save(tmp_path / "a.h5", _clips(2, 3, 4, 5, 3))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(VideoError, match=r"h5py, which reads them, is not installed: pip install 'vgbench\[h5\]'"):
        _open(path)


def test_a_pt_holds_a_tensor_or_a_dict_of_them(tmp_path):
    array = _clips(2, 3, 4, 5, 3)
    torch.save(torch.from_numpy(array), tmp_path / "a.pt")
    torch.save({"fake": torch.from_numpy(array), "real": torch.zeros(3)}, tmp_path / "b.pt")
    torch.save([torch.from_numpy(array)], tmp_path / "c.pt")
    torch.save(torch.zeros(2, 3, 4, 5, 3, dtype=torch.bfloat16), tmp_path / "d.pt")
    torch.save(torch.from_numpy(array), tmp_path / "e.pt", _use_new_zipfile_serialization=False)
    expected = torch.from_numpy(array[1]).permute(0, 3, 1, 2)
    assert torch.equal(_open(tmp_path / "a.pt").read(1), expected)
    assert torch.equal(_open(f"{tmp_path / 'b.pt'}:fake").read(1), expected)
    for path, message in {
        "b.pt": r"holds 2 arrays; name one. The arrays in it: b.pt:fake, b.pt:real",
        "c.pt": r"c.pt holds list, not a tensor, or a dict of tensors by their names. Save the clips as one tensor",
        "d.pt": r"d.pt is bfloat16 \(2, 3, 4, 5, 3\); clips are uint8",
        "e.pt": r"e.pt cannot be read as an array: it is no archive, as torch.save writes since version 1.6",
    }.items():
        with pytest.raises(VideoError, match=message):
            _open(tmp_path / path)


def test_code_in_a_pt_is_refused(tmp_path):
    torch.save({"clips": pathlib.PurePosixPath("a")}, tmp_path / "a.pt")
    with pytest.raises(VideoError, match=r"a.pt cannot be read as an array: .*Python objects, which are not loaded"):
        _open(tmp_path / "a.pt")


def test_an_array_in_fortran_order_is_read_the_same(tmp_path):
    array = _clips(2, 3, 4, 5, 3)
    np.save(tmp_path / "a.npy", np.asfortranarray(array))
    assert torch.equal(_open(tmp_path / "a.npy").read(1), torch.from_numpy(array[1]).permute(0, 3, 1, 2))


def test_one_array_of_several_is_addressed_by_name(tmp_path):
    first, second = _clips(2, 3, 4, 5, 3), _clips(2, 3, 4, 5, 3, seed=1)
    path = tmp_path / "both.npz"
    np.savez_compressed(path, real=first, fake=second)
    assert torch.equal(_open(f"{path}:fake").read(0), torch.from_numpy(second[0]).permute(0, 3, 1, 2))
    with pytest.raises(VideoError, match=r"holds 2 arrays; name one. The arrays in it: both.npz:real, both.npz:fake"):
        _open(path)
    with pytest.raises(VideoError, match=r"holds no array 'fakes'; the arrays in it: both.npz:real, both.npz:fake"):
        _open(f"{path}:fakes")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 4, 5, 3), np.float32), r"is float32 \(2, 3, 4, 5, 3\).*np.rint\(255 \* x\)"),
        (np.zeros((2, 3, 4, 5, 3), np.int64), r"is int64 .*values lie between 0 and 0: x.astype\(np.uint8\) keeps them"),
        (np.zeros((2, 3, 3, 4, 5), np.uint8), r"has the shape \(2, 3, 3, 4, 5\).*x.transpose\(0, 1, 3, 4, 2\)"),
        (np.zeros((3, 4, 5), np.uint8), r"has the shape \(3, 4, 5\), but clips are uint8 \(N, T, H, W, C\)"),
        (np.zeros((2, 3, 4, 5, 4), np.uint8), r"has the shape \(2, 3, 4, 5, 4\)"),
        (np.zeros((0, 3, 4, 5, 3), np.uint8), r"there is nothing in it"),
    ],
)
def test_another_dtype_or_shape_is_refused_with_a_way_out(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(VideoError, match=message):
        _open(tmp_path / "a.npy")


def test_pickled_objects_are_never_loaded(tmp_path):
    objects = np.array([{"a": 1}], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "b.npz", objects)
    for name in ("a.npy", "b.npz"):
        with pytest.raises(VideoError, match="cannot be read as an array: .*Python objects"):
            _open(tmp_path / name)


@FORMATS
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, name, share):
    _save(tmp_path / name, _clips(2, 3, 20, 20, 3))
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(VideoError, match=rf"{name} (is empty|cannot be read as an array)"):
        _open(tmp_path / name)


def test_a_damaged_archive_and_a_missing_file_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", _clips(2, 3, 20, 20, 3))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.npz").write_bytes(bytes(data))
    with pytest.raises(VideoError, match="Bad CRC-32"):
        _open(tmp_path / "a.npz")
    with pytest.raises(VideoError, match="does not exist"):
        _open(tmp_path / "b.npy")


def test_an_npy_under_the_suffix_of_an_archive_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", _clips(1, 2, 4, 4, 3))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(VideoError, match=r"a.npz is a single array in spite of its suffix. Rename it to .npy"):
        _open(tmp_path / "a.npz")


def test_a_range_outside_a_clip_names_the_clip(tmp_path):
    np.save(tmp_path / "a.npy", _clips(2, 3, 4, 5, 3))
    with pytest.raises(VideoError, match=r"a.npy, clip 1: frames 2 to frame 3 were asked for, but the video has 3"):
        _open(tmp_path / "a.npy").read(1, 2, 2)


@pytest.mark.parametrize("path", ["clips", "clips:fake", "a.mp4", "missing.npz:fake"])
def test_other_paths_are_no_addresses(tmp_path, path):
    assert array_address(tmp_path / path) is None
