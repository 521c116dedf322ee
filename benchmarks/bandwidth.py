"""How near each paired metric comes to reading its inputs once.

    python benchmarks/bandwidth.py [--device cuda] [--size 128] [--clips 64] [--repetitions 5]

The device's copy bandwidth is measured with the very clips: a copy reads and writes each byte, so reading alone is taken as half of it.
A metric's ratio is its median time over the time to read both sides once; it is given a new copy each time, whose cost is taken off,
since on the same tensors twice metrics would share what they computed. Largest difference: to the values of the CPU.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from metrics import clips

from vgbench.plugins.registry import load_registry

FRAMES = 16
METRICS = (
    *("mse", "mae", "rmse", "psnr", "psnr@y-limited", "psnr@uint8wrap", "ssim", "ssim@skimage", "ssim@torchmetrics"),
    *("ssim@piq", "ssim@pyiqa", "ms-ssim", "motion-ratio", "drift-ratio"),
)


def seconds(run: Callable[[], Any], device: torch.device, repetitions: int) -> float:
    """The median of some runs, after one to warm up."""
    times = []
    for _ in range(repetitions + 1):
        _finish(device)
        started = time.perf_counter()
        run()
        _finish(device)
        times.append(time.perf_counter() - started)
    return median(times[1:])


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--size", type=int, default=256, choices=(64, 128, 256))
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=5)
    given = parser.parse_args()
    device = torch.device(given.device)
    sides = [torch.from_numpy(one) for one in clips(given.size)]
    whole = [side.repeat(-(-given.clips // len(side)), 1, 1, 1, 1)[: given.clips] for side in sides]
    there = [side.to(device) for side in whole]
    read = seconds(lambda: [side.clone() for side in there], device, given.repetitions) / 2
    size = sum(side.numel() for side in there)
    print(
        f"{device}: copies at {size / read / 1e9:.1f} GB/s, reading and writing counted; {size / 2**20:.0f} MiB read once in {read:.2e} s\n"
    )
    print("| metric | s | × the time to read | largest difference from the CPU |")
    print("| --- | ---: | ---: | ---: |")
    for name in METRICS:
        metric = load_registry().metrics.get(name).load()()
        taken = seconds(lambda metric=metric: metric.measure(there[1].clone(), there[0]), device, given.repetitions)
        few = metric.measure(whole[1][:2], whole[0][:2])
        difference = (metric.measure(there[1][:2], there[0][:2]).cpu() - few).abs().max().item()
        print(f"| {name} | {taken - read:.2e} | {(taken - read) / read:.1f} | {difference:.1e} |", flush=True)


if __name__ == "__main__":
    main()
