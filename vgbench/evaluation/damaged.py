"""Leaving out clips that cannot be read, with a count."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from vgbench.data.loader import read_ahead
from vgbench.errors import PairingError, VideoError, listed
from vgbench.evaluation.partners import find_partners
from vgbench.generation.manifest import Manifest
from vgbench.video.folder import ClipFile, ClipFolder

_FRAMES = 64
"""Frames that are held at once while a clip is looked through."""

Sides = Mapping[str, tuple[ClipFolder, ClipFolder]]


class LeftOut(NamedTuple):
    """What damage leaves out."""

    references: frozenset[str]
    """Real clips that are damaged, or whose generated clip is in any of the folders: no row keeps them."""
    generated: Mapping[str, frozenset[str]]
    """Row → its clips that are damaged, or go with such a reference."""
    notes: Sequence[str]

    def has(self, label: str, generated: str, reference: str) -> bool:
        """Whether a pair of a row is left out."""
        return reference in self.references or generated in self.generated.get(label, ())

    def has_name(self, label: str, name: str) -> bool:
        """Whether a clip of either side is."""
        return self.has(label, name, name)

    def all_of_it(self) -> PairingError:
        """The error where nothing else is there."""
        return PairingError("\n".join(["No clip is left.", *self.notes]))


NOTHING = LeftOut(frozenset(), {}, ())


def find_damaged(sides: Sides, manifests: Mapping[str, Manifest | None], *, pair: str, workers: int) -> LeftOut:
    """The clips that are damaged in any folder; every frame of every clip is decoded for it."""
    problems: dict[Path, dict[str, str]] = {}
    for side in sides.values():
        for folder in side:
            if folder.path not in problems:
                found = read_ahead(folder.clips, _problem, workers=workers, ahead=2 * workers)
                problems[folder.path] = {clip.name: text for clip, text in zip(folder.clips, found, strict=True) if text}
    partner_of = {label: _references_of(*side, manifests[label], pair) for label, side in sides.items()}
    references = {name for _, real in sides.values() for name in problems[real.path]}
    for label, (made, _) in sides.items():
        references |= {partner_of[label][name] for name in problems[made.path] if name in partner_of[label]}
    generated = {
        label: frozenset(problems[made.path]) | {name for name, reference in partner_of[label].items() if reference in references}
        for label, (made, _) in sides.items()
    }
    texts = list(dict.fromkeys(text for found in problems.values() for text in found.values()))
    alone = {(label, name) for label, (made, _) in sides.items() for name in problems[made.path] if name not in partner_of[label]}
    count = len(references) + len(alone)
    notes = [f"{count} clips are damaged, and left out on both sides.\n{listed(texts)}"] if texts else []
    return LeftOut(frozenset(references), generated, notes)


def without(sides: Sides, left_out: LeftOut) -> Sides:
    """The folders without what is left out.  PairingError: nothing is left."""
    kept = {
        label: (_kept(made, left_out.generated.get(label, frozenset())), _kept(real, left_out.references))
        for label, (made, real) in sides.items()
    }
    if not all(folder.clips for side in kept.values() for folder in side):
        raise left_out.all_of_it()
    return kept


def _kept(folder: ClipFolder, left_out: Collection[str]) -> ClipFolder:
    return replace(folder, clips=tuple(clip for clip in folder.clips if clip.name not in left_out))


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
