"""How fast MD-GAN trains: a plain way beside the toolkit's, and what the device could do.

    python benchmarks/train.py [--preset small] [--protocol NAME] [--stage refine] [--steps 20] [--device cpu] [--rows plain,vgbench]

Each row runs in a process of its own, on the same clips, already in memory, from the same weights: some steps to warm up, then the
steps, of which the median counts. "plain" is one step written down as the formulas stand: contiguous tensors in float32 (TF32 off), Adam
as torch has it by default, every video judged whole and with its gradients. Floating-point operations are those of the plain step, by
torch's own counter; the device's rate is that of one large matrix product in the row's precision.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from types import MethodType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from vgbench_mdgan.clips import as_video, still_video

from vgbench import Batch
from vgbench.config import resolve
from vgbench.data.loader import ClipCache, training_batches
from vgbench.data.protocol_data import ProtocolData
from vgbench.devices import choose_device, choose_precision
from vgbench.generation.builder import shape_layer
from vgbench.protocol import load_protocol
from vgbench.training.host import FabricHost
from vgbench_mdgan import losses
from vgbench_mdgan.config import MDGANConfig
from vgbench_mdgan.generator import MDGAN

WARM_UP = 5
ROWS = ("plain", "vgbench", "vgbench compiled")


class _Judged(NamedTuple):
    logits: Tensor
    features: tuple[Tensor, Tensor]


class Plain:
    """One step of a stage as a straightforward program has it."""

    def __init__(self, generator: MDGAN, stage: Any, name: str, device: torch.device) -> None:
        self.config, self.name = generator.config, name
        self.first = _contiguous(generator.base, device)
        self.network = self.first if name == "base" else _contiguous(generator.refine, device)
        self.judge = _contiguous(stage.discriminator.network, device)
        options = {"lr": self.config.lr, "betas": self.config.betas}
        self.adam_g, self.adam_d = (
            torch.optim.Adam(self.network.parameters(), **options),
            torch.optim.Adam(self.judge.parameters(), **options),
        )
        if name == "refine":
            self.first.eval()

    def step(self, batch: Batch) -> dict[str, Tensor]:
        config = self.config
        still, real = still_video(batch.clips[:, : config.context], config.frames), as_video(batch.clips).contiguous()
        if self.name == "refine":
            with torch.no_grad():
                still = first = self.first(still)
        made = self.network(still)

        self.adam_d.zero_grad()
        of_real, of_made = self._judged(real), self._judged(made.detach())
        terms = {"discriminator": losses.discriminator_loss(of_real.logits, of_made.logits)}
        if self.name == "refine":
            terms["discriminator_rank"] = self._rank(of_made, of_real, self._judged(first))
        sum(terms.values()).backward()
        self.adam_d.step()

        self.adam_g.zero_grad()
        of_made = self._judged(made)
        improved = {"adversarial": losses.generator_loss(of_made.logits, config.adversarial), "content": losses.content_loss(made, real)}
        if self.name == "refine":
            improved["rank"] = self._rank(of_made, self._judged(real), self._judged(first))
        sum(improved.values()).backward()
        self.adam_g.step()
        return improved | terms

    def _judged(self, video: Tensor) -> _Judged:
        features = []
        for block in self.judge.encoder:  # type: ignore[union-attr] # a list of modules
            video = block(video)
            features.append(video)
        return _Judged(self.judge.verdict(video).flatten(), (features[0], features[2]))  # type: ignore[operator]

    def _rank(self, anchor: _Judged, real: _Judged, first: _Judged) -> Tensor:
        grams = [[_gram(feature) for feature in judged.features] for judged in (anchor, real, first)]
        return sum(losses.ranking_loss((a - r).abs().sum((1, 2)), (a - f).abs().sum((1, 2))) for a, r, f in zip(*grams, strict=True))


def _gram(feature: Tensor) -> Tensor:
    rows = feature.flatten(3).flatten(1, 2)
    return torch.bmm(rows, rows.mT) / (rows.shape[1] * rows.shape[2])


def _contiguous(network: nn.Module, device: torch.device) -> nn.Module:
    """The network with contiguous weights, each layer in torch's own form."""
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()
    for module in network.modules():
        own = next((kind for kind in (nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d) if isinstance(module, kind)), None)
        if own is not None:
            module.forward = MethodType(own.forward, module)
    return network.to(device).train()


def prepared(row: str, given: argparse.Namespace) -> tuple[Callable[[Batch], dict[str, Tensor]], Iterator[Batch], MDGANConfig]:
    """The row's step, its batches, and the configuration."""
    protocol = load_protocol(given.protocol)
    layer = shape_layer(MDGANConfig, protocol)
    config = resolve(MDGANConfig, [layer], owner="mdgan").config
    config = replace(config, **MDGANConfig.presets[given.preset])
    device = choose_device(given.device)
    precision = "32" if row == "plain" else choose_precision(given.precision, device)
    host = FabricHost(device=device, precision=precision, seed=0, compiles=row.endswith("compiled"))
    generator = MDGAN(config, device=device)
    stage = generator.stage(given.stage, host)
    data = ProtocolData(protocol)
    cache = ClipCache(data)

    def batches() -> Iterator[Batch]:
        return training_batches(data, batch_size=config.batch_size, seed=0, start=0, workers=2, cache=cache, device=device)

    for _ in zip(range(given.steps + WARM_UP + 2), batches(), strict=False):
        pass  # as in every epoch but the first, the clips are in memory
    if row == "plain":
        return Plain(generator, stage, given.stage, device).step, batches(), config
    return lambda batch: dict(stage.step(batch).losses), batches(), config


def measure_here(row: str, given: argparse.Namespace) -> dict[str, Any]:
    """One row, in this process."""
    step, batches, config = prepared(row, given)
    device = choose_device(given.device)
    first_losses = {name: float(value) for name, value in step(next(batches)).items()}
    seconds, waits = [], []
    for index in range(WARM_UP + given.steps):
        started = time.perf_counter()
        batch = next(batches)
        waited = time.perf_counter() - started
        float(sum(step(batch).values()))  # waits for the device
        if index >= WARM_UP:
            seconds.append(time.perf_counter() - started)
            waits.append(waited)
    found: dict[str, Any] = {
        "seconds": median(seconds),
        "spread": max(seconds) / min(seconds),
        "batch": config.batch_size,
        "data": sum(waits) / sum(seconds),
        "peak_mib": _peak(device),
        "losses": first_losses,
        "rate": _matrix_rate(device, "32" if row == "plain" else choose_precision(given.precision, device)),
    }
    if row == "plain":
        with FlopCounterMode(display=False) as counter:
            step(next(batches))
        found["operations"] = counter.get_total_flops()
    return found


def _peak(device: torch.device) -> float:
    """MiB: of the GPU's memory, or of the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _matrix_rate(device: torch.device, precision: str) -> float:
    """Floating-point operations a second of a large matrix product."""
    size = 8192 if device.type == "cuda" else 2048
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    matrix = torch.randn(size, size, device=device, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    times = []
    for _ in range(6):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        started = time.perf_counter()
        product = matrix @ matrix
        float(product[0, 0])
        times.append(time.perf_counter() - started)
    return 2 * size**3 / min(times)


def measure(row: str, given: argparse.Namespace) -> dict[str, Any]:
    """One row, in a process of its own."""
    command = [sys.executable, "-W", "ignore", __file__, "--here", row]
    for name in ("preset", "protocol", "stage", "steps", "device", "precision"):
        command += [f"--{name}", str(getattr(given, name))]
    environment = os.environ | {"OMP_NUM_THREADS": str(given.threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{row}: {done.stderr.strip()}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", default="small", choices=MDGANConfig.presets)
    parser.add_argument("--protocol", default="synthetic-sky-64x16")
    parser.add_argument("--stage", default="refine", choices=("base", "refine"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rows", default="plain,vgbench", help=", ".join(ROWS))
    parser.add_argument("--here", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measure_here(given.here, given)))
        return
    rows = {row: measure(row, given) for row in given.rows.split(",")}
    plain = rows.get("plain")
    print("| row | s a step | slowest / fastest | clips/s | against plain | operations/s, of the matrix rate | data's share | peak MiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row, one in rows.items():
        ratio = f"{plain['seconds'] / one['seconds']:.2f}×" if plain else "–"
        rate = plain["operations"] / one["seconds"] if plain else 0
        cells = [row, f"{one['seconds']:.3f}", f"{one['spread']:.2f}", f"{one['batch'] / one['seconds']:.1f}", ratio]
        cells += [f"{rate / 1e9:.1f} G, {100 * rate / one['rate']:.0f} %", f"{100 * one['data']:.1f} %", f"{one['peak_mib']:.0f}"]
        print("| " + " | ".join(cells) + " |")
    if plain:
        for row, one in rows.items():
            gaps = {name: abs(one["losses"][name] - value) / max(abs(value), 1e-12) for name, value in plain["losses"].items()}
            print(f"\n{row}: losses of the first step differ from plain's by at most {max(gaps.values()):.1e} (relative).")


if __name__ == "__main__":
    main()
