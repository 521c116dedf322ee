"""Small valid files of each kind that vgbench reads, and what a reader may make of them once they are damaged."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from contextlib import closing
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import av
import h5py
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vgbench.data.protocol_data import ProtocolData
from vgbench.generation.manifest import read_manifest
from vgbench.leaderboard.ranking import build_leaderboard
from vgbench.protocol import load_protocol
from vgbench.runs.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from vgbench.runs.checksums import seal
from vgbench.runs.features import REAL, FeatureWriter, Owner
from vgbench.runs.records import EvalRecord, RowRecord
from vgbench.runs.run import EvalRun, create_run, open_run
from vgbench.runs.scores import ClipScores, ScoreWriter
from vgbench.video import open_clips, probe_video, read_pictures, read_video, write_lossless, write_preview
from vgbench.weights.adoption import add_weights
from vgbench.weights.store import load_weights

FRAMES, HEIGHT, WIDTH = 8, 48, 64
MEMORY = 64 * 2**20

Read = Callable[[Path], Hashable]


class Specimen(NamedTuple):
    """A kind of file."""

    name: str
    make: Callable[[Path], Path]
    """Writes the valid file into an empty folder, with what belongs to it; returns its path."""
    read: Read
    """What the reader gives, as something that can be compared.  VgbenchError: it refuses the file."""
    promise: str
    """What holds of a damaged file that is not refused: "same", it gives what the whole file gives; "whole if cut", a file that was only
    cut does; "sound", what it gives is in itself in order, which `read` looks at."""


def clip(frames: int = FRAMES) -> Tensor:
    """uint8 (T, 3, H, W): smooth, every frame another."""
    t, y, x = np.meshgrid(np.arange(frames), np.arange(HEIGHT), np.arange(WIDTH), indexing="ij")
    planes = [128 + 100 * np.sin((x + 2 * t) / 9 + phase) * np.cos(y / 11 + phase) for phase in range(3)]
    return torch.from_numpy(np.stack(planes, axis=1).round().astype(np.uint8))


def _encoded(name: str, codec: str, pixel_format: str, **options: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=Fraction(25), options=options)
            stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, pixel_format
            for number, image in enumerate(clip()):
                frame = av.VideoFrame.from_ndarray(image.permute(1, 2, 0).contiguous().numpy(), format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


def _own(name: str, write: Callable[[Path, Tensor, float], None]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write(folder / name, clip(), 25)
        return folder / name

    return make


def _y4m(folder: Path) -> Path:
    planes = [bytes([16 * number]) * (HEIGHT * WIDTH * 3 // 2) for number in range(FRAMES)]
    header = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C420jpeg\n".encode()
    (folder / "clip.y4m").write_bytes(header + b"".join(b"FRAME\n" + plane for plane in planes))
    return folder / "clip.y4m"


def _animation(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        first, *rest = (Image.fromarray(frame.permute(1, 2, 0).numpy()) for frame in clip())
        first.save(folder / f"clip.{suffix}", save_all=True, append_images=rest, duration=40)
        return folder / f"clip.{suffix}"

    return make


def _pictures(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        for number, frame in enumerate(clip(3)):
            Image.fromarray(frame.permute(1, 2, 0).numpy()).save(folder / f"{number}.{suffix}")
        return folder / f"1.{suffix}"

    return make


def _array(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        clips = torch.stack([clip(), clip().flip(0)]).permute(0, 1, 3, 4, 2).contiguous().numpy()
        path = folder / f"clips.{suffix}"
        if suffix == "npy":
            np.save(path, clips)
        elif suffix == "pt":
            torch.save(torch.from_numpy(clips), path)
        elif suffix == "h5":
            with h5py.File(path, "w") as file:
                file.create_dataset("clips", data=clips, compression="gzip")
        else:
            np.savez_compressed(path, clips=clips)
        return path

    return make


def _run(file: str) -> Callable[[Path], Path]:
    """An evaluation of two rows on two clips of each of six sources, whose file is looked for."""

    def make(folder: Path) -> Path:
        identity = ProtocolData(load_protocol(_protocol(folder))).identity
        rows = tuple(RowRecord(label=label, generator=f"x/{label}", n_lines=12) for label in ("good", "bad"))
        names = {"kvd@i3d": "kinetics"}
        metrics = ("mse@mean", "kvd@i3d")
        record = EvalRecord(protocol=identity, metrics=metrics, rows=rows, features=names, feature_arrays=names, status="done")
        run = create_run(EvalRun, folder, "x", record)
        rng = np.random.default_rng(0)
        features = FeatureWriter(run.path, "kinetics")
        with ScoreWriter(run.path) as scores, closing(features):
            for number in range(12):
                clip_id, source = f"s{number // 2}/{number % 2}", f"s{number // 2}"
                features.write(Owner(REAL, clip_id, source, 0), rng.normal(size=(1, 5)))
                for label, error in (("good", 0.01), ("bad", 0.02)):
                    features.write(Owner(label, clip_id, source, 0), rng.normal(size=(1, 5)))
                    values = {"mse@mean": (error * rng.uniform(0.5, 1.5, 7)).tolist()}
                    scores.write([ClipScores(clip_id, source, 0, label, None, values, 7, 0, 0.5)])
        seal(run)
        run.save()
        return next(run.path.glob(file))

    return make


def _checkpoint(folder: Path) -> Path:
    state = {"base": {"weight": torch.arange(300.0).view(3, 100), "steps": torch.tensor(4)}}
    parts = {"stage": "base", "stage_step": 2, "step": 2, "finished_stages": {"base": 2}, "elapsed": {"base": 1.5}}
    checkpoint = Checkpoint(
        generator="x/y",
        config={"width": 8, "betas": (0.5, 0.9)},
        protocol={"task.frames": 8},
        generator_state=state,
        stage_state={"adam": {}},
        rng=torch.Generator().get_state(),
        **parts,
    )
    save_checkpoint(folder / "step-000002.pt", checkpoint)
    return folder / "step-000002.pt"


PROTOCOL = """
summary = "8 frames of 32×32"

[data]
dataset = "synthetic-sky"
config = { train_sources = 4, validation_sources = 2, test_sources = 6, frames = 8 }

[train]
split = "train"
length = 8
stride = 8

[test]
split = "test"
length = 8
stride = 8

[video]
size = [32, 32]

[task]
frames = 8
score_from = 1
"""


def _protocol(folder: Path) -> Path:
    path = folder / "protocol.toml"
    path.write_text(PROTOCOL, encoding="utf-8")
    return path


def _manifest(folder: Path) -> Path:
    table = {
        "format": 1,
        "generator": "noise",
        "protocol": {"id": "0123456789abcdef", "name": "x", "task.frames": 8},
        "score_from": 1,
        "samples": 2,
        "clips": {f"test-000{number}/000000": f"test-000{number}" for number in range(4)},
    }
    (folder / "manifest.json").write_text(json.dumps(table, indent=1), encoding="utf-8")
    return folder / "manifest.json"


def _niqe(folder: Path) -> Path:
    arrays = {"mu_pris_param": np.zeros((1, 36)), "cov_pris_param": np.eye(36), "gaussian_window": np.full((7, 7), 1 / 49)}
    np.savez(folder / "niqe.npz", **arrays)
    return folder / "niqe.npz"


def _of_video(path: Path) -> Hashable:
    frames = read_video(path)
    assert frames.dtype == torch.uint8
    assert frames.ndim == 4
    assert frames.shape[1] in (1, 3)
    assert probe_video(path).frames == len(frames)
    return len(frames)


def _of_clips(path: Path) -> Hashable:
    digests = []
    for one in open_clips(path, max_memory=MEMORY).clips:
        frames, info = one.read(), one.info()
        assert frames.dtype == torch.uint8
        assert tuple(frames.shape) == (info.frames, info.channels, info.height, info.width)
        digests.append(sha256(frames.numpy().tobytes()).hexdigest())
    return tuple(digests)


def _of_pictures(path: Path) -> Hashable:
    frames = read_pictures(path.parent)
    assert frames.dtype == torch.uint8
    assert len(frames) == 3
    return len(frames)


def _of_run(path: Path) -> Hashable:
    run = next(parent for parent in path.parents if (parent / "run.json").exists())
    board = build_leaderboard([open_run(run)])
    return tuple(score.value for row in board.rows for score in row.scores.values())


def _of_checkpoint(path: Path) -> Hashable:
    state = load_checkpoint(path)
    digest = sha256(repr((state.stage, state.step, state.config)).encode())
    for part in sorted(state.generator_state):
        for name, value in state.generator_state[part].items():
            digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def _of_protocol(path: Path) -> Hashable:
    protocol = load_protocol(path)
    assert protocol.task.frames >= 1
    assert json.dumps(protocol.compared(), default=str)
    return protocol.task.frames


def _of_manifest(path: Path) -> Hashable:
    manifest = read_manifest(path.parent)
    assert manifest is not None
    assert manifest.samples >= 1
    assert all(isinstance(name, str) for name in manifest.clips)
    return len(manifest.clips)


def _of_niqe(path: Path) -> Hashable:
    add_weights("niqe", path)
    weights = load_weights("niqe")
    return tuple(weights.tensors)


SPECIMENS = (
    Specimen("ffv1.mkv", _own("clip.mkv", write_lossless), _of_video, "whole if cut"),
    Specimen("h264.mp4", _own("clip.mp4", write_preview), _of_video, "whole if cut"),
    Specimen("h264.mkv", _encoded("clip.mkv", "libx264", "yuv420p"), _of_video, "whole if cut"),
    Specimen("mjpeg.avi", _encoded("clip.avi", "mjpeg", "yuvj420p"), _of_video, "whole if cut"),
    Specimen("mpeg4.avi", _encoded("clip.avi", "mpeg4", "yuv420p"), _of_video, "whole if cut"),
    Specimen("vp8.webm", _encoded("clip.webm", "libvpx", "yuv420p"), _of_video, "whole if cut"),
    Specimen("y4m", _y4m, _of_video, "sound"),  # cut between two frames it is a shorter video
    Specimen("gif", _animation("gif"), _of_video, "whole if cut"),
    Specimen("apng", _animation("png"), _of_video, "same"),
    Specimen("animated webp", _animation("webp"), _of_video, "whole if cut"),
    Specimen("png", _pictures("png"), _of_pictures, "sound"),
    Specimen("jpg", _pictures("jpg"), _of_pictures, "sound"),
    Specimen("npy", _array("npy"), _of_clips, "whole if cut"),
    Specimen("npz", _array("npz"), _of_clips, "same"),
    Specimen("pt", _array("pt"), _of_clips, "same"),
    Specimen("h5", _array("h5"), _of_clips, "whole if cut"),
    Specimen("run.json", _run("run.json"), _of_run, "same"),
    Specimen("scores.jsonl", _run("scores.jsonl"), _of_run, "same"),
    Specimen("features.npy", _run("features/*.npy"), _of_run, "same"),
    Specimen("features.jsonl", _run("features/*.jsonl"), _of_run, "same"),
    Specimen("checkpoint", _checkpoint, _of_checkpoint, "same"),
    Specimen("protocol", _protocol, _of_protocol, "sound"),
    Specimen("manifest", _manifest, _of_manifest, "sound"),
    Specimen("weights.npz", _niqe, _of_niqe, "sound"),
)
