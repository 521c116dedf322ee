"""Speed, error and memory of vgbench's metrics beside other implementations.

    python benchmarks/metrics.py [--task ssim] [--repetitions 5] [--threads 2]

Every implementation runs in a process of its own, on the same clips, with pinned threads: one run to warm up, then the repetitions,
of which the median counts. Errors are against float64 references; peak memory is the process's, packages included. What is not
installed is left out: frame-analytics, torchmetrics, pytorch-msssim, scikit-image.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import numpy as np

FRAMES = {64: 1024, 128: 512, 256: 128}
"""Size → RGB frames that are scored, in clips of 16."""
BATCHES = (1, 4, 16, 64)
"""What torchmetrics is tried with; its best counts."""


class Case(NamedTuple):
    """What one implementation does of one task."""

    run: Callable[[], Any]
    """Gives values to compare with the reference."""
    units: int
    """Frames, or calls, of one run."""


def clips(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of clips, uint8 (N, 16, 3, size, size): smooth pictures, the second with noise."""
    rng = np.random.default_rng(size)
    n = FRAMES[size] // 16
    rows, columns = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    phase = rng.uniform(0, 6, (n, 16, 3, 1, 1))
    first = 127 + 70 * np.sin(rows / 7 + phase) + 50 * np.cos(columns / 11 - phase)
    second = first + rng.normal(scale=12, size=first.shape)
    return tuple(np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in (first, second))


def ssim_vgbench(size: int) -> Case:
    import torch

    from vgbench.metrics.similarity.ssim import WANG, ssim

    x, y = (torch.from_numpy(one) for one in clips(size))
    return Case(lambda: ssim(y, x, WANG).flatten().numpy(), FRAMES[size])


def ssim_torchmetrics(size: int) -> Case:
    """Its own definition, with reflected borders; the batch that is fastest here."""
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure as measure

    x, y = (torch.from_numpy(one).flatten(0, 1) for one in clips(size))

    def run(batch: int) -> np.ndarray:
        pairs = zip(torch.split(x, batch), torch.split(y, batch), strict=True)
        values = [measure(b.float() / 255, a.float() / 255, data_range=1.0, reduction="none").reshape(-1) for a, b in pairs]
        return torch.cat(values).numpy()

    best = min(BATCHES, key=lambda batch: _seconds(lambda: run(batch)))
    return Case(lambda: run(best), FRAMES[size])


def ssim_msssim(size: int) -> Case:
    import pytorch_msssim
    import torch

    x, y = (torch.from_numpy(one).flatten(0, 1) for one in clips(size))

    def run(batch: int) -> np.ndarray:
        pairs = zip(torch.split(x, batch), torch.split(y, batch), strict=True)
        return torch.cat([pytorch_msssim.ssim(b.float(), a.float(), data_range=255, size_average=False) for a, b in pairs]).numpy()

    best = min(BATCHES, key=lambda batch: _seconds(lambda: run(batch)))
    return Case(lambda: run(best), FRAMES[size])


def ssim_skimage(size: int) -> Case:
    from skimage.metrics import structural_similarity

    x, y = (one.reshape(-1, 3, size, size) for one in clips(size))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "channel_axis": 0}
    return Case(lambda: np.array([structural_similarity(b, a, **options) for a, b in zip(x, y, strict=True)]), FRAMES[size])


def ssim_frame_analytics(size: int) -> Case:
    import frame_analytics
    import torch

    x, y = (torch.from_numpy(one).flatten(0, 1) for one in clips(size))
    return Case(lambda: frame_analytics.ssim(y, x, data_range=255.0, reduction="none").numpy(), FRAMES[size])


def pixel_vgbench(size: int) -> Case:
    """mse, mae, rmse and psnr of each frame."""
    import torch

    from vgbench.metrics.pixel.errors import mae, mse, rmse
    from vgbench.metrics.pixel.psnr import psnr

    x, y = (torch.from_numpy(one) for one in clips(size))

    def run() -> np.ndarray:
        shown = y.clone()  # a new tensor, so that nothing is remembered from the repetition before
        return np.stack([metric(shown, x, data_range=255).flatten().numpy() for metric in (mse, mae, rmse, psnr)])

    return Case(run, FRAMES[size])


def pixel_torchmetrics(size: int) -> Case:
    """The same of each frame, from uint8, the clips as floats in [0, 1] made once for all four."""
    import torch
    from torchmetrics.functional.image import peak_signal_noise_ratio
    from torchmetrics.functional.regression import mean_absolute_error, mean_squared_error

    x, y = (torch.from_numpy(one).flatten(0, 1) for one in clips(size))

    def run() -> np.ndarray:
        a, b = x.float() / 255, y.float() / 255
        flat = a.flatten(1).T.contiguous(), b.flatten(1).T.contiguous()
        squared = mean_squared_error(flat[1], flat[0], num_outputs=flat[0].shape[1])
        absolute = mean_absolute_error(flat[1], flat[0], num_outputs=flat[0].shape[1])
        decibels = peak_signal_noise_ratio(b, a, data_range=1.0, dim=(1, 2, 3), reduction="none")
        return np.stack([squared.numpy(), absolute.numpy(), squared.sqrt().numpy(), decibels.numpy()])

    return Case(run, FRAMES[size])


def features() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(400, 400)) / 20
    return rng.normal(size=(64, 400)) @ mixing, rng.normal(size=(64, 400)) @ mixing + 0.1


def frechet_vgbench(_: int) -> Case:
    from vgbench.metrics.sets.frechet import frechet_distance

    first, second = features()
    return Case(lambda: np.array([frechet_distance(first, second)]), 1)


def frechet_sqrtm(_: int) -> Case:
    """As published code computes it."""
    import scipy.linalg

    first, second = features()

    def run() -> np.ndarray:
        one, other = np.cov(first, rowvar=False, bias=True), np.cov(second, rowvar=False, bias=True)
        shift = first.mean(axis=0) - second.mean(axis=0)
        return np.array([shift @ shift + np.trace(one) + np.trace(other) - 2 * np.trace(scipy.linalg.sqrtm(one @ other).real)])

    return Case(run, 1)


def lpips_vgbench(size: int) -> Case:
    from vgbench.metrics.perceptual.lpips import lpips_alex

    metric = lpips_alex()
    metric.prepare()
    x, y = _two_clips(size)
    return Case(lambda: metric.measure(y, x).flatten().numpy(), 32)


def lpips_loop(size: int) -> Case:
    """The same network frame by frame, each side by itself, as the package's examples do."""
    network = _FrameByFrame()
    x, y = (one.flatten(0, 1) for one in _two_clips(size))

    return Case(lambda: np.array([network.distance(b, a) for a, b in zip(x, y, strict=True)]), 32)


class _FrameByFrame:
    """LPIPS through AlexNet, written down once more: a frame at a time, each side by itself."""

    def __init__(self, dtype: str = "float32") -> None:
        import torch

        from vgbench.metrics.networks import backbones
        from vgbench.weights.store import load_weights

        self._dtype = getattr(torch, dtype)
        tensors = {name: tensor.to(self._dtype) for name, tensor in load_weights("lpips-alex").tensors.items()}
        self._network = backbones.alex().eval().to(self._dtype)
        self._network.load_state_dict({name: tensor for name, tensor in tensors.items() if name.startswith("features")})
        self._linear = [tensors[f"lin{index}.weight"] for index in range(5)]
        shift, scale = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
        self._shift, self._scale = (torch.tensor(one, dtype=self._dtype).view(3, 1, 1) for one in (shift, scale))

    def _layers(self, frame: Any) -> list[Any]:
        found = self._network(((frame[None].to(self._dtype) / 127.5 - 1) - self._shift) / self._scale)
        return [layer / (layer.square().sum(1, keepdim=True).sqrt() + 1e-10) for layer in found]

    def distance(self, frame: Any, reference: Any) -> float:
        import torch
        from torch.nn import functional

        with torch.no_grad():
            layers = zip(self._layers(frame), self._layers(reference), self._linear, strict=True)
            return sum(float(functional.conv2d((p - q) ** 2, linear).mean()) for p, q, linear in layers)


def _two_clips(size: int) -> list[Any]:
    import torch

    return [torch.from_numpy(one[:2]) for one in clips(size)]


CASES: dict[str, dict[str, Callable[[int], Case]]] = {
    "ssim": {
        "vgbench": ssim_vgbench,
        "torchmetrics": ssim_torchmetrics,
        "pytorch-msssim": ssim_msssim,
        "scikit-image": ssim_skimage,
        "frame-analytics": ssim_frame_analytics,
    },
    "mse+mae+rmse+psnr": {"vgbench": pixel_vgbench, "torchmetrics": pixel_torchmetrics},
    "frechet": {"vgbench": frechet_vgbench, "sqrtm": frechet_sqrtm},
    "lpips": {"vgbench": lpips_vgbench, "frame by frame": lpips_loop},
}
SIZES = {"ssim": (64, 128, 256), "mse+mae+rmse+psnr": (64, 128, 256), "frechet": (400,), "lpips": (64, 128, 256)}
SLOW_REFERENCE = 16
"""Frames of which the references of SSIM and LPIPS are computed."""


def reference(task: str, size: int) -> np.ndarray:
    """Float64 values, independently computed; for LPIPS the frame-by-frame form in float64."""
    if task == "ssim":
        from skimage.metrics import structural_similarity

        x, y = (one.reshape(-1, 3, size, size)[:SLOW_REFERENCE].astype(np.float64) for one in clips(size))
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255.0, "channel_axis": 0}
        return np.array([structural_similarity(b, a, **options) for a, b in zip(x, y, strict=True)])
    if task == "mse+mae+rmse+psnr":
        x, y = (one.reshape(-1, 3 * size * size).astype(np.float64) / 255 for one in clips(size))
        squared = ((y - x) ** 2).mean(axis=1)
        return np.stack([squared, np.abs(y - x).mean(axis=1), np.sqrt(squared), -10 * np.log10(squared)])
    if task == "frechet":
        first, second = features()
        shift = first.mean(axis=0) - second.mean(axis=0)
        centred = [(one - one.mean(axis=0)) / 8 for one in (first, second)]
        singular = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False)
        return np.array([shift @ shift + sum((one**2).sum() for one in centred) - 2 * singular.sum()])
    network = _FrameByFrame("float64")
    x, y = (one.flatten(0, 1)[:SLOW_REFERENCE] for one in _two_clips(size))
    return np.array([network.distance(b, a) for a, b in zip(x, y, strict=True)])


def _seconds(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def measure_here(task: str, name: str, size: int, repetitions: int) -> dict[str, Any]:
    """One implementation, in this process."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    case = CASES[task][name](size)
    values = case.run()
    seconds = [_seconds(case.run) for _ in range(repetitions)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    expected = reference(task, size)
    error = float(np.abs(values[..., : expected.shape[-1]] - expected).max())
    return {"per_second": case.units / median(seconds), "spread": max(seconds) / min(seconds), "error": error, "peak_mib": peak}


def measure(task: str, name: str, size: int, repetitions: int, threads: int) -> dict[str, Any] | None:
    """One implementation, in a process of its own; None where it is not installed."""
    environment = os.environ | {key: str(threads) for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    command = [sys.executable, "-W", "ignore", __file__, "--here", task, name, str(size), "--repetitions", str(repetitions)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{task}, {name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=CASES)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--here", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        task, name, size = given.here
        print(json.dumps(measure_here(task, name, int(size), given.repetitions)))
        return
    print("| task | size | implementation | per second | vgbench is | largest error | slowest / fastest run | peak MiB |")
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for task in [given.task] if given.task else CASES:
        for size in SIZES[task]:
            found = {name: measure(task, name, size, given.repetitions, given.threads) for name in CASES[task]}
            ours = found["vgbench"]
            for name, one in found.items():
                if one is None or ours is None:
                    continue
                ratio = "" if name == "vgbench" else f"{ours['per_second'] / one['per_second']:.2f}×"
                measured = [f"{one['error']:.1e}", f"{one['spread']:.2f}", f"{one['peak_mib']:.0f}"]
                cells = [task, size, name, f"{one['per_second']:,.0f}", ratio, *measured]
                print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
