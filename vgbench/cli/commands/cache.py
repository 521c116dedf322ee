"""vgbench cache."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import click

KEPT = {
    "packed": "splits that `vgbench data prepare` packed: decoded anew, or read from their files, without them",
    "scores.sqlite": "what clips scored, and which pixels a row's clips have: made and measured again without it",
    "features.sqlite": "what networks saw in clips, for distances between sets: computed again without it",
    "fitted": "what generators such as train-mean learned from training clips: learned again without it",
    "fingerprints": "hashes over data sets' files: every file is read again without them",
    "honesty": "what `vgbench data verify` and `prepare` found in a protocol's clips: not quoted without it",
    "motion": "how much videos move, for protocols that ask for it: measured again without it",
}
"""What lies in the cache, by its file or folder there, and what follows from its loss."""


@click.group("cache")
def command() -> None:
    """Show or empty what is kept between runs; all of it may go at any time."""


@command.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def show(as_json: bool) -> int:
    """Print what is kept, where, and how large it is."""
    from vgbench.cli.plain_table import aligned
    from vgbench.files import cache_folder, size_text
    from vgbench.weights.store import weights_folder

    folder = cache_folder()
    sizes = {name: _size(folder / name) for name in KEPT}
    if as_json:
        table = {"folder": str(folder), "bytes": sizes, "weights": {"folder": str(weights_folder()), "bytes": _size(weights_folder())}}
        click.echo(json.dumps(table, indent=1))
        return 0
    click.echo(
        aligned([{"kept": name, "size": size_text(sizes[name]) if sizes[name] else "–", "what it is": what} for name, what in KEPT.items()])
    )
    click.echo(f"Folder: {folder} ($VGBENCH_CACHE), {size_text(sum(sizes.values()))} in all")
    weights = weights_folder()
    click.echo(f"Weights of networks lie apart, in {weights} ($VGBENCH_WEIGHTS): {size_text(_size(weights))}; see vgbench weights.")
    return 0


@command.command("prune")
@click.argument("names", nargs=-1, type=click.Choice(list(KEPT)), metavar="[NAME]…")
@click.option("--all", "everything", is_flag=True, help="All that is kept.")
def prune(names: tuple[str, ...], everything: bool) -> int:
    """Remove what is kept under NAME, as `vgbench cache show` has them.

    What a run at work has open stays readable to it; weights are never removed.
    """
    from vgbench.errors import VgbenchError
    from vgbench.files import cache_folder, size_text

    if bool(names) == everything:
        raise click.UsageError("Name what is to go, or say --all.")
    for name in KEPT if everything else names:
        for path in _paths(cache_folder() / name):
            freed = _size(path)
            try:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
            except OSError as error:
                raise VgbenchError(f"{path} cannot be removed: {error.strerror}.") from error
            click.echo(f"Removed {path}, {size_text(freed)}")
    return 0


def _paths(path: Path) -> Iterator[Path]:
    """The file or folder, with what SQLite keeps beside it."""
    for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        if one.is_symlink() or one.exists():
            yield one


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        return sum(one.lstat().st_size for one in path.rglob("*") if one.is_file() and not one.is_symlink())
    return path.lstat().st_size if path.is_file() else 0
