"""How fast clips come: from a packed split, and decoded on the fly from jpgs and from mp4s; and what packing costs.

    python benchmarks/data.py [--videos 12] [--frames 128] [--workers 2] [--repetitions 5]

Made videos of 640×360 are read as clips of 32 frames at 128×128, squashed, by so many threads. Each way of reading runs in a process of
its own, on files that the system has in memory; of the repetitions the median counts. Packing is set against the bare work of the
libraries on the same files by as many threads: Pillow's decoding (PyAV's for mp4) and the resize, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image

from vgbench.data.inspection.prepare import prepare
from vgbench.data.loader import read_ahead
from vgbench.data.protocol_data import ProtocolData
from vgbench.protocol import load_protocol
from vgbench.video.decode import read_video
from vgbench.video.encode import write_preview
from vgbench.video.resizing import resize

PROTOCOL = """
[data]
dataset = "video-folder"

[test]
split = "all"
length = 32
stride = 32

[video]
size = [128, 128]

[task]
frames = 32
score_from = 1
"""
KINDS = ("jpg", "mp4")


def make_videos(folder: Path, videos: int, frames: int) -> None:
    """Clouds that drift, with grain, as jpgs (quality 90) and as mp4."""
    rows, columns = np.meshgrid(np.arange(360), np.arange(640), indexing="ij")
    for number in range(videos):
        rng = np.random.default_rng(number)
        waves = rng.uniform(0.005, 0.05, (12, 2)), rng.uniform(0, 6, 12), rng.uniform(-0.2, 0.2, 12)
        video = np.empty((frames, 360, 640, 3), dtype=np.uint8)
        for frame in range(frames):
            level = sum(np.sin(a * rows + b * columns + phase + speed * frame) for (a, b), phase, speed in zip(*waves, strict=True))
            grain = rng.normal(scale=4, size=(360, 640, 1))
            video[frame] = np.clip(128 + 12 * level[..., None] * [0.8, 0.9, 1.0] + grain, 0, 255)
        jpgs = folder / "jpg" / f"video-{number:02d}"
        jpgs.mkdir(parents=True)
        for frame in range(frames):
            Image.fromarray(video[frame]).save(jpgs / f"{frame:04d}.jpg", quality=90)
        (folder / "mp4").mkdir(exist_ok=True)
        write_preview(folder / "mp4" / f"video-{number:02d}.mp4", torch.from_numpy(video).permute(0, 3, 1, 2).contiguous(), 25.0)
    (folder / "protocol.toml").write_text(PROTOCOL)


def opened(folder: Path, kind: str) -> ProtocolData:
    return ProtocolData(load_protocol(folder / "protocol.toml"), {"video-folder": folder / kind})


def read_clips(folder: Path, kind: str, workers: int, *, from_files: bool) -> tuple[int, float]:
    """Read every clip once; clips, and seconds."""
    data = opened(folder, kind)
    clips = data.clips("test")
    read = (lambda clip: data.read_frames(clip.source_id, clip.start, clip.length)) if from_files else data.read
    started = time.perf_counter()
    total = sum(len(frames) for frames in read_ahead(clips, read, workers=workers, ahead=2 * workers))
    assert total == 32 * len(clips)
    return len(clips), time.perf_counter() - started


def pack(folder: Path, kind: str, workers: int) -> tuple[int, float]:
    """Pack everything again; frames, and seconds."""
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        os.environ["VGBENCH_CACHE"] = cache
        opened(folder, kind).split_fingerprint("all")  # files are hashed once whatever happens then
        started = time.perf_counter()
        (done,) = prepare(protocol=folder / "protocol.toml", data={"video-folder": folder / kind}, workers=workers)
        return done.pack.n_frames, time.perf_counter() - started


def bare(folder: Path, kind: str, workers: int) -> tuple[int, float]:
    """Decode and resize, and throw away; frames, and seconds."""

    def of_jpg(path: Path) -> int:
        with Image.open(path) as image:
            frame = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None]
        return len(resize(frame, (128, 128), resample="bilinear", fit="squash"))

    def of_mp4(path: Path) -> int:
        return len(resize(read_video(path), (128, 128), resample="bilinear", fit="squash"))

    paths = sorted((folder / kind).rglob(f"*.{kind}"))
    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        frames = sum(pool.map(of_jpg if kind == "jpg" else of_mp4, paths))
    return frames, time.perf_counter() - started


def ways(folder: Path, workers: int) -> dict[str, Callable[[], tuple[int, float]]]:
    found: dict[str, Callable[[], tuple[int, float]]] = {}
    for kind in KINDS:
        found[f"{kind}: on the fly"] = lambda kind=kind: read_clips(folder, kind, workers, from_files=True)
        found[f"{kind}: packed"] = lambda kind=kind: read_clips(folder, kind, workers, from_files=False)
        found[f"{kind}: packing"] = lambda kind=kind: pack(folder, kind, workers)
        found[f"{kind}: bare decode and resize"] = lambda kind=kind: bare(folder, kind, workers)
    return found


def measure(folder: Path, way: str, given: argparse.Namespace) -> dict[str, Any]:
    """One way of reading, in a process of its own."""
    command = [sys.executable, __file__, "--here", way, "--folder", str(folder)]
    command += ["--workers", str(given.workers), "--repetitions", str(given.repetitions)]
    environment = os.environ | {"VGBENCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{way}: {done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=12)
    parser.add_argument("--frames", type=int, default=128)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--here", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        runs = [ways(given.folder, given.workers)[given.here]() for _ in range(given.repetitions + 1)][1:]
        seconds = [one[1] for one in runs]
        print(json.dumps({"units": runs[0][0], "seconds": median(seconds), "spread": max(seconds) / min(seconds)}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_videos(folder, given.videos, given.frames)
        os.environ["VGBENCH_CACHE"] = str(folder / "cache")
        for kind in KINDS:
            prepare(protocol=folder / "protocol.toml", data={"video-folder": folder / kind}, workers=given.workers)
        print("| source | way | a second | slowest / fastest | |")
        print("| --- | --- | ---: | ---: | --- |")
        for kind in KINDS:
            names = ("on the fly", "packed", "packing", "bare decode and resize")
            found = {way: measure(folder, f"{kind}: {way}", given) for way in names}
            rate = {way: one["units"] / one["seconds"] for way, one in found.items()}
            said = {
                "packed": f"{rate['packed'] / rate['on the fly']:.0f}× on the fly",
                "packing": f"{100 * rate['packing'] / rate['bare decode and resize']:.0f} % of the bare rate",
            }
            for way, one in found.items():
                unit = "clips" if way in ("on the fly", "packed") else "frames"
                print(f"| {kind} | {way} | {rate[way]:,.0f} {unit} | {one['spread']:.2f} | {said.get(way, '')} |")


if __name__ == "__main__":
    main()
