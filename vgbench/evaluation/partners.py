"""Which generated clip goes with which reference: by name, by order, by the beginning of the name, or by a list.

Of one reference there may be several generated clips: its samples, numbered in natural order of their names, or as a list has them.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vgbench.errors import ConfigError, PairingError, UnknownName, listed
from vgbench.evaluation.pair import Pair
from vgbench.generation.manifest import Manifest, Place

if TYPE_CHECKING:
    from vgbench.video.folder import ClipFile, ClipFolder

BY_NAME = "name"
LIST_SUFFIX = ".csv"
_COLUMNS = ("generated", "reference", "source")
_SAMPLE = re.compile(r"sample-(\d+)/(.+)", re.DOTALL)


class Lonely(NamedTuple):
    """A clip without a partner."""

    name: str
    text: str
    """The same with what is missing."""


class Partners(NamedTuple):
    """What was found."""

    pairs: list[Pair]
    lonely: list[Lonely]
    rule: str
    """How partners were looked for, as the end of a sentence."""
    passed_over: str = ""
    """What a list leaves out on purpose, as a note."""


def check_rule(pair: str) -> None:
    """ConfigError: a way of pairing that there is not."""
    if pair not in RULES and not pair.endswith(LIST_SUFFIX):
        known = [*RULES, f"FILE{LIST_SUFFIX}"]
        raise ConfigError(
            f"{UnknownName('way of pairing', pair, known)} A list has the columns generated, reference and, if known, source."
        )


def find_partners(generated: ClipFolder, reference: ClipFolder, manifest: Manifest | None, pair: str) -> Partners:
    """The partners by a rule, or by a list.

    PairingError: the list is wrong, or a name fits two references.
    """
    if pair.endswith(LIST_SUFFIX):
        return _by_list(generated, reference, manifest, Path(pair))
    if pair == BY_NAME and ("array" in (generated.kind, reference.kind) or len(generated.clips) == len(reference.clips) == 1):
        return _by_order(generated, reference, manifest)
    return RULES[pair](generated, reference, manifest)


def place_of(clip: ClipFile, manifest: Manifest | None) -> Place:
    """What a file stands for: a clip and source of its own, where no manifest says more."""
    return Place(clip.name, clip.name, 0) if manifest is None else manifest.place_of(clip.name)


def _by_name(generated: ClipFolder, reference: ClipFolder, manifest: Manifest | None) -> Partners:
    made: dict[tuple[str, int], tuple[Place, ClipFile]] = {}
    for clip, place in zip(generated.clips, _places(generated, manifest), strict=True):
        key = place.clip_id, place.sample
        if key in made:
            raise PairingError(f"{made[key][1].name} and {clip.name} are both sample {place.sample} of {place.clip_id}. Keep one of them.")
        made[key] = place, clip
    wanted = {clip.name: clip for clip in reference.clips}
    samples = range(1 + max(sample for _, sample in made) if manifest is None else manifest.samples)
    expected = [(name, sample) for name in wanted for sample in samples]
    pairs = [Pair(*made[key], wanted[key[0]]) for key in expected if key in made]
    lonely = [_lacks(key[0], generated, _sample_text(key[1], len(samples))) for key in expected if key not in made]
    strangers = [_has_none(clip, reference) for (name, _), (_, clip) in made.items() if name not in wanted]
    return Partners(pairs, lonely + strangers, "clips are paired by their names without suffix")


def _places(generated: ClipFolder, manifest: Manifest | None) -> list[Place]:
    """What each file stands for; without a manifest, those in folders sample-0, sample-1, … are samples where all are."""
    if manifest is None:
        matches = [_SAMPLE.fullmatch(clip.name) for clip in generated.clips]
        if all(matches):
            return [Place(match[2], match[2], int(match[1])) for match in matches if match is not None]
    return [place_of(clip, manifest) for clip in generated.clips]


def _by_order(generated: ClipFolder, reference: ClipFolder, manifest: Manifest | None) -> Partners:
    sources = _sources(manifest)
    pairs = [
        Pair(Place(wanted.name, sources(wanted.name), 0), made, wanted)
        for made, wanted in zip(generated.clips, reference.clips, strict=False)
    ]
    n = len(pairs)
    lonely = [_lacks(clip.name, generated) for clip in reference.clips[n:]]
    return Partners(pairs, lonely + [_has_none(clip, reference) for clip in generated.clips[n:]], "clips are paired by their order")


def _by_prefix(generated: ClipFolder, reference: ClipFolder, manifest: Manifest | None) -> Partners:
    """A clip's partner is the reference whose name, the longest such, it begins with, up to the end of a word or number."""
    wanted = {clip.name: clip for clip in reference.clips}
    made: dict[str, list[ClipFile]] = {name: [] for name in wanted}
    strangers = []
    for clip in generated.clips:
        name = next((name for name in _beginnings(clip.name) if name in wanted), None)
        if name is None:
            strangers.append(_has_none(clip, reference))
        else:
            made[name].append(clip)
    sources = _sources(manifest)
    grouped = ((name, sources(name), clips) for name, clips in made.items())
    pairs, lonely = _of_samples(grouped, wanted, generated)
    return Partners(pairs, lonely + strangers, "a generated clip's name begins with its reference's")


def _beginnings(name: str) -> Iterator[str]:
    """The name and its beginnings, the longest first, none of which ends within a word or a number."""
    for end in range(len(name), 0, -1):
        if end == len(name) or not (name[end - 1].isalnum() and name[end].isalnum()):
            yield name[:end]


def _by_list(generated: ClipFolder, reference: ClipFolder, manifest: Manifest | None, path: Path) -> Partners:
    known = _sources(manifest)
    made, wanted = ({clip.name: clip for clip in folder.clips} for folder in (generated, reference))
    grouped: dict[str, list[ClipFile]] = {}
    sources: dict[str, str] = {}
    problems, used = [], set()
    for line, row in _rows(path):
        found = [_named(names, row[column]) for names, column in ((made, "generated"), (wanted, "reference"))]
        for place, column, folder in zip(found, _COLUMNS[:2], (generated, reference), strict=True):
            if place is None:
                problems.append(f"line {line}: {folder.name} has no clip '{row[column]}'")
        if found[0] is not None and found[0] in used:
            problems.append(f"line {line}: {found[0]} stands in an earlier line")
        if found[0] is None or found[1] is None:
            continue
        used.add(found[0])
        source = row.get("source") or known(found[1])
        if sources.setdefault(found[1], source) != source:
            problems.append(f"line {line}: {found[1]} is of source {source}, and of {sources[found[1]]} in an earlier line")
        grouped.setdefault(found[1], []).append(made[found[0]])
    if problems:
        raise PairingError(f"{path} does not fit the clips.\n{listed(problems)}")
    in_order = ((name, sources[name], grouped[name]) for name in wanted if name in grouped)
    pairs, lonely = _of_samples(in_order, wanted, generated)
    left = {generated.name: len(made) - len(used), reference.name: len(wanted) - len(grouped)}
    texts = [f"{n} clips of {name}" for name, n in left.items() if n]
    note = f"{' and '.join(texts)} do not stand in {path.name}, and are not scored." if texts else ""
    return Partners(pairs, lonely, f"{path} lists the pairs", note)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a list with their numbers.  PairingError: it cannot be read, or a column is missing."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [column.strip() for column in reader.fieldnames or ()]
            if not set(_COLUMNS[:2]) <= set(columns) <= set(_COLUMNS):
                raise PairingError(f"{path} has the columns {', '.join(columns) or 'none'}; a list of pairs has {', '.join(_COLUMNS)}.")
            reader.fieldnames = columns
            row: dict[str, str] | None = None
            for row in reader:
                if None in row or None in row.values():
                    raise PairingError(f"{path}, line {reader.line_num}: it does not have {len(columns)} values, as the first line has.")
                yield reader.line_num, {column: value.strip() for column, value in row.items()}
            if row is None:
                raise PairingError(f"{path} lists no pair: there is no line below the one with the columns.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PairingError(f"{path} cannot be read as a list of pairs: {error}. Check the path, and that it is CSV in UTF-8.") from error


def _named(names: Mapping[str, ClipFile], text: str) -> str | None:
    """The clip's name that a list means, with its suffix or without."""
    return next((name for name in (text, os.path.splitext(text)[0]) if name in names), None)


def _of_samples(
    grouped: Iterable[tuple[str, str, list[ClipFile]]], wanted: Mapping[str, ClipFile], generated: ClipFolder
) -> tuple[list[Pair], list[Lonely]]:
    """Pairs of references, by name and source, with their clips, the first of each its sample 0; and the samples that some lack."""
    found = list(grouped)
    samples = max((len(clips) for _, _, clips in found), default=0)
    pairs, lonely = [], []
    for name, source, clips in found:
        pairs += [Pair(Place(name, source, sample), clip, wanted[name]) for sample, clip in enumerate(clips)]
        if not clips:
            lonely.append(_lacks(name, generated))
        elif len(clips) < samples:
            lonely.append(Lonely(name, f"{name}: {len(clips)} of {samples} samples in {generated.name}"))
    return pairs, lonely


def _sources(manifest: Manifest | None) -> Callable[[str], str]:
    """A reference's name → its source video: itself where no manifest knows it."""
    known = {} if manifest is None else manifest.clips
    return lambda name: str(known.get(name, name))


def _lacks(name: str, generated: ClipFolder, sample: str = "") -> Lonely:
    return Lonely(name, f"{name}{sample}: no generated clip in {generated.name}")


def _has_none(clip: ClipFile, reference: ClipFolder) -> Lonely:
    return Lonely(clip.name, f"{clip.name}: no reference in {reference.name}")


def _sample_text(sample: int, samples: int) -> str:
    return "" if samples == 1 else f", sample {sample}"


RULES: Mapping[str, Callable[[ClipFolder, ClipFolder, Manifest | None], Partners]] = {
    BY_NAME: _by_name,
    "order": _by_order,
    "prefix": _by_prefix,
}
"""What `--pair` takes, beside a list."""
