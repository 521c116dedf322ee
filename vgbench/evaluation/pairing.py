"""Given clips and their references: both sides opened, partners found, and what does not fit together refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vgbench.data.loader import read_ahead
from vgbench.errors import PairingError, listed
from vgbench.evaluation.damaged import LeftOut
from vgbench.evaluation.pair import Pair
from vgbench.evaluation.partners import BY_NAME, LIST_SUFFIX, RULES, find_partners
from vgbench.generation.manifest import Manifest
from vgbench.generation.stored import stored_notes

if TYPE_CHECKING:
    from vgbench.video.folder import ClipFolder


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """The pairs to score."""

    name: str
    """The generated folder's name: the row's label."""
    pairs: Sequence[Pair]
    warnings: Sequence[str] = field(default_factory=tuple)


def pair_clips(
    generated: ClipFolder,
    reference: ClipFolder,
    manifest: Manifest | None,
    *,
    pair: str,
    label: str,
    left_out: LeftOut,
    allow_missing: bool,
    score_from: int,
    workers: int,
) -> Pairing:
    """The pairs of two folders or arrays; a manifest of the generated ones says which clips they are samples of.

    pair: how partners are found, see `partners`.  label: the row's, under which `left_out` has the clips that do not count.

    PairingError: a clip without a partner (unless `allow_missing`), or pairs that differ in length or size; the message lists them.
    """
    found, without, rule, passed_over = find_partners(generated, reference, manifest, pair)
    pairs = [one for one in found if not left_out.has(label, one.generated.name, one.reference.name)]
    lonely = [one.text for one in without if not left_out.has_name(label, one.name)]
    if found and not pairs:
        raise left_out.all_of_it()
    if not pairs:
        others = f"\n--pair {' or '.join([*RULES, f'FILE{LIST_SUFFIX}'])} pairs them in another way." if pair == BY_NAME else ""
        raise PairingError(f"No clip of {generated.path} has a partner in {reference.path}: {rule}.\n{listed(lonely)}{others}")
    if lonely and not allow_missing:
        are = "1 pair there is" if len(pairs) == 1 else f"{len(pairs)} pairs there are"
        raise PairingError(
            f"{len(lonely)} clips have no partner.\n{listed(lonely)}\nAdd the missing clips, or score the {are} with --allow-missing."
        )
    different = [text for text in read_ahead(pairs, Pair.difference, workers=workers, ahead=4 * workers) if text]
    if different:
        raise PairingError(f"{len(different)} of {len(pairs)} pairs differ in length, size or channels.\n{listed(different)}")
    shortest = min(pair.reference.info().frames for pair in pairs)
    if not 0 <= score_from < shortest:
        raise PairingError(f"--score-from {score_from} leaves no frame of a clip with {shortest} frames.")
    warnings = [f"{len(lonely)} clips have no partner and are not scored.\n{listed(lonely)}"] if lonely else []
    warnings += [passed_over] if passed_over else []
    for clips, folder in (([pair.generated for pair in pairs], generated), ([pair.reference for pair in pairs], reference)):
        warnings += stored_notes(clips, folder.name)
    return Pairing(name=generated.name, pairs=pairs, warnings=warnings + _rates_note(pairs))


_RATES_ALIKE = 0.01


def _rates_note(pairs: Sequence[Pair]) -> list[str]:
    """What to know of pairs whose frames are not of the same moments."""
    rates = [(pair, pair.generated.info().fps, pair.reference.info().fps) for pair in pairs]
    apart = [(pair, made, real) for pair, made, real in rates if made and real and abs(made - real) > _RATES_ALIKE * real]
    if not apart:
        return []
    pair, made, real = apart[0]
    return [
        f"{len(apart)} of {len(pairs)} pairs differ in frame rate, such as {pair.name}: {made:g}/s generated, {real:g}/s real. Frames are "
        "compared one by one, whatever moments they are of."
    ]
