"""Given clips and their references, paired by name, or by order where one side is an array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vgbench.data.loader import read_ahead
from vgbench.errors import DataError, PairingError, listed
from vgbench.files import escaped, is_utf8
from vgbench.generation.manifest import Manifest, Place

if TYPE_CHECKING:
    from torch import Tensor

    from vgbench.video.folder import ClipFile, ClipFolder


class Pair(NamedTuple):
    """A generated clip and its reference."""

    place: Place
    """What it stands for."""
    generated: ClipFile
    reference: ClipFile

    @property
    def name(self) -> str:
        """The generated clip's."""
        return self.generated.name

    def read(self) -> tuple[Tensor, Tensor]:
        """Both, uint8 (T, C, H, W)."""
        return self.generated.read(), self.reference.read()

    def chunks(self, length: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Both, at most `length` frames at a time, each file read once from its beginning."""
        return zip(self.generated.chunks(length), self.reference.chunks(length), strict=True)

    def bytes(self) -> int:
        """How much memory both take."""
        return 2 * self.reference.info().bytes()

    def frame_bytes(self) -> int:
        """How much memory a frame of both takes."""
        return 2 * self.reference.info().frame_bytes()

    def difference(self) -> str:
        """How the two differ in length, size or channels, as a phrase; empty where they agree."""
        first, second = self.generated.info(), self.reference.info()
        facts = [(i.frames, i.height, i.width, i.channels) for i in (first, second)]
        if facts[0] == facts[1]:
            return ""
        texts = [f"{frames} frames of {height}×{width} with {channels} channels" for frames, height, width, channels in facts]
        return f"{self.name}: {texts[0]} against {texts[1]}"


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """The pairs to score."""

    name: str
    """The generated folder's name: the row's label."""
    pairs: Sequence[Pair]
    warnings: Sequence[str] = field(default_factory=tuple)


def open_sides(generated: str | Path, reference: str | Path, layout: str | None, max_memory: int) -> tuple[ClipFolder, ClipFolder]:
    """The clips of both sides; `layout` names the axes of arrays, each of which may take half of `max_memory` bytes.

    DataError: one of them cannot be opened, a name is not UTF-8, or a layout is named and neither is an array.
    """
    from vgbench.video.folder import open_clips

    sides = (
        open_clips(generated, layout=layout, max_memory=max_memory // 2),
        open_clips(reference, layout=layout, max_memory=max_memory // 2),
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


def pair_clips(
    generated: ClipFolder, reference: ClipFolder, manifest: Manifest | None, *, allow_missing: bool, score_from: int, workers: int
) -> Pairing:
    """The pairs of two folders or arrays; a manifest of the generated ones says which clips they are samples of.

    PairingError: a clip without a partner (unless `allow_missing`), or pairs that differ in length or size; the message lists them.
    """
    folders = generated, reference
    if "array" in (folders[0].kind, folders[1].kind) or len(folders[0].clips) == len(folders[1].clips) == 1:
        pairs, lonely = _by_order(*folders)
    else:
        pairs, lonely = _by_name(*folders, manifest)
    if not pairs:
        raise PairingError(
            f"No clip of {generated.path} has a partner in {reference.path}: clips are paired by their names without suffix.\n"
            + listed(lonely)
        )
    if lonely and not allow_missing:
        are = "1 pair there is" if len(pairs) == 1 else f"{len(pairs)} pairs there are"
        raise PairingError(f"{listed(lonely)}\nAdd the missing clips, or score the {are} with --allow-missing.")
    different = [text for text in read_ahead(pairs, Pair.difference, workers=workers, ahead=4 * workers) if text]
    if different:
        raise PairingError(f"{len(different)} of {len(pairs)} pairs differ in length or size.\n{listed(different)}")
    shortest = min(pair.reference.info().frames for pair in pairs)
    if not 0 <= score_from < shortest:
        raise PairingError(f"--score-from {score_from} leaves no frame of a clip with {shortest} frames.")
    warnings = [f"{len(lonely)} clips have no partner and are not scored.\n{listed(lonely)}"] if lonely else []
    return Pairing(name=folders[0].name, pairs=pairs, warnings=warnings)


def place_of(clip: ClipFile, manifest: Manifest | None) -> Place:
    """What a file stands for: a clip and source of its own, where no manifest says more."""
    return Place(clip.name, clip.name, 0) if manifest is None else manifest.place_of(clip.name)


def _by_name(generated: ClipFolder, reference: ClipFolder, manifest: Manifest | None) -> tuple[list[Pair], list[str]]:
    made: dict[tuple[str, int], tuple[Place, ClipFile]] = {}
    for clip in generated.clips:
        place = place_of(clip, manifest)
        made[place.clip_id, place.sample] = place, clip
    wanted = {clip.name: clip for clip in reference.clips}
    samples = range(1 if manifest is None else manifest.samples)
    expected = [(name, sample) for name in wanted for sample in samples]
    pairs = [Pair(*made[key], wanted[key[0]]) for key in expected if key in made]
    lonely = [f"{_sample_text(*key, len(samples))}: no generated clip in {generated.name}" for key in expected if key not in made]
    return pairs, lonely + [f"{clip.name}: no reference in {reference.name}" for (name, _), (_, clip) in made.items() if name not in wanted]


def _sample_text(name: str, sample: int, samples: int) -> str:
    return name if samples == 1 else f"{name}, sample {sample}"


def _by_order(generated: ClipFolder, reference: ClipFolder) -> tuple[list[Pair], list[str]]:
    pairs = [Pair(place_of(wanted, None), made, wanted) for made, wanted in zip(generated.clips, reference.clips, strict=False)]
    n = len(pairs)
    lonely = [f"{clip.name}: no generated clip in {generated.name}" for clip in reference.clips[n:]]
    return pairs, lonely + [f"{clip.name}: no reference in {reference.name}" for clip in generated.clips[n:]]
