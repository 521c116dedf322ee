"""vgbench data list|prepare|verify|preview."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vgbench.cli import options
from vgbench.cli.plain_table import aligned

roles_option = options.names_option("--roles", help="Of train, validation and test. Default: those that the protocol has.")


@click.group("data")
def command() -> None:
    """Prepare, verify and preview data sets."""


@command.command("list")
@options.data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_data(data: dict[str, Path], as_json: bool) -> int:
    """Print the data sets, where each lies, and which of their splits are packed."""
    from vgbench.data.dataset import data_root
    from vgbench.data.packs import find_packs
    from vgbench.files import packs_folder
    from vgbench.plugins.registry import load_registry

    rows = [
        {"name": entry.short_name, "folder": data_root(entry.short_name, entry.full_name, data), "source": entry.spec.source}
        for entry in load_registry().datasets
    ]
    packs = find_packs(packs_folder())
    if as_json:
        described = [{"path": str(pack.path), "frames": pack.n_frames, "bytes": pack.n_bytes, **pack.key} for pack in packs]
        click.echo(json.dumps({"datasets": rows, "packs": described}, indent=1, default=str))
        return 0
    headings = ("name", "folder", "comes from")
    click.echo(aligned([dict(zip(headings, (str(value or "–") for value in row.values()), strict=True)) for row in rows]))
    for pack in packs:
        click.echo(f"packed: {pack.path.name}  {len(pack.places)} videos, {pack.n_frames} frames, {pack.n_bytes / 2**20:.0f} MiB")
    return 0


@command.command("prepare")
@options.protocol_option
@options.data_option
@roles_option
@options.workers_option
@click.option(
    "--check/--no-check", default=True, show_default=True, help="Also check for problems that readers of the results should know of."
)
def prepare(roles: list[str] | None, check: bool, **given: Any) -> int:
    """Decode a protocol's videos once, at its size, into a cache that training and evaluation then read.

    It lies in $VGBENCH_CACHE, else in the folder vgbench of your cache; a call that was killed is continued by the next. Then every
    clip is checked: clips in two splits, damaged, short or still ones are reported, here and by evaluations under the protocol.
    """
    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.data.inspection.prepare import ROLES, prepare as pack

    with ConsoleObserver(stderr_console()).showing() as observer:
        for done in pack(roles=roles or ROLES, observer=observer, **given):
            speed = "was there" if done.was_there else f"{done.pack.n_frames / max(done.seconds, 1e-9):.0f} frames/s"
            damaged = f", {len(done.pack.damaged)} damaged" if done.pack.damaged else ""
            click.echo(f"{done.split}: {len(done.pack.places)} videos, {done.pack.n_frames} frames{damaged}, {speed}: {done.pack.path}")
        if check:
            from vgbench.data.inspection.verify import verify as survey

            for sentence in survey(from_files=False, roles=roles or ROLES, observer=observer, **given).findings:
                click.echo(f"- {sentence}")
    return 0


@command.command("verify")
@options.protocol_option
@options.data_option
@options.workers_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.json", help="Also write a manifest, a hash a clip.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def verify(out: Path | None, as_json: bool, **given: Any) -> int:
    """Read every clip of a protocol from its files: what is damaged, short, gapped, doubled, or in two splits.

    The findings are quoted in evaluations under the protocol. Exit status 1 where a clip cannot be read.
    """
    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.data.inspection.verify import verify as check, write_manifest

    with ConsoleObserver(stderr_console()).showing() as observer:
        verified = check(observer=observer, **given)
    if out is not None:
        write_manifest(out, verified.manifest)
    if as_json:
        click.echo(json.dumps(verified.manifest, indent=1, ensure_ascii=False))
    else:
        _print_surveys(verified.surveys)
        for sentence in verified.findings:
            click.echo(f"- {sentence}")
        for one in verified.surveys.values():
            for clip_id, reason in one.damaged.items():
                click.echo(f"damaged: {clip_id}: {reason}")
    return int(any(one.damaged for one in verified.surveys.values()))


def _print_surveys(surveys: dict[str, Any]) -> None:
    rows = []
    for role, one in surveys.items():
        motion = sum(clip.motion for clip in one.clips) / max(1, len(one.clips))
        drift = sum(clip.drift for clip in one.clips) / max(1, len(one.clips))
        counts = {"videos": one.n_videos, "too short": len(one.short), "clips": one.n_expected, "readable": len(one.clips)}
        rows.append({"role": role, "split": one.split} | {key: str(value) for key, value in counts.items()})
        rows[-1] |= {"mean |dx/dt|": f"{motion:.4f}", "drift": f"{drift:.4f}"}
    click.echo(aligned(rows))


@command.command("preview")
@options.protocol_option
@options.data_option
@click.option("--role", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True, help="Which role's clips.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("."), show_default=True, metavar="DIR")
def preview(**given: Any) -> int:
    """Write a sheet of frames (PNG) and a moving grid (mp4) of a protocol's clips, and say how much moves in them."""
    from vgbench.data.inspection.preview import preview_clips

    seen = preview_clips(**given)
    click.echo(f"Motion, mean |dx/dt|: {seen.motion:.4f} a frame; drift, last against first frame: {seen.drift:.4f} (values in [0, 1]).")
    click.echo(f"Repeating the given frame scores {seen.copy_first:.2f} dB psnr@frame on these {seen.clips} clips.")
    click.echo(f"{seen.sheet}\n{seen.grid}")
    return 0


@command.command("neighbours")
@click.argument("generated", type=click.Path(path_type=Path, exists=True))
@options.protocol_option
@options.data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every clip.")
def neighbours(as_json: bool, **given: Any) -> int:
    """Find the training clip that each clip in GENERATED is nearest to, which shows memorization.

    The same of the real test clips is shown beside it: without memory, generated clips are no nearer to training clips than those.
    """
    from statistics import median

    from vgbench.cli.progress import ConsoleObserver, stderr_console
    from vgbench.data.inspection.memorisation import neighbours as find

    with ConsoleObserver(stderr_console()).showing() as observer:
        found = find(observer=observer, **given)
    if as_json:
        click.echo(json.dumps({key: [one._asdict() for one in value] for key, value in found._asdict().items()}, indent=1))
        return 0
    for kind, some in found._asdict().items():
        values = [one.psnr for one in some]
        nearness = f"median {median(values):.2f} dB, most {max(values):.2f} dB psnr@frame to the nearest training clip"
        click.echo(f"{kind}, {len(values)} clips: {nearness}")
    headings = ("generated clip", "psnr@frame, dB", "nearest training clip")
    rows = [(one.clip, f"{one.psnr:.2f}", one.training_clip) for one in found.generated[:10]]
    click.echo(aligned([dict(zip(headings, row, strict=True)) for row in rows]))
    return 0
