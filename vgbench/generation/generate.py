"""Generating: a row's clips for every test clip of a protocol, stored lossless."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vgbench.config import DEFAULT_BATCH, DEFAULT_PROTOCOL, DEFAULT_RUNS, DEFAULT_WORKERS, check_counts
from vgbench.data.clips import Clip
from vgbench.data.loader import read_batches
from vgbench.data.protocol_data import ProtocolData
from vgbench.devices import choose_device
from vgbench.errors import ConfigError, DataError
from vgbench.generation.builder import build, build_published
from vgbench.generation.fitting import fit, learns_by_fitting
from vgbench.generation.manifest import Manifest
from vgbench.generation.rows import resolve_rows, row_without_weights
from vgbench.generation.sampler import Sampler
from vgbench.plugins.observers import Observer
from vgbench.plugins.telling import Telling
from vgbench.protocol import Protocol, as_protocol
from vgbench.scoring.portions import Portions

if TYPE_CHECKING:
    from torch import Tensor

DEFAULT_FPS = 25.0


def generate(
    generator: str,
    out: Path,
    *,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    reference_out: Path | None = None,
    checkpoint: Mapping[str, Path] | None = None,
    settings: Sequence[str] = (),
    data: Mapping[str, Path] | None = None,
    limit: int | None = None,
    runs: Path = DEFAULT_RUNS,
    device: str = "auto",
    batch_size: int = DEFAULT_BATCH,
    workers: int = DEFAULT_WORKERS,
    observer: Observer | None = None,
) -> int:
    """Write a generator's clips as `<out>/<clip id>.mkv` (FFV1, lossless); returns how many were written.

    With more than one sample per clip they lie in `<out>/sample-0`, `sample-1`, ….  reference_out: a folder for the real clips beside
    them, under the same names, so that `evaluate_folders(out, reference_out)` gives the stored files the scores that `evaluate` gives.
    Each folder gets a manifest.json: the protocol, each clip's source, which frames count, and the number of samples.

    checkpoint: the files of weights that the method's authors published, part of the model → file, with `settings` (key=value) for the
    generator's options; None: those of a run, which has its own options.

    DataError: the folder holds something already.  GeneratorError: see `Generator.generate`.
    """
    observer = observer or Telling()
    chosen = as_protocol(protocol).limited(limit)
    check_counts(batch_size=batch_size)
    out, runs, reference_out = Path(out), Path(runs), None if reference_out is None else Path(reference_out)
    if settings and not checkpoint:
        raise ConfigError("--set goes with --checkpoint; a trained run has its own options.")
    row = row_without_weights(generator, chosen) if checkpoint else resolve_rows([generator], chosen, runs).rows[0]
    for folder in filter(None, (out, reference_out)):
        check_empty(folder)
    torch_device = choose_device(device)
    opened = ProtocolData(chosen, data or {})
    clips = opened.clips("test")
    if checkpoint:
        sampler = build_published(row, checkpoint, settings, chosen, torch_device)
    else:
        sampler = build(row, chosen, torch_device)
    if learns_by_fitting(sampler.generator):
        fit(sampler, opened, torch_device, workers=workers, on_clip=lambda done, total: observer.advanced("learning", done, total))
    written, portions = 0, Portions("clips", observer.note)
    fps = {source_id: rate or DEFAULT_FPS for source_id, rate in opened.rates("test").items()}
    for group, frames in read_batches(clips, opened.read, batch_size=batch_size, workers=workers):
        written += _write(sampler, group, frames.to(torch_device), out, chosen, fps, portions)
        if reference_out is not None:
            target = chosen.task.target(frames)
            _write_clips(reference_out, group, target, fps)
        observer.advanced("clips", min(written, len(clips)), len(clips))
    _write_manifests(sampler, opened, clips, out, reference_out)
    return written


def check_empty(folder: Path) -> None:
    """DataError: it holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} holds something already; give a new or empty folder.")


def _write_manifests(sampler: Sampler, data: ProtocolData, clips: Sequence[Clip], out: Path, reference_out: Path | None) -> None:
    manifest = Manifest(
        generator=sampler.row.label,
        protocol=data.identity,
        score_from=data.protocol.task.score_from,
        samples=sampler.samples(data.protocol),
        clips={clip.clip_id: clip.source_id for clip in clips},
    )
    manifest.write(out)
    if reference_out is not None:
        replace(manifest, generator=None, samples=1).write(reference_out)


def _write(
    sampler: Sampler, group: Sequence[Clip], frames: Tensor, out: Path, protocol: Protocol, fps: Mapping[str, float], portions: Portions
) -> int:
    samples = sampler.samples(protocol)
    ids = [clip.clip_id for clip in group]
    for sample in range(samples):
        made = portions.of_batch(len(ids), partial(_made, sampler, frames, ids, protocol, sample))
        _write_clips(out / f"sample-{sample}" if samples > 1 else out, group, made, fps)
    return samples * len(group)


def _made(sampler: Sampler, frames: Tensor, ids: Sequence[str], protocol: Protocol, sample: int, part: slice) -> list[Tensor]:
    return list(sampler.sample(frames[part], ids[part], protocol, sample).clips.cpu())


def _write_clips(folder: Path, group: Sequence[Clip], clips: Iterable[Tensor], fps: Mapping[str, float]) -> None:
    from vgbench.video.encode import write_lossless

    for clip, frames in zip(group, clips, strict=True):
        path = folder / f"{clip.clip_id}.mkv"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{path.parent} cannot be made: {error.strerror}.") from error
        write_lossless(path, frames, fps[clip.source_id])
