"""`vgbench generate --checkpoint`: weights that a method's authors published, from made files of the same keys."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

from vgbench.data.clips import to_float
from vgbench.data.protocol_data import ProtocolData
from vgbench.generation.boundary import to_uint8
from vgbench.interfaces import Request
from vgbench.protocol import load_protocol
from vgbench.video.decode import read_video
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.generator import MDGAN
from vgbench_mdgan.published import layer_names


def made_files(generator: MDGAN, *, legacy: bool) -> dict[str, Path]:
    """What the authors' program would have saved of the generator, under their names; legacy: as torch 0.3 wrote files."""
    files = {}
    for part in ("base", "refine"):
        network = getattr(generator, part)
        theirs = {ours: name for name, ours in layer_names(len(network.encoder)).items()}
        keys = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]
        state = {f"{theirs[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": network.state_dict()[key] for key in keys}
        files[part] = Path(f"{part}.pth")
        torch.save(state, files[part], _use_new_zipfile_serialization=not legacy)
    return files


def mdgan() -> MDGAN:
    return MDGAN(MDGANConfig(size=(32, 32), frames=8, width=4), device=torch.device("cpu"))


def options(files: dict[str, Path]) -> list[str]:
    return [text for part, file in files.items() for text in ("--checkpoint", f"{part}={file}")]


@pytest.mark.parametrize("legacy", [False, True])
def test_clips_are_those_of_the_published_networks(tiny, vgbench, legacy):
    generator = mdgan()
    files = made_files(generator, legacy=legacy)
    ran = vgbench("generate", "mdgan", "--protocol", tiny, "--device", "cpu", "--out", "clips", "--set", "width=4", *options(files))
    assert ran.status == 0, ran.err
    generator.load_state_dict({part: getattr(generator, part).state_dict() for part in ("base", "refine")})
    data = ProtocolData(load_protocol(tiny))
    clips = data.clips("test")
    assert f"{len(clips)} clips in clips" in ran.out
    for clip in clips[:2]:
        made = generator.generate(Request(to_float(data.read(clip)[None, :1]), 8, 0, (0,)))
        stored = read_video(Path("clips") / f"{clip.clip_id}.mkv")
        assert (stored.int() - to_uint8(made)[0].int()).abs().max() <= 1


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch pwned",)


def test_a_hostile_or_foreign_file_is_refused_and_runs_nothing(tiny, vgbench):
    Path("hostile.pth").write_bytes(pickle.dumps({"downConv1.weight": Hostile()}, protocol=2))
    torch.save(torch.zeros(3), "tensor.pth")
    torch.save({"downConv1.weight": "text"}, "text.pth")
    for file, words in (
        ("hostile.pth", "hostile.pth is refused"),
        ("tensor.pth", "tensor.pth holds no state dict"),
        ("text.pth", "text.pth holds no state dict"),
        ("missing.pth", "There is no checkpoint missing.pth"),
    ):
        ran = vgbench("generate", "mdgan:base", "--protocol", tiny, "--out", "clips", "--checkpoint", f"base={file}")
        assert ran.status == 1
        assert words in ran.err
        assert not Path("clips").exists()
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mdgan", "--checkpoint", "base=base.pth"], "released weights of refine (G2, stage II) are missing"),
        (["mdgan", "--checkpoint", "base=base.pth", "--checkpoint", "refined=refine.pth"], "Did you mean refine?"),
        (["mdgan@runs/x", "--checkpoint", "base=base.pth"], "names a run or file after @ and gets its weights from --checkpoint"),
        (["copy-first", "--checkpoint", "base=base.pth"], "knows no published weights"),
        (["mdgan", "--set", "width=4"], "--set goes with --checkpoint"),
        (["mdgan:base", "--checkpoint", "base=base.pth", "--set", "frames=16"], "frames is fixed by protocol tiny"),
        (["mdgan:base", "--checkpoint", "base=base.pth"], "set size, frames, channels and width as in the run that wrote it"),
    ],
)
def test_what_does_not_go_together_says_why(tiny, vgbench, arguments, words):
    made_files(mdgan(), legacy=False)
    ran = vgbench("generate", *arguments, "--protocol", tiny, "--device", "cpu", "--out", "clips")
    assert ran.status == 1
    assert words in ran.err


def test_a_part_without_a_file_is_a_usage_error(tiny, vgbench):
    ran = vgbench("generate", "mdgan", "--protocol", tiny, "--out", "clips", "--checkpoint", "base.pth")
    assert ran.status == 2
    assert "write PART=FILE, such as base=G1.pth" in ran.err
