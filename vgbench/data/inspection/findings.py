"""What a reader of a table should know of its data: clips in two splits, splits that are one, clips that are missing or still."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from vgbench.data.clips import Clip, offsets_of
from vgbench.data.inspection.survey import ClipFacts, Survey
from vgbench.data.protocol_data import ProtocolData
from vgbench.files import cache_folder, write_cached
from vgbench.protocol import Protocol, Windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEAR_BITS = 8
"""Clips whose looks differ in at most so many of 192 bits are candidates, whose pixels are compared then."""
NEAR_PIXELS = 0.05
"""Candidates look alike where their pixels differ by no more than this in the mean, of values in [0, 1]."""
LEAST_CONTRAST = 0.02
"""Clips with less are too flat for their look to mean anything."""
STILL = 0.0005
"""A clip whose motion is below this, an eighth of an 8-bit level, hardly moves."""
LOSSY = frozenset(
    (".3gp", ".avi", ".flv", ".gif", ".jpeg", ".jpg", ".m4v", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm", ".webp", ".wmv")
)
"""Suffixes of files that as a rule do not keep what was recorded."""
NAMED = 3
"""So many examples are named."""
ROWS_AT_ONCE = 32


def findings(data: ProtocolData, surveys: Mapping[str, Survey]) -> list[str]:
    """One sentence for each thing that a reader of numbers under this protocol should know.

    surveys: role → its survey.
    """
    found = list(_same_split(data.protocol))
    for role, other in combinations(surveys, 2):
        if surveys[role].split != surveys[other].split:
            found += _in_both(data, role, surveys[role].clips, other, surveys[other].clips)
    for role, one in surveys.items():
        found += _of_role(role, one)
    rates = sorted({rate for one in surveys.values() for rate in one.rates})
    if len(rates) > 1:
        found.append(f"The videos' frame rates differ: {', '.join(f'{rate:g}' for rate in rates[:6])} frames per second.")
    lossy = sorted({suffix for one in surveys.values() for suffix in one.formats if suffix in LOSSY})
    if lossy:
        found.append(f"The videos are stored in lossy formats ({', '.join(lossy)}): real clips carry traces of compression.")
    return found


def _same_split(protocol: Protocol) -> Iterator[str]:
    if protocol.validation is not None and protocol.validation.split == protocol.test.split:
        yield f"Validation and test are one split, '{protocol.test.split}': what is chosen on it has seen the test."
    if protocol.train is not None and protocol.train.split == protocol.test.split:
        yield f"Training and test are one split, '{protocol.test.split}': what is trained on it has seen the test."


def _in_both(data: ProtocolData, role: str, clips: Sequence[ClipFacts], other: str, others: Sequence[ClipFacts]) -> Iterator[str]:
    """Clips of two roles that are the same, or look alike."""
    by_content = {clip.sha256: clip.clip_id for clip in clips}
    same = [(by_content[clip.sha256], clip.clip_id) for clip in others if clip.sha256 in by_content]
    if same:
        yield f"{len(same)} clips of {other} are clips of {role} as well, to the bit: {_named(same)}."
    known = {clip_id for _, clip_id in same}
    windows = [getattr(data.protocol, one) for one in (role, other)]
    candidates = [pair for pair in _alike(clips, others) if pair[1] not in known]
    alike = [pair for pair in candidates if _difference(data, pair, windows) <= NEAR_PIXELS]
    if alike:
        yield f"{len(alike)} clips of {other} look like a clip of {role}, their pixels {NEAR_PIXELS} apart at most: {_named(alike)}."


def _difference(data: ProtocolData, pair: tuple[str, str], windows: Sequence[Windows]) -> float:
    """The mean difference of the pixels of two clips' first frames, as many as the shorter one has, values in [0, 1]."""
    frames = min(one.length for one in windows)
    one, other = (data.read(_clip(data, clip_id, side))[:frames].float() / 255 for clip_id, side in zip(pair, windows, strict=True))
    return float((one - other).abs().mean())


def _clip(data: ProtocolData, clip_id: str, windows: Windows) -> Clip:
    source_id, _, start = clip_id.rpartition("/")
    source = next(source for source in data.dataset.sources(windows.split) if source.source_id == source_id)
    return Clip(clip_id, source_id, int(start), windows.length, windows.split, offsets_of(source, windows))


def _alike(clips: Sequence[ClipFacts], others: Sequence[ClipFacts]) -> list[tuple[str, str]]:
    """For each of `others` that looks like one of `clips` the nearest of them; each pair once."""
    import numpy as np

    clips, others = ([clip for clip in side if clip.contrast >= LEAST_CONTRAST] for side in (clips, others))
    if not clips or not others:
        return []
    looks, other_looks = _looks(clips), _looks(others)
    set_bits = np.array([number.bit_count() for number in range(256)], dtype=np.uint8)
    pairs = []
    for start in range(0, len(others), ROWS_AT_ONCE):
        differing = other_looks[start : start + ROWS_AT_ONCE, None, :] ^ looks[None]
        distances = set_bits[differing].sum(axis=2, dtype=np.int32)
        nearest = distances.argmin(axis=1)
        for row in np.flatnonzero(distances.min(axis=1) <= NEAR_BITS):
            pairs.append((clips[nearest[row]].clip_id, others[start + row].clip_id))
    return pairs


def _looks(clips: Sequence[ClipFacts]) -> NDArray[np.uint8]:
    """(N, bytes)."""
    import numpy as np

    return np.frombuffer(b"".join(clip.look for clip in clips), dtype=np.uint8).reshape(len(clips), -1)


def _of_role(role: str, one: Survey) -> Iterator[str]:
    if one.damaged:
        yield f"{len(one.clips)} of {one.n_expected - one.left_out} clips of {role} can be read; damaged: {_listed(list(one.damaged))}."
    if one.left_out:
        yield f"{one.left_out} of {one.n_expected} clips of {role} move less than min_motion, and are left out."
    if one.short:
        yield f"{len(one.short)} of {one.n_videos} videos of {role} are shorter than a window and give no clip: {_listed(one.short)}."
    if one.upsampled:
        yield f"{len(one.upsampled)} of {one.n_videos} videos of {role} are smaller than the protocol's size and are enlarged."
    if one.defects:
        name, what = next(iter(one.defects.items()))
        yield f"{len(one.defects)} of {one.n_videos} videos of {role} have defects, such as {name}: {what}."
    still = [clip.clip_id for clip in one.clips if clip.motion < STILL]
    if still:
        yield f"In {len(still)} of {len(one.clips)} clips of {role} next to nothing moves (mean |dx/dt| below {STILL:g}): {_listed(still)}."
    seen: dict[str, str] = {}
    doubled = []
    for clip in one.clips:
        first = seen.setdefault(clip.sha256, clip.clip_id)
        if first != clip.clip_id:
            doubled.append((first, clip.clip_id))
    if doubled:
        yield f"{len(doubled)} clips of {role} occur twice in it: {_named(doubled)}."


def _named(pairs: Sequence[tuple[str, str]]) -> str:
    return _listed([f"{one} = {other}" for one, other in pairs])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def keep_findings(data: ProtocolData, sentences: Sequence[str]) -> bool:
    """Keep the findings for evaluations under this protocol, for the data as they are now; False where they cannot be kept."""
    return write_cached(_path(data), json.dumps({"state": _state(data), "findings": list(sentences)}, indent=1))


def known_findings(data: ProtocolData) -> list[str]:
    """What was found when this protocol's data were prepared or verified; empty where they were not."""
    try:
        known = json.loads(_path(data).read_text(encoding="utf-8"))
        sentences = [text for text in known["findings"] if isinstance(text, str)]
        state = known["state"]
    except (OSError, ValueError, TypeError, KeyError):
        return []
    if state != _state(data):
        return ["The data have changed since they were looked at last: run vgbench data verify again."]
    return sentences


def _path(data: ProtocolData) -> Path:
    return cache_folder() / "honesty" / f"{data.protocol_id}.json"


def _state(data: ProtocolData) -> str:
    """What lies in the data set's folder; of a data set without one the fingerprints of the protocol's splits."""
    if data.signature is not None:
        return data.signature
    windows = (data.protocol.train, data.protocol.validation, data.protocol.test)
    return " ".join(data.dataset.fingerprint(one.split) for one in windows if one is not None)
