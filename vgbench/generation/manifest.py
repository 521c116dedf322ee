"""What `generate` says of the clips it wrote, so that an evaluation of the files counts the same frames and sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from vgbench.config import checked
from vgbench.errors import ConfigError, DataError, PairingError
from vgbench.files import OUT_ADVICE, write_text

FILE = "manifest.json"
FORMAT = 1


class Place(NamedTuple):
    """Which clip of the protocol a file stands for."""

    clip_id: str
    source: str
    sample: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The clips of one folder."""

    generator: str | None
    """The row's label; None for the real clips."""
    protocol: Mapping[str, Any]
    """Its id, name, compared values and fingerprint, as a run records them."""
    score_from: int
    """The first of the stored frames that counts."""
    samples: int
    """With more than one, clips lie in sample-0, sample-1, …."""
    clips: Mapping[str, Any]
    """Clip id → its source video."""

    def place_of(self, name: str) -> Place:
        """Of a file, by its name in the folder, without suffix.  PairingError: the manifest does not have it."""
        clip_id, sample = name, 0
        if self.samples > 1:
            folder, _, clip_id = name.partition("/")
            number = folder.removeprefix("sample-")
            sample = int(number) if number.isdecimal() else self.samples
        if clip_id not in self.clips or sample >= self.samples:
            raise PairingError(f"{name} is not among the clips that {FILE} lists. Take it out of the folder, or remove {FILE}.")
        return Place(clip_id, str(self.clips[clip_id]), sample)

    def write(self, folder: Path) -> None:
        """RunError: the folder cannot be written."""
        write_text(folder / FILE, json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n", advice=OUT_ADVICE)


def read_manifest(folder: str | Path) -> Manifest | None:
    """The manifest in a folder, or None where there is none.

    DataError: it is damaged, or of another version.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        table = checked(json.loads(path.read_text(encoding="utf-8")), Mapping[str, Any], where="the manifest")
        if table.get("format") != FORMAT:
            raise DataError(f"{path} has format {table.get('format')!r}; this vgbench reads {FORMAT}. Generate the clips again.")
        hints = get_type_hints(Manifest)
        manifest = Manifest(**{name: checked(table.get(name), hint, where=name) for name, hint in hints.items()})
        checked(manifest.protocol.get("id"), str, where="protocol id")
    except (OSError, ValueError, RecursionError, ConfigError) as error:
        raise DataError(f"{path} is damaged: {error} Generate the clips again, or remove it.") from error
    if manifest.score_from < 0 or manifest.samples < 1:
        raise DataError(f"{path} is damaged: score_from {manifest.score_from}, samples {manifest.samples}. Generate the clips again.")
    return manifest
