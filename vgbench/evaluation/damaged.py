"""Leaving out clips that cannot be read, with a count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vgbench.data.loader import read_ahead
from vgbench.errors import PairingError, VideoError, listed
from vgbench.evaluation.partners import find_partners
from vgbench.generation.manifest import Manifest
from vgbench.video.folder import ClipFile, ClipFolder

_FRAMES = 64
"""Frames that are held at once while a clip is looked through."""

Sides = Mapping[str, tuple[ClipFolder, ClipFolder]]


def without_damaged(sides: Sides, manifests: Mapping[str, Manifest | None], *, pair: str, workers: int) -> tuple[Sides, list[str]]:
    """The folders without the clips that are damaged in any of them, so that all rows keep the same; and what was left out, as notes.

    Every frame of every clip is decoded for it.  PairingError: nothing is left.
    """
    problems: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    references = {label: _references_of(*side, manifests[label], pair) for label, side in sides.items()}
    for label, (made, real) in sides.items():
        for folder, reference_of in ((made, references[label]), (real, {})):
            clips = [clip for clip in folder.clips if (str(folder.path), clip.name) not in seen]
            for clip, problem in zip(clips, read_ahead(clips, _problem, workers=workers, ahead=2 * workers), strict=True):
                seen.add((str(folder.path), clip.name))
                if problem:
                    problems.setdefault(reference_of.get(clip.name, clip.name), problem)
    kept = {label: (_kept(made, problems, references[label]), _kept(real, problems, {})) for label, (made, real) in sides.items()}
    if not all(folder.clips for side in kept.values() for folder in side):
        raise PairingError(f"No clip is left: {len(problems)} are damaged.\n{listed(list(problems.values()))}")
    notes = [f"{len(problems)} clips are damaged, and left out on both sides.\n{listed(list(problems.values()))}"] if problems else []
    return kept, notes


def _references_of(made: ClipFolder, real: ClipFolder, manifest: Manifest | None, pair: str) -> Mapping[str, str]:
    """Generated clip → the reference it goes with; without those that have none."""
    return {one.generated.name: one.reference.name for one in find_partners(made, real, manifest, pair).pairs}


def _problem(clip: ClipFile) -> str:
    """Why it cannot be read; empty where every frame can."""
    try:
        for _ in clip.chunks(_FRAMES):
            pass
    except VideoError as error:
        return f"{clip.name}: {error}"
    return ""


def _kept(folder: ClipFolder, problems: Iterable[str], reference_of: Mapping[str, str]) -> ClipFolder:
    damaged = set(problems)
    clips: Sequence[ClipFile] = [clip for clip in folder.clips if reference_of.get(clip.name, clip.name) not in damaged]
    return replace(folder, clips=tuple(clips))
