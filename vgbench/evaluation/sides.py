"""Both sides of each row: folders or arrays of generated clips and of real ones, opened, cut and brought to one size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vgbench.errors import DataError, PairingError
from vgbench.evaluation.beginning import beginnings
from vgbench.evaluation.damaged import LeftOut, Sides
from vgbench.files import escaped, is_utf8
from vgbench.generation.manifest import Manifest, read_manifest
from vgbench.generation.resized import Resizing, resized
from vgbench.protocol import differing_content

if TYPE_CHECKING:
    from vgbench.video.folder import ClipFolder

Manifests = Mapping[str, Manifest | None]


def labelled(generated: str | Path | Mapping[str, str | Path]) -> dict[str, str | Path]:
    """The folders by their rows' labels; one that is given alone is labelled by what it holds."""
    folders = dict(generated) if isinstance(generated, Mapping) else {"": generated}
    if not folders:
        raise PairingError("No folder of generated clips is given.")
    return folders


def opened(folders: Mapping[str, str | Path], reference: str | Path, layout: str | None, max_memory: int, frames: int | None) -> Sides:
    """Both sides of each row: the generated clips and the real ones."""
    sides = {label: _open_both(path, reference, layout, max_memory) for label, path in folders.items()}
    return {label: (beginnings(made, frames), beginnings(real, frames)) for label, (made, real) in sides.items()}


def at_one_size(sides: Sides, resizing: Resizing | None, left_out: LeftOut) -> tuple[Sides, Resizing | None]:
    """Both sides of each row at one size, and which it is."""
    if resizing is None:
        return sides, None
    if resizing.size is None:
        real = next(iter(sides.values()))[1].clips
        first = next((clip for clip in real if clip.name not in left_out.references), real[0]).info()
        resizing = replace(resizing, size=(first.height, first.width))
    return {label: (resized(made, resizing), resized(real, resizing)) for label, (made, real) in sides.items()}, resizing


def manifests_of(folders: Mapping[str, str | Path], reference: str | Path) -> Manifests:
    """What each folder of generated clips says of them; one without a manifest has the clips that another's, or the references', names.

    PairingError: they were written under different protocols, or count from different frames.
    """
    manifests = {label: read_manifest(path) for label, path in folders.items()}
    known = [(path, manifest) for path, manifest in zip(folders.values(), manifests.values(), strict=True) if manifest is not None]
    of_reference = read_manifest(reference)
    if known and of_reference is not None:
        known.append((reference, of_reference))
    for path, manifest in known[1:]:
        if manifest.protocol["id"] != known[0][1].protocol["id"]:
            differing = "; ".join(differing_content(known[0][1].protocol, manifest.protocol))
            raise PairingError(f"{known[0][0]} and {path} were written under different protocols: {differing}.")
        if manifest.score_from != known[0][1].score_from:
            counts = f"frame {known[0][1].score_from} and from frame {manifest.score_from}"
            raise PairingError(f"{known[0][0]} and {path} count from {counts} on; say which with --score-from.")
    if len(folders) == 1 or not known:
        return manifests
    shared = replace(known[0][1], generator=None, samples=1)
    return {label: manifest or shared for label, manifest in manifests.items()}


def _open_both(generated: str | Path, reference: str | Path, layout: str | None, max_memory: int) -> tuple[ClipFolder, ClipFolder]:
    """The clips of both sides, each of which may take half of `max_memory` bytes where it is an array.

    layout: the axes of arrays, or of either side's with a comma between.

    DataError: one of them cannot be opened, a name is not UTF-8, or a layout is named and neither is an array.
    """
    from vgbench.video.folder import open_clips

    first, _, second = (layout or "").partition(",")
    sides = (
        open_clips(generated, layout=first or None, max_memory=max_memory // 2),
        open_clips(reference, layout=second or first or None, max_memory=max_memory // 2),
    )
    if layout is not None and "array" not in (sides[0].kind, sides[1].kind):
        raise DataError(f"A layout, {layout}, names the axes of an array, but neither {generated} nor {reference} is one. Leave it out.")
    for side in sides:
        _check_names(side)
    return sides


def _check_names(side: ClipFolder) -> None:
    """Raise DataError for names that are not UTF-8: they are written to the scores, which are."""
    strangers = [escaped(name) for name in (str(side.path.absolute()), *(clip.name for clip in side.clips)) if not is_utf8(name)]
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        raise DataError(f"The name {strangers[0]}{more} is not UTF-8: rename it, for example with convmv -f latin1 -t utf8 --notest.")
