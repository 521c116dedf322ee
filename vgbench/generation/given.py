"""A row whose clips any program made for a protocol's test clips, and stored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vgbench.data.clips import Clip
from vgbench.data.fingerprints import folder_signature
from vgbench.data.loader import read_ahead
from vgbench.errors import DataError, PairingError, listed
from vgbench.generation.manifest import read_manifest
from vgbench.generation.resized import Resized, Resizing
from vgbench.generation.source import ClipSource, Sampled
from vgbench.generation.stored import stored_notes
from vgbench.protocol import Protocol, differing_content
from vgbench.runs.records import RowRecord

if TYPE_CHECKING:
    from typing import Any

    from torch import Tensor

    from vgbench.video.folder import ClipFile, ClipFolder


class GivenClips(ClipSource):
    """Stored clips, found by the ids of the test clips, or in arrays by their order."""

    run = None

    def __init__(
        self,
        label: str,
        path: str | Path,
        clips: Sequence[Clip],
        protocol: Protocol,
        identity: Mapping[str, Any],
        *,
        layout: str | None,
        resizing: Resizing | None,
        workers: int,
    ) -> None:
        """identity: the protocol's, as runs record it.  resizing: how clips of another size than the protocol's are brought to it.

        PairingError: clips are missing, of another length or size, or were made under another protocol.  DataError: they cannot be read.
        """
        from vgbench.video.folder import open_clips

        self.label, self.path, self._layout = label, path, layout
        _check_protocol(path, identity)
        folder = open_clips(path, layout=layout)
        self._samples, stored = _found(folder, clips, protocol, path)
        self._resizing = None if resizing is None else replace(resizing, size=protocol.video.size)
        drops_colour = protocol.video.grey != "refuse"
        self._files = {key: Resized(file.name, file, self._resizing, protocol.video.channels, drops_colour) for key, file in stored.items()}
        _check_shapes(list(self._files.values()), protocol, path, workers)
        strangers = len(folder.clips) - len(stored)
        self.notes = [f"{strangers} clips in {path} stand for no test clip of the protocol, and are not scored."] if strangers else []
        self.notes += stored_notes(list(stored.values()), str(path))
        sizes = sorted({(file.info().height, file.info().width) for file in stored.values()} - {protocol.video.size})
        if sizes:
            found = ", ".join(f"{height}×{width}" for height, width in sizes)
            self.notes.append(f"{label}: clips of {found} are resized: {self._resizing}.")

    def samples(self, protocol: Protocol) -> int:
        return self._samples

    def sample(self, clips: Tensor, clip_ids: Sequence[str], protocol: Protocol, sample: int) -> Sampled:
        import torch

        read = torch.stack([self._files[clip_id, sample].read() for clip_id in clip_ids])
        return Sampled(read.to(clips.device), None)

    def record(self, n_lines: int) -> RowRecord:
        return RowRecord(label=self.label, generator=self.label, n_lines=n_lines, config=self.described())

    def described(self) -> dict[str, str]:
        """What was given, and how it is brought to the protocol's size."""
        return {"given": str(self.path), **({} if self._resizing is None else {"resizing": str(self._resizing)})}

    def asked(self) -> dict[str, Any]:
        """The same, with the files as they are and how arrays are read: what a resumed evaluation must have in common."""
        return {**self.described(), "files": files_signature(self.path), "layout": self._layout}


_SAMPLE = re.compile(r"sample-(\d+)/")


def files_signature(path: str | Path) -> str | None:
    """A hash over the names, sizes and times of a folder's files, of an array's or of a single one; None where that cannot be had."""
    from vgbench.video.array_files import array_address

    address = array_address(path)
    return folder_signature(Path(path) if address is None else address.path)


def _check_shapes(files: Sequence[ClipFile], protocol: Protocol, path: str | Path, workers: int) -> None:
    """PairingError: clips do not have the protocol's length, size or channels, or cannot be opened."""
    wanted = (protocol.task.frames, protocol.video.channels, *protocol.video.size)
    unlike = [text for text in read_ahead(files, lambda file: _difference(file, wanted), workers=workers, ahead=4 * workers) if text]
    if unlike:
        raise PairingError(
            f"Protocol {protocol.name} asks for {_shape_text(wanted)}; {len(unlike)} of {len(files)} clips in {path} are not of that. "
            f"--resample FILTER brings them to its size.\n{listed(unlike)}"
        )


def _check_protocol(path: str | Path, identity: Mapping[str, Any]) -> None:
    """PairingError: a manifest says that they were made under another protocol; how many test clips were taken makes none."""
    manifest = read_manifest(path)
    if manifest is None:
        return
    apart = ("id", "name", "limit")
    mine, theirs = ({key: value for key, value in one.items() if key not in apart} for one in (identity, manifest.protocol))
    if mine != theirs:
        raise PairingError(f"{path} was made under another protocol: {'; '.join(differing_content(manifest.protocol, identity))}.")


def _found(folder: ClipFolder, clips: Sequence[Clip], protocol: Protocol, path: str | Path) -> tuple[int, dict[tuple[str, int], ClipFile]]:
    """How many samples there are of each test clip, and (clip, sample) → its file.  PairingError: there are too few."""
    if folder.kind == "array":
        if len(folder.clips) < len(clips):
            raise PairingError(f"{path} holds {len(folder.clips)} clips and protocol {protocol.name} has {len(clips)} test clips.")
        return 1, {(clip.clip_id, 0): file for clip, file in zip(clips, folder.clips, strict=False)}
    by_name = {file.name: file for file in folder.clips}
    numbers = sorted({int(match[1]) for match in map(_SAMPLE.match, by_name) if match})
    samples = len(numbers)
    if numbers != list(range(samples)):
        raise PairingError(f"{path} has the samples {', '.join(map(str, numbers))}; they are numbered from 0, without a gap.")
    names = {
        (clip.clip_id, sample): f"sample-{sample}/{clip.clip_id}" if samples else clip.clip_id
        for clip in clips
        for sample in range(max(1, samples))
    }
    missing = [name for name in names.values() if name not in by_name]
    if missing:
        raise PairingError(
            f"{path} lacks {len(missing)} of {len(names)} clips. A clip has the test clip's id as its name, in folders where the id has "
            f"slashes, and with more than one sample lies in sample-0, sample-1, …; `vgbench generate --contexts DIR` lists the ids.\n"
            + listed(missing)
        )
    return max(1, samples), {key: by_name[name] for key, name in names.items()}


def _difference(file: ClipFile, wanted: tuple[int, ...]) -> str:
    try:
        info = file.info()
    except DataError as error:
        return str(error)
    found = info.frames, info.channels, info.height, info.width
    return "" if found == wanted else f"{file.name}: {_shape_text(found)}"


def _shape_text(shape: Sequence[int]) -> str:
    frames, channels, height, width = shape
    return f"{frames} frames of {height}×{width} with {channels} channels"
