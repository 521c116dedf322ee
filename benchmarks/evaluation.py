"""A whole evaluation of given clips on a processor against the bare decoding of the same files: `python benchmarks/evaluation.py`.

Writes two folders of H.264 clips, decodes and converts all of them to RGB with two threads, and runs `vgbench eval` on them as a user
would, start and imports included. Prints seconds and the ratio to the decoding; everything is repeated, and the fastest counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

METRICS = ("mse", "psnr,ssim", "mse,mae,rmse,psnr,ssim,ssim@skimage")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=48, help="on each side")
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--metrics", nargs="*", default=METRICS)
    parser.add_argument("--folder", type=Path, help="where the clips are kept for the next time; by default a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        for seed, side in enumerate(("made", "real")):
            write_side(folder / side, given.clips, given.frames, given.size, seed)
        files = sorted(folder.glob("*/*.mp4"))
        works: dict[str, Callable[[], object]] = {
            "decode and convert, 2 threads": lambda: decode_all(files),
            "start alone, vgbench --version": lambda: run(["--version"]),
            **{f"vgbench eval --metrics {names}": lambda names=names: evaluate(folder, names) for names in given.metrics},
        }
        seconds = {name: min(timed(work) for _ in range(given.repeats)) for name, work in works.items()}
    decoding = seconds["decode and convert, 2 threads"]
    print(f"{len(files)} mp4 of {given.frames} frames at {given.size}×{given.size}, the fastest of {given.repeats}:\n")
    print("| | seconds | times the decoding |\n| --- | ---: | ---: |")
    for name, taken in seconds.items():
        print(f"| {name} | {taken:.2f} | {taken / decoding:.2f} |")


def write_side(folder: Path, clips: int, frames: int, size: int, seed: int) -> None:
    """Clips of a drifting, grainy pattern, as H.264 of high quality; those that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(clips):
        path = folder / f"{number:04d}.mp4"
        if not path.exists():
            write_clip(path, np.random.default_rng([seed, number]), frames, size)


def write_clip(path: Path, rng: np.random.Generator, frames: int, size: int) -> None:
    coarse = rng.integers(0, 256, (size // 8, size // 4, 3)).astype(np.float32)
    texture = np.kron(coarse, np.ones((8, 8, 1), dtype=np.float32)) + rng.normal(0, 6, (size, 2 * size, 3))
    texture = np.clip(texture, 0, 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "18"})
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            moved = np.roll(texture, -2 * number, axis=1)[:, :size]
            pixels = np.clip(moved + rng.integers(-12, 13, moved.shape), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decode_all(files: Sequence[Path]) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(decode, files))


def decode(path: Path) -> int:
    """The work that nobody is spared: every frame as an array of RGB."""
    with av.open(str(path)) as container:
        return sum(frame.to_ndarray(format="rgb24").shape[0] for frame in container.decode(video=0))


def evaluate(folder: Path, metrics: str) -> None:
    with tempfile.TemporaryDirectory() as runs:
        run(["eval", "--generated", folder / "made", "--reference", folder / "real", "--metrics", metrics, "--runs", runs])


def run(arguments: Sequence[object]) -> None:
    subprocess.run([sys.executable, "-m", "vgbench", *map(str, arguments)], check=True, capture_output=True)


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
