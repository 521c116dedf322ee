"""The exception tree.

    VgbenchError            the user can mend it: shown without a traceback, exit 1
    ├── UnknownName         a name that nothing offers; carries the nearest one
    ├── AmbiguousName       a name that two plugins offer
    ├── PluginError         a plugin could not be loaded, or broke a contract (strict mode)
    ├── ConfigError         a configuration value is unknown, of the wrong type or out of range
    ├── ProtocolError       a protocol file is wrong, or two protocols cannot be compared
    ├── DataError           data are missing, damaged or do not fit
    │   ├── VideoError      one file or folder cannot be read as a video
    │   └── PairingError    generated and reference clips cannot be paired
    ├── GeneratorError      a generator returned something that breaks the contract
    ├── OutOfMemory         the device, or the machine, has no memory for what was asked at once
    ├── MetricError         a metric cannot be computed on these clips
    ├── WeightsError        a network's weights are missing, damaged, hostile or not those they are said to be
    ├── CheckpointError     a checkpoint is damaged, hostile, or of another model
    ├── TrainingError       training cannot go on, such as a loss that is not finite
    └── RunError            a run folder cannot be written, found or resumed

Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name, with the one that is nearest in whatever case; empty where none is near."""
    by_folded = {one.casefold(): one for one in known}
    nearest = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return f" Did you mean {by_folded[nearest[0]]}?" if nearest else ""


_LISTED = 10


def listed(texts: Sequence[str]) -> str:
    """The first texts, a line each, and how many more there are."""
    more = [f"  … and {len(texts) - _LISTED} more"] if len(texts) > _LISTED else []
    return "\n".join([*(f"  {text}" for text in texts[:_LISTED]), *more])


class VgbenchWarning(UserWarning):
    """What the user should know, such as a row that is left out; a verb that is called from Python without an observer warns of it."""


class VgbenchError(Exception):
    """What the user can mend; the message says what was wrong, where, and what to do."""


class UnknownName(VgbenchError):
    """A name that nothing offers.

    kind: what was looked up, such as "generator".  notes: what may explain why the name is missing, such as a plugin that failed to import.
    also: names that are not listed, and may be meant.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], notes: Sequence[str] = (), also: Iterable[str] = ()) -> None:
        self.kind, self.name, self.known, self.notes = kind, name, sorted(known), list(notes)
        lines = [f"Unknown {kind} '{name}'.{did_you_mean(name, (*also, *self.known))}"]
        lines.append("Known: " + (", ".join(self.known) if self.known else f"no {kind} at all") + ".")
        lines += [f"Note: {note}" for note in self.notes]
        super().__init__("\n".join(lines))


class AmbiguousName(VgbenchError):
    """A bare name that more than one plugin offers; the full names stay reachable."""

    def __init__(self, kind: str, name: str, choices: Sequence[str]) -> None:
        self.kind, self.name, self.choices = kind, name, list(choices)
        super().__init__(f"The {kind} name '{name}' is offered by more than one plugin. Write one of: {', '.join(choices)}.")


class PluginError(VgbenchError):
    """A plugin could not be loaded, or it broke a contract."""


class ConfigError(VgbenchError):
    """A configuration value is unknown, of the wrong type or out of range."""


class ProtocolError(VgbenchError):
    """A protocol is wrong, or two protocols cannot be compared."""


class DataError(VgbenchError):
    """Data are missing, damaged, or do not fit what was asked."""


class VideoError(DataError):
    """One file or folder cannot be read, or written, as a video."""


class PairingError(DataError):
    """Generated and reference clips cannot be paired."""


class GeneratorError(VgbenchError):
    """A generator returned something that breaks the contract of `Generator.generate`."""


class OutOfMemory(VgbenchError):
    """The device, or the machine, has no memory for what was asked of it at once."""


class MetricError(VgbenchError):
    """A metric cannot be computed on these clips."""


class WeightsError(VgbenchError):
    """A network's weights are missing, damaged, hostile, or not those they are said to be."""


class CheckpointError(VgbenchError):
    """A checkpoint is damaged, hostile, or belongs to another model."""


class TrainingError(VgbenchError):
    """Training cannot go on, such as after a loss that is not finite."""


class RunError(VgbenchError):
    """A run folder cannot be written, found, read or resumed."""
